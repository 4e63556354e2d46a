"""Who is to be seen for speaking: not who coughs, and not everybody in turn when all talk at once."""

from __future__ import annotations

from layouts.speech import Speech, VoiceSwitch

EVERYBODY = ("anna", "bo", "chen")


class Talk:
    """A conversation under a voice switch; remembers every change of whom it chose."""

    def __init__(self, after: float = 1.0, hold: float = 3.0) -> None:
        self.speech = Speech()
        self.switch = VoiceSwitch(after, hold)
        self.changes: list[tuple[float, str | None]] = []
        self.now = 0.0
        self.group: tuple[str, ...] = EVERYBODY
        self.look()

    def look(self) -> str | None:
        chosen = self.switch.choose(self.group, self.speech, self.now)
        if not self.changes or self.changes[-1][1] != chosen:
            self.changes.append((round(self.now, 3), chosen))
        return chosen

    def say(self, who: str | None, seconds: float) -> str | None:
        """``who`` speaks for so long; the switch is asked when it wants to be."""
        self.speech.speaks(who, self.now)
        self.look()
        end = self.now + seconds
        while self.switch.deadline is not None and self.switch.deadline <= end:
            self.now = self.switch.deadline
            self.look()
        self.now = end
        return self.look()


def test_nobody_is_chosen_before_somebody_has_spoken():
    assert Talk().say(None, 60) is None


def test_who_speaks_is_chosen_after_a_second_and_stays_when_all_are_silent():
    talk = Talk()
    assert talk.say("anna", 0.9) is None
    assert talk.say("anna", 0.2) == "anna"
    assert talk.changes == [(0.0, None), (1.0, "anna")]
    assert talk.say(None, 600) == "anna"


def test_a_cough_changes_nothing_however_often():
    talk = Talk()
    talk.say("anna", 10)
    for _ in range(20):
        talk.say("bo", 0.4)
        talk.say("anna", 5)
    for _ in range(20):
        talk.say("bo", 0.4)
        talk.say(None, 2)
    assert talk.changes == [(0.0, None), (1.0, "anna")]


def test_whoever_was_chosen_is_not_replaced_before_the_hold_is_over():
    talk = Talk(after=0.5, hold=4.0)
    talk.say("anna", 1)
    talk.say("bo", 10)
    assert talk.changes == [(0.0, None), (0.5, "anna"), (4.5, "bo")]


def test_people_who_talk_at_once_do_not_make_it_flicker():
    talk = Talk()
    talk.say("anna", 5)
    for _ in range(50):
        talk.say("bo", 0.3)
        talk.say("anna", 0.3)
    assert talk.changes[-1] == (1.0, "anna")


def test_two_who_interrupt_each_other_get_there_even_so():
    talk = Talk()
    talk.say("anna", 5)
    talk.say(None, 5)
    for _ in range(20):
        talk.say("bo", 0.5)
        talk.say("chen", 0.5)
    assert talk.changes[2][1] in ("bo", "chen")
    assert talk.changes[2][0] < 15
    assert len(talk.changes) == 3


def test_long_speeches_of_the_past_do_not_make_a_cough_count():
    talk = Talk()
    talk.say("bo", 600)
    talk.say("anna", 60)
    talk.say("bo", 0.4)
    assert talk.say("anna", 5) == "anna"
    assert len(talk.changes) == 3


def test_when_the_chosen_one_leaves_the_one_before_takes_over_and_the_next_voice_comes_at_once():
    talk = Talk()
    talk.say("anna", 5)
    talk.say("bo", 5)
    assert talk.look() == "bo"
    talk.group = ("anna", "chen")
    assert talk.look() == "anna"
    talk.say(None, 1)
    assert talk.say("chen", 1.0) == "chen"
    talk.group = ()
    assert talk.look() is None


def test_a_picture_that_begins_in_the_middle_knows_who_has_been_speaking():
    speech = Speech()
    speech.speaks("anna", 0.0)
    speech.speaks("bo", 10.0)
    switch = VoiceSwitch(1.0, 3.0)
    assert switch.choose(EVERYBODY, speech, 10.1) == "anna"
    assert VoiceSwitch(1.0, 3.0).choose(EVERYBODY, speech, 11.5) == "bo"


def test_people_who_left_are_forgotten():
    speech = Speech()
    speech.speaks("anna", 0.0)
    speech.speaks("bo", 5.0)
    assert speech.last("anna", 9.0) == 5.0
    speech.keep({"bo"})
    assert speech.last("anna", 9.0) == float("-inf")
    assert (speech.last("bo", 9.0), speech.current) == (9.0, "bo")


def test_without_a_delay_every_voice_counts():
    talk = Talk(after=0.0, hold=0.0)
    assert talk.say("anna", 0.1) == "anna"
    assert talk.say("bo", 0.1) == "bo"
