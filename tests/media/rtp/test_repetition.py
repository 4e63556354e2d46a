"""Packets sent again in a stream of their own (RFC 4588)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.rtp import rtcp
from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.packet import RtpPacket, parse_header
from mcu.media.rtp.repetition import LAG, RepetitionNumbers, original_number, repetition
from mcu.media.rtp.session import PictureReceived, RtpStream
from mcu.media.units import CodedPicture
from tests.media.rtp.link import Camera, Conditions, Link, access_unit, stream, video_config

RTX = 100
NACK = frozenset({"nack", "pli"})


def ends() -> tuple[RtpStream, RtpStream]:
    return (
        stream(video_config(1, feedback=NACK, repeats={99: RTX}, rtx_ssrc=11, mid="0", mid_id=4, abs_send_time_id=3)),
        stream(video_config(2, feedback=NACK, repeats={99: RTX}, rtx_ssrc=22)),
    )


def sent(end: RtpStream, now: float, size: int = 3000) -> list[bytes]:
    end.send_picture(CodedPicture(access_unit(random.Random(1), size, keyframe=True), True, now), now)
    return end.rtp_to_send()


def nack(ssrc: int, *numbers: int) -> bytes:
    return rtcp.serialise_compound((rtcp.GenericNack(9, ssrc, numbers),))


def test_a_repetition_names_the_original_and_keeps_its_timestamp_extensions_and_payload() -> None:
    sender, _ = ends()
    packets = sent(sender, 1.0)
    lost = RtpPacket.parse(packets[-1])
    sender.receive_rtcp(nack(1, lost.sequence), 1.1)
    again = RtpPacket.parse(sender.rtp_to_send()[0])
    assert (again.ssrc, again.payload_type) == (11, RTX)
    assert (again.timestamp, again.marker, again.extensions) == (lost.timestamp, lost.marker, lost.extensions)
    assert original_number(again.payload) == lost.sequence
    assert again.payload[2:] == lost.payload


def test_a_repetition_fills_the_gap_and_reports_still_tell_of_the_loss() -> None:
    sender, receiver = ends()
    packets = sent(sender, 1.0)
    for packet in (packets[0], *packets[2:]):
        receiver.receive_rtp(packet, 1.0)
    assert not any(isinstance(event, PictureReceived) for event in receiver.events())
    receiver.handle_timer(1.02)
    for report in receiver.rtcp_to_send():
        sender.receive_rtcp(report, 1.03)
    for packet in sender.rtp_to_send():
        receiver.receive_rtp(packet, 1.05)
    assert any(isinstance(event, PictureReceived) for event in receiver.events())
    assert receiver.statistics(2.0).packets_lost == 0
    receiver.handle_timer(2.5)
    reports = [part for data in receiver.rtcp_to_send() for part in rtcp.parse_compound(data)]
    lost = [block.packets_lost for part in reports if isinstance(part, rtcp.ReceiverReport) for block in part.reports]
    assert lost and max(lost) == 1


def test_a_repetition_that_nobody_misses_and_an_empty_one_change_nothing() -> None:
    sender, receiver = ends()
    packets = sent(sender, 1.0)
    for packet in packets:
        receiver.receive_rtp(packet, 1.0)
    receiver.events()
    sender.receive_rtcp(nack(1, RtpPacket.parse(packets[1]).sequence), 1.1)
    for packet in sender.rtp_to_send():
        receiver.receive_rtp(packet, 1.1)
        receiver.receive_rtp(packet[: parse_header(packet)[5]], 1.1)  # as Chromium probes the path
        receiver.receive_rtp(packet[: parse_header(packet)[5]] + b"\x01", 1.1)
    assert receiver.events() == []
    assert receiver.statistics(2.0).malformed == 1
    assert receiver.remote_ssrc == 1


@pytest.mark.parametrize("seed", range(3))
def test_heavy_loss_both_ways_costs_hardly_a_picture(seed: int) -> None:
    sender, receiver = ends()
    link = Link(sender, receiver, Conditions(loss=0.2, delay=0.02), seed=seed)
    camera = Camera(link, size=4000, key_size=12_000)
    camera.run(10.0)
    link.run(link.now + 1.0)
    assert len(link.of(receiver, PictureReceived)) >= 0.97 * len(camera.sent)


@pytest.mark.parametrize(("fraction_lost", "copies"), [(0, 1), (13, 1), (51, 2)])
def test_where_much_is_lost_what_is_asked_for_is_sent_twice(fraction_lost: int, copies: int) -> None:
    sender, _ = ends()
    numbers = [RtpPacket.parse(packet).sequence for packet in sent(sender, 1.0)]
    block = rtcp.ReportBlock(1, fraction_lost, 0, numbers[-1], 0, 0, 0)
    sender.receive_rtcp(rtcp.serialise_compound((rtcp.ReceiverReport(9, (block,)),)), 1.05)
    sender.receive_rtcp(nack(1, *numbers[:2]), 1.1)
    again = [RtpPacket.parse(packet) for packet in sender.rtp_to_send()]
    assert sorted(original_number(packet.payload) for packet in again) == sorted(numbers[:2] * copies)
    assert len({packet.sequence for packet in again}) == len(again), "each has a number of its own"


def test_who_says_that_all_is_lost_gets_no_more_than_the_stream_again() -> None:
    sender, _ = ends()
    stream_octets = repeated = 0
    for round_ in range(40):
        now = 1.0 + 0.1 * round_
        packets = sent(sender, now, 20_000)
        stream_octets += sum(map(len, packets))
        numbers = [RtpPacket.parse(packet).sequence for packet in packets]
        block = rtcp.ReportBlock(1, 255, 0, numbers[-1], 0, 0, 0)
        sender.receive_rtcp(rtcp.serialise_compound((rtcp.ReceiverReport(9, (block,)),)), now)
        for ask in range(5):
            sender.receive_rtcp(nack(1, *numbers), now + 0.01 * ask)
        repeated += sum(map(len, sender.rtp_to_send()))
    # What was saved up at the beginning comes on top, and one packet each time.
    assert repeated < 1.2 * stream_octets


def test_numbers_rise_follow_the_stream_and_never_reach_it() -> None:
    numbers = RepetitionNumbers(1000)
    assert numbers.take(1000) is None
    assert [numbers.take(1002) for _ in range(3)] == [1000, 1001, None]
    assert numbers.take(100_000) == 100_000 - LAG


@given(st.binary(max_size=40))
def test_a_payload_has_an_original_number_or_an_error_of_its_own(payload: bytes) -> None:
    try:
        assert 0 <= original_number(payload) <= 0xFFFF
    except PayloadError:
        assert len(payload) < 2


@given(st.binary(min_size=12, max_size=60), st.integers(12, 60))
def test_whatever_the_packet_its_payload_stays(packet: bytes, start: int) -> None:
    start = min(start, len(packet))
    again = repetition(packet, start, RTX, 70_000, 5)
    assert again[start + 2 :] == packet[start:]
    assert again[2:4] == (70_000 & 0xFFFF).to_bytes(2, "big")
