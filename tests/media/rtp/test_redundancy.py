"""Redundant sound (RFC 2198)."""

from __future__ import annotations

import random

import pytest

from mcu.media.rtp import rtcp
from mcu.media.rtp.packet import RtpPacket
from mcu.media.rtp.redundancy import HOLD, MAX_OFFSET, RedundancyWriter, ages, unpack_red
from mcu.media.rtp.session import RtpStream, SoundReceived
from mcu.media.units import CodedSound
from tests.media.rtp.link import audio_config, stream

RED = 63


def test_frames_are_repeated_by_the_loss_that_is_reported_and_for_a_while() -> None:
    writer = RedundancyWriter(RED)
    assert writer.write(111, 0, b"0") is None
    writer.reported(0.05, 1.0)
    assert unpack_red(writer.write(111, 960, b"1") or b"") == [(111, 960, b"0"), (111, 0, b"1")]
    writer.reported(0.07, 2.0)
    assert [frame for _, _, frame in unpack_red(writer.write(111, 1920, b"2") or b"")] == [b"1", b"2"]
    assert [frame for _, _, frame in unpack_red(writer.write(111, 2880, b"3") or b"")] == [b"0", b"2", b"3"]
    writer.reported(0.2, 3.0)
    assert [frame for _, _, frame in unpack_red(writer.write(111, 3840, b"4") or b"")] == [b"1", b"3", b"4"]
    assert [frame for _, _, frame in unpack_red(writer.write(111, 4800, b"5") or b"")] == [b"0", b"2", b"4", b"5"]
    writer.reported(0.0, 4.0)
    assert len(unpack_red(writer.write(111, 5760, b"6") or b"")) == 4
    writer.reported(0.0, 3.0 + HOLD)
    assert writer.write(111, 6720, b"7") is None


@pytest.mark.parametrize(
    ("offsets", "length", "expected"),
    [
        ((960,), None, [1]),
        ((4800,), 960, [1]),  # a browser after a pause
        ((1920, 960), None, [2, 1]),
        ((4800, 2880, 960), 960, [5, 3, 1]),
        ((4800, 2880, 960), None, [3, 2, 1]),
        ((1000, 960), 960, [2, 1]),
        ((), 960, []),
    ],
)
def test_timestamps_tell_which_frames_are_repeated(
    offsets: tuple[int, ...], length: int | None, expected: list[int]
) -> None:
    assert ages([*((111, offset, b"x") for offset in offsets), (111, 0, b"y")], length) == expected


def test_frames_from_before_a_pause_are_not_repeated() -> None:
    writer = RedundancyWriter(RED)
    writer.reported(0.2, 1.0)
    writer.write(111, 0, b"0")
    writer.write(111, 960, b"1")
    assert writer.write(111, 960 + MAX_OFFSET + 1, b"2") is None


def ends() -> tuple[RtpStream, RtpStream]:
    return stream(audio_config(1, redundancy=RED)), stream(audio_config(2, redundancy=RED))


def spoken(sender: RtpStream, count: int) -> list[bytes]:
    for number in range(count):
        at = number * 0.02
        sender.send_sound(CodedSound(b"frame %d" % number, 111, at, samples=960), at)
    return sender.rtp_to_send()


def report(ssrc: int, lost: float) -> bytes:
    block = rtcp.ReportBlock(ssrc, int(lost * 256), 0, 0, 0)
    return rtcp.serialise_compound((rtcp.ReceiverReport(9, (block,)),))


def test_without_loss_sound_goes_out_as_it_is() -> None:
    sender, _ = ends()
    assert {RtpPacket.parse(packet).payload_type for packet in spoken(sender, 5)} == {111}


@pytest.mark.parametrize("lost", [(9,), (9, 10), (9, 10, 11), (9, 10, 11, 12), (9, 11, 13)])
def test_what_is_lost_in_a_row_comes_with_the_next_and_none_twice(lost: tuple[int, ...]) -> None:
    sender, receiver = ends()
    sender.receive_rtcp(report(1, 0.2), 0.0)
    packets = spoken(sender, 20)
    assert RtpPacket.parse(packets[-1]).payload_type == RED
    for number, packet in enumerate(packets):
        if number not in lost:
            receiver.receive_rtp(packet, number * 0.02)
    units = [event.unit for event in receiver.events() if isinstance(event, SoundReceived)]
    assert all(0 <= unit.time - 0.02 * int(unit.data[6:]) < 0.101 for unit in units)
    units.sort(key=lambda unit: unit.sequence or 0)
    assert [unit.data for unit in units] == [b"frame %d" % number for number in range(20)]
    first = units[0]
    assert first.timestamp is not None and first.sequence is not None
    assert [unit.timestamp for unit in units] == [first.timestamp + 960 * number for number in range(20)]
    assert [unit.sequence for unit in units] == [first.sequence + number for number in range(20)]
    assert {unit.payload_type for unit in units} == {111}


def test_a_fifth_lost_at_random_leaves_next_to_nothing_lost() -> None:
    sender, receiver = ends()
    sender.receive_rtcp(report(1, 0.2), 0.0)
    rng = random.Random(4)
    for number, packet in enumerate(spoken(sender, 2000)):
        if rng.random() >= 0.2:
            receiver.receive_rtp(packet, number * 0.02)
    got = sum(isinstance(event, SoundReceived) for event in receiver.events())
    assert got > 1975


def test_a_broken_packet_is_counted_and_the_next_one_taken() -> None:
    sender, receiver = ends()
    sender.receive_rtcp(report(1, 0.2), 0.0)
    packets = spoken(sender, 3)
    receiver.receive_rtp(packets[0], 0.0)
    receiver.receive_rtp(packets[1][:14], 0.02)
    receiver.receive_rtp(packets[2], 0.04)
    assert receiver.statistics(1.0).malformed == 1
    assert sum(isinstance(event, SoundReceived) for event in receiver.events()) == 3
