"""Sound with earlier frames (RED, RFC 2198): the compiled code beside plain Python."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.packets import PayloadError, pack_red, unpack_red
from mcu.media.rtp.redundancy import MAX_BLOCKS, MAX_LENGTH, MAX_OFFSET, Block
from tests.reference import redundancy as reference

earlier = st.tuples(st.integers(0, 127), st.integers(0, MAX_OFFSET), st.binary(max_size=MAX_LENGTH))
anything = st.tuples(st.integers(-1, 128), st.integers(-1, MAX_OFFSET + 1), st.binary(max_size=MAX_LENGTH + 1))


def test_the_format_is_that_of_the_rfc() -> None:
    assert pack_red([(111, 960, b"ab"), (111, 0, b"cde")]) == bytes.fromhex("ef0f0002 6f") + b"abcde"


@given(st.lists(earlier, max_size=MAX_BLOCKS - 1), st.binary(max_size=1200))
def test_what_is_packed_is_read(before: list[Block], newest: bytes) -> None:
    whole = [*before, (111, 0, newest)]
    packed = pack_red(whole)
    assert packed == reference.pack(whole)
    assert unpack_red(packed) == whole


@given(st.one_of(st.binary(max_size=60), st.binary(max_size=8).map(lambda head: b"\xef\x0f\x00\x02" + head)))
def test_any_payload_is_read_or_refused_as_by_the_reference(payload: bytes) -> None:
    try:
        expected = reference.unpack(payload)
    except PayloadError as refused:
        with pytest.raises(PayloadError, match=str(refused)):
            unpack_red(payload)
        return
    assert unpack_red(payload) == expected


@given(st.lists(anything, max_size=MAX_BLOCKS + 1))
def test_what_the_format_cannot_hold_is_refused_as_by_the_reference(blocks: list[Block]) -> None:
    try:
        expected = reference.pack(blocks)
    except ValueError:
        with pytest.raises(ValueError, match="block"):
            pack_red(blocks)
        return
    assert pack_red(blocks) == expected


@pytest.mark.parametrize("wrong", [None, 5, [None], [(1, 2)], [(1, 2, "text")], [(1, 0, b""), 7]])
def test_what_is_no_block_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError):
        pack_red(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        unpack_red(wrong)  # type: ignore[arg-type]
