"""H.264 payloads: cutting, joining, parameter sets, damage."""

from __future__ import annotations

import random

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.h264 import H264Depacketizer, H264Packetizer, nal_units, parse_sprop_parameter_sets
from tests.media.rtp.link import PPS, SPS, START_CODE, access_unit, noise
from tests.reference.h264 import MAX_ACCESS_UNIT, MAX_PARAMETER_SETS, MAX_SINGLE_UNIT

IDR = b"\x65\x88\x84"
SLICE = b"\x41\x9a\x01"


def annexb(*units: bytes) -> bytes:
    return b"".join(START_CODE + unit for unit in units)


def through(payloads: tuple[bytes, ...], depacketizer: H264Depacketizer) -> tuple[bytes, bool] | None:
    for payload in payloads:
        depacketizer.push(payload)
    return depacketizer.take()


units = st.builds(
    lambda header, body: bytes([header]) + body.replace(b"\x00", b"\x07"),
    st.sampled_from([0x65, 0x41, 0x01, 0x06]),
    st.binary(min_size=2, max_size=4000),
)


@given(st.lists(units, min_size=1, max_size=8), st.integers(0, 1), st.integers(64, 1400))
def test_any_access_unit_survives_a_round_trip(members: list[bytes], mode: int, mtu: int) -> None:
    data = annexb(*members, SLICE)
    payloads = H264Packetizer(mode, mtu).packetize(data)
    if mode == 1:
        assert max(map(len, payloads)) <= mtu
    else:
        assert list(payloads) == [*members, SLICE]
    taken = through(payloads, H264Depacketizer())
    assert taken == (data, any(unit[0] & 0x1F == 5 for unit in members))


def test_start_codes_of_three_and_four_bytes_are_understood() -> None:
    data = b"\x00\x00\x01" + SPS + b"\x00\x00\x00\x01" + PPS + b"\x00\x00\x01" + IDR + b"\x00\x00"
    assert list(nal_units(data)) == [SPS, PPS, IDR]
    assert list(nal_units(b"no start code")) == []


def test_small_units_are_joined_and_large_ones_cut_evenly() -> None:
    large = b"\x65" + noise(random.Random(1), 3000)
    payloads = H264Packetizer(1, 1200).packetize(annexb(SPS, PPS, large))
    assert payloads[0][0] == 0x60 | 24
    assert [payload[0] & 0x1F for payload in payloads[1:]] == [28, 28, 28]
    assert [payload[1] >> 6 for payload in payloads[1:]] == [0b10, 0b00, 0b01]
    assert {len(payload) for payload in payloads[1:]} == {1002}


def test_units_too_large_for_a_datagram_are_cut_in_mode_0_too() -> None:
    payloads = H264Packetizer(0).packetize(annexb(b"\x65" + b"\x07" * (MAX_SINGLE_UNIT + 1)))
    assert {payload[0] & 0x1F for payload in payloads} == {28}


def test_legs_that_share_an_encoder_share_the_work() -> None:
    data = access_unit(random.Random(1), 5000, True)
    assert H264Packetizer(1, 1200).packetize(data) is H264Packetizer(1, 1200).packetize(data)
    assert H264Packetizer(1, 1100).packetize(data) is not H264Packetizer(1, 1200).packetize(data)


def test_parameter_sets_of_the_session_description_go_before_a_key_frame() -> None:
    sprop = parse_sprop_parameter_sets("Z0LAH9kAUAW7AWoCAgKAAAADAIAAAB5HjBkk,aMuMsg==")
    assert sprop == (SPS, PPS)
    depacketizer = H264Depacketizer(sprop)
    assert through((IDR,), depacketizer) == (annexb(SPS, PPS, IDR), True)
    assert through((SLICE,), depacketizer) == (annexb(SLICE), False)


def test_damaged_sprop_is_left_out() -> None:
    assert parse_sprop_parameter_sets("!!!,,aMuMsg,AAAA") == (PPS,)
    assert parse_sprop_parameter_sets("") == ()


def test_parameter_sets_seen_once_are_put_before_later_key_frames() -> None:
    depacketizer = H264Depacketizer()
    assert through((SPS, PPS, IDR), depacketizer) == (annexb(SPS, PPS, IDR), True)
    assert through((IDR,), depacketizer) == (annexb(SPS, PPS, IDR), True)
    assert through((b"\x09\xf0", IDR), depacketizer) == (annexb(b"\x09\xf0", SPS, PPS, IDR), True)
    assert through((SPS, IDR), depacketizer) == (annexb(SPS, PPS, IDR), True)


