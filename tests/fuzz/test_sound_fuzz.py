"""A short run of the sound fuzz target."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.fuzz_sound_frames import fuzz_one


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_sound_frames(data: bytes) -> None:
    fuzz_one(data)
