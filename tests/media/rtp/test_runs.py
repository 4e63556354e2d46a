"""Datagrams that come together are received as one after the other."""

from __future__ import annotations

import random

import pytest

from mcu.media.rtp.packet import RtpPacket
from mcu.media.rtp.session import RtpStream
from mcu.media.spec import RepairSpec
from mcu.media.units import CodedPicture
from tests.media.rtp.link import H264, VP8, access_unit, stream, video_config

REPEATS = {H264.payload_type: 100}
REPAIR = RepairSpec(form="flexfec-03", payload_type=118, ssrc=7000)


def sent(rng: random.Random, **config: object) -> list[tuple[float, list[bytes]]]:
    """What arrives of some seconds of pictures, by the time of arrival: with loss, disorder, strays and rubbish."""
    sender = stream(video_config(1, feedback=frozenset({"nack"}), **config))
    found = []
    for index in range(90):
        now = index / 30
        sender.send_picture(CodedPicture(access_unit(rng, rng.randrange(200, 9000), index % 20 == 0), False, now), now)
        packets = [packet for packet in sender.rtp_to_send() if rng.random() > 0.03]
        if rng.random() < 0.2:
            rng.shuffle(packets)
        if rng.random() < 0.2:
            packets.insert(rng.randrange(len(packets) + 1), rng.choice(packets or [b""])[: rng.randrange(30)])
        if rng.random() < 0.1:
            packets.append(RtpPacket(99, index, 0, 5555, b"a stray").serialise())
        if rng.random() < 0.1:
            packets.append(RtpPacket(101, 1 + index, 0, 1, b"unknown").serialise())
        found.append((now + 0.01, packets))
    # A sender that starts anew, and one that takes over after a silence.
    for ssrc, first, start in ((1, 40_000, 3.1), (9, 7, 6.0)):
        for number in range(5):
            data = RtpPacket(99, first + number, number, ssrc, b"\x65\x88picture", marker=True).serialise()
            found.append((start, [data]))
    return found


def told_of(receiver: RtpStream, now: float) -> object:
    events, rtcp = receiver.events(), receiver.rtcp_to_send()
    return events, rtcp, receiver.statistics(now), receiver.repair_statistics(), receiver.next_deadline()


@pytest.mark.parametrize("config", [{}, {"repeats": REPEATS}, {"repair": REPAIR}, {"codec": VP8}], ids=repr)
@pytest.mark.parametrize("seed", range(5))
def test_a_run_is_received_as_its_packets(seed: int, config: dict) -> None:
    settings = {"feedback": frozenset({"nack", "pli"})} if seed % 2 else {}
    one, other = (stream(video_config(2, **settings, **config)) for _ in range(2))
    pictures = 0
    for now, packets in sent(random.Random(seed), **({} if "codec" in config else config)):
        for receiver in (one, other):
            receiver.handle_timer(now)
        one.receive_rtp_run(packets, now)
        for packet in packets:
            other.receive_rtp(packet, now)
        found = told_of(one, now)
        assert found == told_of(other, now)
        pictures += len(found[0])  # type: ignore[index]
    assert pictures > 5 or "codec" in config
