"""Whom slots show: by voice, and otherwise as they were."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media.forwarding.director import SPEECH, STAY, Candidate, Director, Viewer
from mcu.media.spec import CodecSpec, VideoSpec

VP8 = CodecSpec(name="VP8", payload_type=96, clock_rate=90000)
H264 = CodecSpec(name="H264", payload_type=102, clock_rate=90000, parameters={"packetization-mode": "1"})
NAMES = ("ann", "bob", "cat", "dan", "eve", "fay")


def people(*names: str, codec: CodecSpec = VP8) -> list[Candidate]:
    return [Candidate(name, codec, order) for order, name in enumerate(names)]


def slot(*codecs: CodecSpec) -> VideoSpec:
    return VideoSpec(send_codec=codecs[0], receive_codecs=codecs, ssrc=1)


def viewer(slots: int = 2, pinned: str | None = None) -> Viewer:
    return Viewer("ann", (slot(VP8),) * slots, pinned)


def test_slots_fill_in_the_order_of_joining_without_oneself() -> None:
    assert Director().assign(viewer(3), people("ann", "bob", "cat"), 0.0) == ("bob", "cat", None)


def test_who_speaks_takes_the_place_of_the_least_active() -> None:
    director, all_ = Director(), people(*NAMES)
    assert director.assign(viewer(), all_, 0.0) == ("bob", "cat")
    director.speaks("bob", 5.0)
    director.speaks("dan", 10.0)
    assert director.assign(viewer(), all_, 10.0 + SPEECH / 2) == ("bob", "cat")  # a cough
    assert director.assign(viewer(), all_, 10.0 + SPEECH) == ("bob", "dan")
    director.speaks(None, 12.0)
    assert director.assign(viewer(), all_, 100.0) == ("bob", "dan")  # silence moves nobody
    director.speaks("ann", 101.0)
    assert director.assign(viewer(), all_, 110.0) == ("bob", "dan")  # one's own voice neither


def test_whoever_came_a_moment_ago_stays() -> None:
    director, all_ = Director(), people(*NAMES)
    director.assign(viewer(1), all_, 0.0)
    director.speaks("cat", 10.0)
    assert director.assign(viewer(1), all_, 11.0) == ("cat",)
    director.speaks("dan", 11.0)
    assert director.assign(viewer(1), all_, 11.0 + STAY - 0.1) == ("cat",)
    assert director.assign(viewer(1), all_, 11.0 + STAY) == ("dan",)


def test_who_is_pinned_is_always_seen() -> None:
    director, all_ = Director(), people(*NAMES)
    assert director.assign(viewer(), all_, 0.0) == ("bob", "cat")
    assert "fay" in director.assign(viewer(pinned="fay"), all_, 1.0)
    for at, name in enumerate(("bob", "cat", "dan", "eve")):
        director.speaks(name, 10.0 * at + 10)
        seen = director.assign(viewer(pinned="fay"), all_, 10.0 * at + 15)
        assert "fay" in seen and name in seen


def test_the_important_come_first() -> None:
    candidates = [Candidate("bob", VP8, 0), Candidate("cat", VP8, 1), Candidate("dan", VP8, 2, priority=1)]
    assert Director().assign(viewer(1), candidates, 0.0) == ("dan",)


def test_only_slots_that_can_show_it_show_it() -> None:
    mixed = Viewer("ann", (slot(H264), slot(VP8)))
    assert Director().assign(mixed, people("bob"), 0.0) == (None, "bob")
    assert Director().assign(mixed, [*people("bob"), Candidate("cat", H264, 5)], 0.0) == ("cat", "bob")


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 4),
    st.lists(
        st.tuples(
            st.floats(0.1, 5.0),
            st.sampled_from((None, *NAMES)),
            st.lists(st.sampled_from(NAMES), unique=True),
        ),
        max_size=30,
    ),
)
def test_whatever_happens(slots: int, steps: list[tuple[float, str | None, list[str]]]) -> None:
    director, now = Director(), 0.0
    before: tuple[str | None, ...] = (None,) * slots
    for passed, speaker, there in steps:
        now += passed
        director.speaks(speaker, now)
        candidates = people(*sorted(there))
        others = set(there) - {"ann"}
        seen = director.assign(viewer(slots), candidates, now)
        shown = [who for who in seen if who is not None]
        assert len(seen) == slots and len(set(shown)) == len(shown) and set(shown) <= others
        assert len(shown) == min(slots, len(others))  # no slot is empty for nothing
        moved = [place for place in range(slots) if before[place] in others and seen[place] != before[place]]
        assert len(moved) <= 1  # only who speaks moves anybody, and only one
        for place in moved:
            assert seen[place] == speaker
        assert director.assign(viewer(slots), candidates, now) == seen
        before = seen
