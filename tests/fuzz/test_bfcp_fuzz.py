"""A short run of the fuzz target for floor control."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import fuzz_bfcp


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120))
def test_no_bytes_upset_floor_control(data: bytes) -> None:
    fuzz_bfcp.fuzz_one(data)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(fuzz_bfcp.SEEDS), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6))
def test_no_damaged_message_upsets_floor_control(seed: bytes, changes: list[tuple[int, int]]) -> None:
    data = bytearray(seed)
    for place, octet in changes:
        data[place % len(data)] = octet
    fuzz_bfcp.fuzz_one(bytes(data))
