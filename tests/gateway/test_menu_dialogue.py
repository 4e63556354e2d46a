"""The menu, key by key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.conference.door.joining import JoinCode
from mcu.gateway.menu_dialogue import (
    ASK_AGAIN,
    GOODBYE_SECONDS,
    LONGEST_CALL,
    MAXIMUM_AHEAD,
    MAXIMUM_QUESTIONS,
    MAXIMUM_WRONG,
    PAUSE_ENDS,
    Action,
    HangUp,
    Join,
    LookUp,
    MenuDialogue,
    MenuStep,
    Prompt,
    Say,
    Show,
)


class Caller:
    """A dialogue, its clock, and all that it did."""

    def __init__(self, new_number: str | None = "246810") -> None:
        self.now = 100.0
        self.dialogue = MenuDialogue(None if new_number is None else lambda: new_number, self.now)
        self.did: list[Action] = self.dialogue.begin(self.now)

    def press(self, keys: str) -> list[Action]:
        done: list[Action] = []
        for key in keys:
            done += self.dialogue.press(key, self.now)
        self.did += done
        return done

    def wait(self, seconds: float) -> list[Action]:
        until, done = self.now + seconds, []
        while (deadline := self.dialogue.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            done += self.dialogue.handle_timer(self.now)
        self.now = until
        self.did += done
        return done

    def looked_up(self, exists: bool = True, pin_required: bool = False) -> list[Action]:
        return self.dialogue.looked_up(exists, pin_required, self.now)

    def refused(self, code: JoinCode) -> list[Action]:
        return self.dialogue.refused(code, self.now)


def said(actions: list[Action]) -> list[Prompt]:
    return [action.prompt for action in actions if isinstance(action, Say)]


def test_the_first_question_is_the_number() -> None:
    assert Caller().did == [Say(Prompt.ENTER_NUMBER), Show(MenuStep.NUMBER)]


@pytest.mark.parametrize("ending", ["#", ""])
def test_a_number_ends_with_a_hash_or_a_pause(ending: str) -> None:
    caller = Caller()
    done = caller.press("1000" + ending)
    assert done[:4] == [Show(MenuStep.NUMBER, typed) for typed in ("1", "10", "100", "1000")]
    if not ending:
        assert caller.wait(PAUSE_ENDS - 0.1) == []
        done = caller.wait(0.2)
    assert done[-2:] == [Show(MenuStep.WAITING), LookUp("1000")]
    assert caller.looked_up() == [Join("1000")]


def test_a_pin_is_asked_for_and_never_shown() -> None:
    caller = Caller()
    caller.press("1000#")
    assert caller.looked_up(pin_required=True) == [Say(Prompt.ENTER_PIN), Show(MenuStep.PIN)]
    assert caller.press("47") == [Show(MenuStep.PIN, "•"), Show(MenuStep.PIN, "••")]
    assert caller.press("11#")[-1] == Join("1000", "4711")
    assert "4711" not in repr(Join("1000", "4711"))


def test_a_wrong_pin_is_asked_for_again_but_not_for_ever() -> None:
    caller = Caller()
    caller.press("1000#")
    caller.looked_up(pin_required=True)
    for _ in range(MAXIMUM_WRONG - 1):
        caller.press("1111#")
        assert caller.refused(JoinCode.WRONG_PIN) == [
            Say(Prompt.WRONG_PIN),
            Show(MenuStep.PIN, "", Prompt.WRONG_PIN),
        ]
    caller.press("1111#")
    assert said(caller.refused(JoinCode.WRONG_PIN)) == [Prompt.WRONG_PIN]
    assert caller.dialogue.step is MenuStep.LEAVING
    assert caller.press("1234#") == []
    assert caller.wait(GOODBYE_SECONDS) == [HangUp()]
    assert caller.dialogue.next_deadline() is None


def test_numbers_cannot_be_tried_out() -> None:
    caller = Caller()
    for _ in range(MAXIMUM_WRONG - 1):
        caller.press("999#")
        assert said(caller.looked_up(exists=False)) == [Prompt.UNKNOWN_NUMBER]
        assert caller.dialogue.step is MenuStep.NUMBER
    caller.press("999#")
    caller.looked_up(exists=False)
    assert caller.wait(GOODBYE_SECONDS) == [HangUp()]


@pytest.mark.parametrize(
    ("code", "step"),
    [
        (JoinCode.LOCKED, MenuStep.NUMBER),
        (JoinCode.FULL, MenuStep.NUMBER),
        (JoinCode.MEDIA, MenuStep.NUMBER),
        (JoinCode.UNKNOWN_ROOM, MenuStep.NUMBER),
        (JoinCode.TOO_MANY_ATTEMPTS, MenuStep.LEAVING),
    ],
)
def test_a_conference_that_lets_nobody_in(code: JoinCode, step: MenuStep) -> None:
    caller = Caller()
    caller.press("1000#")
    caller.looked_up()
    caller.refused(code)
    assert caller.dialogue.step is step


def test_a_star_begins_a_new_conference_whose_number_is_told() -> None:
    caller = Caller()
    assert caller.press("*") == [Say(Prompt.YOUR_NUMBER, "246810"), Show(MenuStep.TELLING, "246810")]
    assert caller.press("5") == [Show(MenuStep.WAITING), Join("246810")]


def test_the_new_number_is_joined_by_itself_after_a_while() -> None:
    caller = Caller()
    caller.press("*")
    assert caller.wait(30.0) == [Show(MenuStep.WAITING), Join("246810")]


def test_where_none_may_be_opened_a_star_does_nothing() -> None:
    caller = Caller(new_number=None)
    assert caller.press("*") == []
    assert not caller.dialogue.may_begin


def test_a_star_erases_and_goes_back() -> None:
    caller = Caller()
    assert caller.press("12*")[-1] == Show(MenuStep.NUMBER, "")
    caller.press("1000#")
    caller.looked_up(pin_required=True)
    assert said(caller.press("*")) == [Prompt.ENTER_NUMBER]


def test_keys_pressed_ahead_count_afterwards() -> None:
    caller = Caller()
    caller.press("1000#4711#")
    assert caller.looked_up(pin_required=True)[-1] == Join("1000", "4711")


def test_who_presses_nothing_is_asked_again_and_then_let_go() -> None:
    caller = Caller()
    done = caller.wait(ASK_AGAIN * MAXIMUM_QUESTIONS + GOODBYE_SECONDS)
    assert said(done) == [Prompt.ENTER_NUMBER] * (MAXIMUM_QUESTIONS - 1) + [Prompt.GOODBYE]
    assert done[-1] == HangUp()


def test_nobody_stays_for_ever() -> None:
    caller = Caller()
    for _ in range(110):
        caller.wait(3.0)
        caller.press("1*")
    assert isinstance(caller.did[-1], HangUp)
    ended = [action for action in caller.did if isinstance(action, HangUp)]
    assert len(ended) == 1


@given(
    st.lists(
        st.one_of(
            st.sampled_from("0123456789*#AX"),
            st.floats(0.1, 60.0),
            st.sampled_from(list(JoinCode)),
            st.tuples(st.booleans(), st.booleans()),
        ),
        max_size=120,
    )
)
def test_whatever_happens_it_ends(happenings: list[object]) -> None:
    caller = Caller()
    for happening in happenings:
        if isinstance(happening, JoinCode):
            caller.refused(happening)
        elif isinstance(happening, float):
            caller.wait(happening)
        elif isinstance(happening, tuple):
            caller.looked_up(*happening)
        else:
            caller.press(str(happening))
        assert len(caller.dialogue._ahead) <= MAXIMUM_AHEAD
        assert len(caller.dialogue._typed) <= 12
    caller.wait(LONGEST_CALL + 2 * GOODBYE_SECONDS)
    assert caller.dialogue.step is MenuStep.OVER
