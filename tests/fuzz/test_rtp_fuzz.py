"""A short run of each RTP fuzz target. Longer runs call ``fuzz_one`` from a fuzzer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import (
    fuzz_framing,
    fuzz_h264_payload,
    fuzz_old_video_payload,
    fuzz_redundancy,
    fuzz_rtcp,
    fuzz_rtp,
    fuzz_telephone_event,
    fuzz_vp8_payload,
)

# Plausible beginnings lead the fuzzer past the first checks.
RTCP_KINDS = (192, 200, 201, 202, 203, 205, 206)
RTCP_HEADS = [
    bytes((0x80 | count, kind, 0, words)) for count in (0, 1, 4, 15) for kind in RTCP_KINDS for words in (1, 2, 6)
]
PAYLOAD_HEADS = [b"\x10\x7c\x85", b"\x08\x78\x00\x02", b"\x05\x67\x42", b"\x90\x80\x80\x01", b"\x06\x05\x80\x03\x20"]
RTP_HEADS = [bytes((first, 99)) + bytes(9) + b"\x05" for first in (0x80, 0x90, 0xA0, 0xB1)]

TARGETS = [
    (fuzz_rtp.fuzz_one, RTP_HEADS),
    (fuzz_rtcp.fuzz_one, RTCP_HEADS),
    (fuzz_framing.fuzz_one, fuzz_framing.SEEDS),
    (fuzz_h264_payload.fuzz_one, PAYLOAD_HEADS),
    (fuzz_vp8_payload.fuzz_one, PAYLOAD_HEADS),
    (fuzz_old_video_payload.fuzz_one, [*fuzz_old_video_payload.SEEDS, b"\0\x01\0", b"\0\0\x80", b"\x04\x00\x80"]),
    (fuzz_redundancy.fuzz_one, PAYLOAD_HEADS),
    (fuzz_telephone_event.fuzz_one, PAYLOAD_HEADS),
]


@pytest.mark.parametrize(("fuzz_one", "heads"), TARGETS, ids=lambda value: getattr(value, "__module__", ""))
def test_no_input_raises_what_is_not_documented(fuzz_one: Callable[[bytes], None], heads: list[bytes]) -> None:
    part = st.one_of(st.binary(max_size=60), st.sampled_from(heads))

    @settings(max_examples=300, deadline=None)
    @given(st.lists(part, max_size=8).map(b"".join))
    def run(data: bytes) -> None:
        fuzz_one(data)

    run()