def test_parameter_sets_with_a_marker_of_their_own_wait_for_their_picture() -> None:
    depacketizer = H264Depacketizer()
    assert through((SPS,), depacketizer) is None
    assert through((PPS,), depacketizer) is None
    assert through((IDR,), depacketizer) == (annexb(SPS, PPS, IDR), True)


def test_the_number_of_remembered_parameter_sets_is_bounded() -> None:
    depacketizer = H264Depacketizer()
    for number in range(1, 200):
        depacketizer.push(b"\x67\x42\xc0\x1f" + (1 << 24 | number << 9).to_bytes(4, "big"))
        depacketizer.push(b"\x67\x42\xc0\x1f" + ((number + 1) << 16).to_bytes(4, "big"))
    depacketizer.reset()
    taken = through((IDR,), depacketizer)
    assert taken is not None and len(list(nal_units(taken[0]))) == 1 + MAX_PARAMETER_SETS


def test_a_set_goes_behind_whole_ones_not_into_what_looks_like_one() -> None:
    # A fragment that is empty, one that begins like an SPS, and an access unit delimiter in two parts.
    depacketizer = H264Depacketizer((PPS,))
    payloads = (b"\x7c\x85\x88\x84", b"\x7c\x05", b"\x7c\x05\x67\x01", b"\x7c\x45\x02", SPS)
    assert through(payloads, depacketizer) == (annexb(b"\x65\x88\x84\x67\x01\x02", SPS, PPS), True)
    payloads = (b"\x7c\x89\xf0", b"\x7c\x49\xf1", IDR)
    assert through(payloads, depacketizer) == (annexb(SPS, PPS, b"\x69\xf0\xf1", IDR), True)


@pytest.mark.parametrize(
    "payload", [b"", b"\x65", b"\x7c\x85", b"\x78\x00\x09\x01", b"\x79abc", b"\x7dabc", b"\x60\x01"]
)
def test_malformed_payloads_are_refused_and_damage_the_unit(payload: bytes) -> None:
    depacketizer = H264Depacketizer()
    with pytest.raises(PayloadError):
        depacketizer.push(payload)
    assert not depacketizer.whole


def test_missing_fragments_are_noticed() -> None:
    start, middle, end = H264Packetizer(1, 100).packetize(annexb(b"\x65" + noise(random.Random(1), 280)))
    for payloads in ((middle, end), (start,), (start, start, middle, end), (start, SLICE), (end,)):
        depacketizer = H264Depacketizer()
        for payload in payloads:
            depacketizer.push(payload)
        assert not depacketizer.whole
        depacketizer.reset()
        assert depacketizer.whole
        assert depacketizer.empty


def test_an_endless_picture_is_refused() -> None:
    depacketizer = H264Depacketizer()
    depacketizer.push(b"\x7c\x85" + bytes(1200))
    with pytest.raises(PayloadError):
        for _ in range(MAX_ACCESS_UNIT // 1200 + 2):
            depacketizer.push(b"\x7c\x05" + bytes(1200))
    with pytest.raises(PayloadError):
        for _ in range(5000):
            depacketizer.push(SLICE)


def test_a_recovery_point_is_noticed() -> None:
    depacketizer = H264Depacketizer()
    depacketizer.push(b"\x06\x06\x01\x84\x80")
    assert depacketizer.recovery_point
    depacketizer.push(SLICE)
    depacketizer.take()
    assert not depacketizer.recovery_point


def encode(width: int, height: int, pictures: int, **options: str) -> list[bytes]:
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt, context.framerate = width, height, "yuv420p", 30
    context.options = {"preset": "ultrafast", "tune": "zerolatency", **options}
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
    coded = []
    for number in range(pictures):
        frame = av.VideoFrame.from_ndarray(np.roll(picture, number, 1), "rgb24")
        frame.pts = number
        coded += [bytes(packet) for packet in context.encode(frame)]
    return coded


@pytest.mark.parametrize(("mode", "options"), [(1, {}), (0, {"x264-params": "slice-max-size=1200"})])
def test_a_real_decoder_takes_what_comes_out(mode: int, options: dict[str, str]) -> None:
    coded = encode(320, 240, 5, **options)
    packetizer, depacketizer = H264Packetizer(mode), H264Depacketizer()
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    shown = 0
    for data in coded:
        payloads = packetizer.packetize(data)
        assert len(payloads) > 5
        assert max(map(len, payloads)) <= 1200
        taken = through(payloads, depacketizer)
        assert taken is not None
        shown += len(decoder.decode(av.Packet(taken[0])))
    assert shown + len(decoder.decode(None)) == 5
