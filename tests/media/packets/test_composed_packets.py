"""Compiled packets of composed and decoded media beside those in plain Python, octet for octet and error for error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media import packets as compiled
from mcu.media.rtp.errors import RtpError
from mcu.media.rtp.packet import RtpPacket
from tests.fuzz.outcome import outcome
from tests.fuzz.seeds import seeds_of
from tests.reference import h264, packet, vp8

# Whole packets

EXTENSIONS = st.sampled_from(
    [
        b"\xbe\xde\x00\x01\x10\xaa\x00\x00",
        b"\xbe\xde\x00\x02\x22\x01\x02\x03\xf0\x51\x07\x00",
        b"\xbe\xde\x00\x01\x1f\x01\x02\x03",
        b"\xbe\xde\x00\x01\x05\x01\x10\x09",
        b"\xbe\xde\x00\x02\x10\x01\x10\x02\x10\x03\x00\x00",
        b"\x10\x00\x00\x02\x01\x00\x02\x01\xaa\x00\x03\x09",
        b"\x10\x0f\x00\x01\x01\x02\xaa\xbb",
        b"\x10\x00\x00\x01\x00\x00\x00\x07",
        b"\x12\x34\x00\x01\x01\x02\x03\x04",
        b"\xbe\xde\x00\x09\x10",
        b"\xbe",
        b"",
    ]
)
PACKETS = st.one_of(
    st.binary(max_size=80),
    st.builds(
        lambda first, second, head, sources, extension, rest: (
            bytes((first, second)) + head + sources + extension + rest
        ),
        st.sampled_from((0x80, 0x81, 0x90, 0x92, 0xA0, 0xB0, 0xB1, 0x8F, 0x40, 0xC0)),
        st.integers(0, 255),
        st.binary(min_size=10, max_size=10),
        st.sampled_from((b"", b"\0\0\0\1", b"\0\0\0\1\0\0\0\2")),
        EXTENSIONS,
        st.binary(max_size=20),
    ),
)


@settings(max_examples=400, deadline=None)
@given(PACKETS)
def test_packets_are_read_as_by_the_reference(data: bytes) -> None:
    header = outcome(packet.parse_header, data)
    assert outcome(compiled.parse_header, data) == header
    read, expected = outcome(RtpPacket.parse, data), outcome(packet.RtpPacket.parse, data)
    assert read[0] == expected[0]
    if read[0] != "value":
        assert read == expected
        return
    names = RtpPacket.__slots__
    assert [getattr(read[1], name) for name in names] == [getattr(expected[1], name) for name in names]
    for number in (*expected[1].extensions, 1, 9):
        assert compiled.read_extension(data, number) == packet.read_extension(data, number)
    assert outcome(read[1].serialise) == outcome(expected[1].serialise)


NUMBERS = st.one_of(st.integers(-2, 300), st.integers(0, 1 << 33))


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(
        NUMBERS,
        NUMBERS,
        NUMBERS,
        NUMBERS,
        st.binary(max_size=20),
        st.booleans(),
        st.lists(NUMBERS, max_size=17).map(tuple),
        st.dictionaries(st.integers(-1, 17), st.binary(max_size=18), max_size=4),
        st.integers(-1, 257),
    )
)
def test_what_no_packet_can_carry_is_refused_by_both(fields: tuple[Any, ...]) -> None:
    made, expected = outcome(RtpPacket(*fields).serialise), outcome(packet.RtpPacket(*fields).serialise)
    assert made[0] == expected[0]
    if made[0] == "value":  # of several faults each may name another
        assert made == expected


@settings(deadline=None)
@given(
    st.tuples(
        st.lists(st.binary(max_size=1500), max_size=5),
        st.booleans(),
        st.integers(0, 127),
        st.integers(0, 1 << 40),
        st.integers(0, 0xFFFFFFFF),
        st.integers(0, 0xFFFFFFFF),
        st.sampled_from((b"", b"\xbe\xde\x00\x01\x10\xaa\x00\x00")),
    )
)
def test_runs_of_packets_are_written_as_by_the_reference(arguments: tuple[Any, ...]) -> None:
    made = compiled.write_packets(*arguments)
    assert made == packet.write_packets(*arguments)
    for data in made:
        start = packet.parse_header(data)[5]
        assert compiled.repetition(data, start, 97, 70_000, 5) == packet.repetition(data, start, 97, 70_000, 5)


@pytest.mark.parametrize("arguments", [(11, 97, 1, 1), (999, 97, 1, 1), (12, 128, 1, 1), (12, 97, 1, 1 << 32)])
def test_no_repetition_is_made_of_what_is_none(arguments: tuple[int, int, int, int]) -> None:
    with pytest.raises(RtpError, match="field out of range"):
        compiled.repetition(bytes(12), *arguments)


# Access units to payloads

UNITS = st.one_of(
    st.binary(max_size=30),
    st.builds(lambda head, size: head + b"\x07" * size, st.binary(min_size=1, max_size=2), st.integers(0, 700)),
)
STREAMS = st.lists(
    st.tuples(st.sampled_from((b"\0\0\1", b"\0\0\0\1", b"\0\0\0\0\0\1", b"\0\1", b"\1", b"")), UNITS), max_size=10
).map(lambda parts: b"".join(code + unit for code, unit in parts))


@settings(max_examples=300, deadline=None)
@given(STREAMS, st.sampled_from((0, 1)), st.integers(64, 300))
def test_access_units_are_cut_as_by_the_reference(data: bytes, mode: int, mtu: int) -> None:
    assert compiled.nal_units(data) == list(h264.nal_units(data))
    expected = h264.H264Packetizer(mode, mtu).packetize(data)
    packetizer = compiled.H264Packetizer(mode, mtu)
    assert packetizer.packetize(data) == expected
    head = (96, 65_535, 7, 8, b"\xbe\xde\x00\x01\x10\xaa\x00\x00")
    assert packetizer.packets(data, *head) == packet.write_packets(expected, True, *head)


@pytest.mark.parametrize("size", [59_999, 60_000, 60_001, 200_000])
def test_units_too_large_for_a_datagram_are_cut_as_by_the_reference(size: int) -> None:
    data = b"\0\0\1\x65" + b"\x07" * (size - 1)
    for mode in (0, 1):
        assert compiled.H264Packetizer(mode).packetize(data) == h264.H264Packetizer(mode).packetize(data)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=900), max_size=4), st.integers(64, 300), st.integers(0, 0xFFFF))
def test_frames_are_cut_as_by_the_reference(frames: list[bytes], mtu: int, picture: int) -> None:
    expected, packetizer, other = (
        vp8.Vp8Packetizer(mtu, picture),
        compiled.Vp8Packetizer(mtu, picture),
        compiled.Vp8Packetizer(mtu, picture),
    )
    head = (96, 65_535, 7, 8, b"")
    for frame in frames:
        payloads = expected.packetize(frame)
        assert packetizer.packetize(frame) == payloads
        assert other.packets(frame, *head) == packet.write_packets(payloads, True, *head)
        assert packetizer.picture_id == other.picture_id == expected.picture_id


def test_packetizers_refuse_what_the_reference_refuses() -> None:
    for call, arguments in ((compiled.H264Packetizer, (2,)), (compiled.H264Packetizer, (1, 63))):
        with pytest.raises(ValueError) as compiled_error:
            call(*arguments)
        with pytest.raises(ValueError) as reference_error:
            h264.H264Packetizer(*arguments)
        assert str(compiled_error.value) == str(reference_error.value)
    for make in (compiled.H264Packetizer, compiled.Vp8Packetizer):
        with pytest.raises(ValueError, match="more than a datagram carries"):
            make(mtu=60_001)


# Payloads to access units

SPS, PPS = b"\x67\x42\xc0\x1f\xda\x01", b"\x68\xce\x3c\x80"
H264_PAYLOADS = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            SPS,
            PPS,
            b"\x67",
            b"\x09\xf0",
            b"\x06\x06\x01\x84",
            b"\x65\x88\x84",
            b"\x65\x08",
            b"\x41\x9a\x01",
            b"\x7c\x85\x88\x11",
            b"\x7c\x05\x67",
            b"\x7c\x05",
            b"\x7c\x45\x22",
            b"\x7c\x85",
            b"\x7c\xc7\x42\xc0\x1f\xdb",
            b"\x7c\x87\x42",
            b"\x7c\x89\xf0",
            b"\x78\x00\x02\x09\xf0\x00\x02\x65\x88",
            b"\x78\x00\x01\x65\x00\x00\x00\x01\x67",
            b"\x78\x00\x04\x68\xce\x3c\x80\x00\x03\x65",
            b"\x78\x00",
            b"\x79\x00\x01",
        ]
    ),
    st.integers(0, 40).map(lambda number: b"\x67\x42\xc0\x1f" + ((number + 1) << 20).to_bytes(4, "big")),
    st.integers(0, 40).map(lambda number: b"\x68" + ((number + 1) << 20).to_bytes(4, "big")),
    st.just(b"\x67" + b"\x11" * 1024),
)
VP8_PAYLOADS = st.one_of(
    st.binary(max_size=8),
    st.sampled_from(
        [
            b"\x10\x00key",
            b"\x90\x80\x85\x01\x01more",
            b"\x80\x80\x05later",
            b"\x90\xf0\x85\x01\x02\x03",
            b"\x00no start",
        ]
    ),
)
ACTIONS = st.sampled_from(("push", "push", "push", "push", "take", "reset", "cut"))
FLAGS = ("clean_start", "damaged", "recovery_point", "empty", "keyframe", "whole", "conceals")


def run_both(one: Any, other: Any, steps: list[tuple[str, bytes]]) -> None:
    for action, payload in steps:
        arguments = (payload,) if action == "push" else ()
        assert outcome(getattr(one, action), *arguments) == outcome(getattr(other, action), *arguments)
        assert {flag: getattr(one, flag) for flag in FLAGS} == {flag: getattr(other, flag) for flag in FLAGS}
    assert one.take() == other.take()


@settings(max_examples=600, deadline=None)
@given(st.sampled_from([(), (SPS, PPS), (PPS,)]), st.lists(st.tuples(ACTIONS, H264_PAYLOADS), max_size=50))
def test_access_units_are_joined_as_by_the_reference(sprop: tuple[bytes, ...], steps: list[tuple[str, bytes]]) -> None:
    run_both(compiled.H264Depacketizer(sprop), h264.H264Depacketizer(sprop), steps)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(ACTIONS, VP8_PAYLOADS), max_size=30))
def test_frames_are_joined_as_by_the_reference(steps: list[tuple[str, bytes]]) -> None:
    run_both(compiled.Vp8Depacketizer(), vp8.Vp8Depacketizer(), steps)


@given(st.binary(max_size=8))
def test_descriptors_are_read_as_by_the_reference(payload: bytes) -> None:
    assert outcome(compiled.descriptor_size, payload) == outcome(vp8.descriptor_size, payload)


@pytest.mark.parametrize("payload", [b"\x7c\x05" + bytes(60_000), b"\x41\x9a", b"\x78" + b"\x00\x02\x41\x9a" * 600])
def test_endless_access_units_end_where_those_of_the_reference_do(payload: bytes) -> None:
    steps = [("push", b"\x7c\x85\x88"), *[("push", payload)] * 2200]
    run_both(compiled.H264Depacketizer(), h264.H264Depacketizer(), steps if len(payload) < 1000 else steps[:150])


def test_endless_frames_end_where_those_of_the_reference_do() -> None:
    run_both(compiled.Vp8Depacketizer(), vp8.Vp8Depacketizer(), [("push", b"\x10\x00" + bytes(60_000))] * 80)


@pytest.mark.parametrize("name", ["fuzz_rtp", "fuzz_h264_payload", "fuzz_vp8_payload"])
def test_the_corpus_is_read_as_by_the_reference(name: str) -> None:
    for data in seeds_of(name):
        assert outcome(compiled.parse_header, data) == outcome(packet.parse_header, data)
        size = 1 + (data[0] if data else 0)
        steps = [("push", data[at : at + size]) for at in range(1, len(data), size)]
        run_both(compiled.H264Depacketizer(), h264.H264Depacketizer(), steps)
        run_both(compiled.Vp8Depacketizer(), vp8.Vp8Depacketizer(), steps)
