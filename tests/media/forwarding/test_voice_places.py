"""Voices stand where their faces do, and do not move while they sound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcu.media.forwarding.voice_places import place_voices

NOBODY = (None,) * 4


def test_a_voice_comes_where_its_face_is() -> None:
    assert place_voices(NOBODY, ("bob", "ann"), ("ann", "cat", "bob")) == ("ann", None, "bob", None)


def test_a_voice_without_a_face_takes_a_place_without_one() -> None:
    assert place_voices(NOBODY, ("dan",), ("ann", "cat", "bob", None)) == (None, None, None, "dan")
    assert place_voices(NOBODY, ("dan",), ("ann", "cat", "bob", "eve")) == (None, None, None, "dan")


def test_it_follows_its_face_only_in_silence() -> None:
    assert place_voices(("ann", None), ("ann",), (None, "ann")) == ("ann", None)
    assert place_voices(("ann", None), ("ann",), (None, "ann"), silent={"ann"}) == (None, "ann")
    assert place_voices(("ann", "bob"), ("ann", "bob"), (None, "ann"), silent={"ann"}) == ("ann", "bob")


PEOPLE = st.sampled_from(("ann", "bob", "cat", "dan", "eve"))


@given(
    st.lists(st.one_of(st.none(), PEOPLE), min_size=3, max_size=9).map(
        lambda ones: [one if one not in ones[:at] else None for at, one in enumerate(ones)]
    ),
    st.lists(PEOPLE, unique=True, max_size=3),
    st.lists(PEOPLE, unique=True, max_size=5),
    st.sets(PEOPLE),
)
def test_everybody_who_is_heard_has_one_place(
    before: list[str | None], heard: list[str], faces: list[str], silent: set[str]
) -> None:
    places = place_voices(before, heard, faces, silent)
    assert sorted(who for who in places if who is not None) == sorted(heard)
    for place, who in enumerate(before):
        if who is not None and who in heard and who not in silent:
            assert places[place] == who
