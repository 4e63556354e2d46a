"""What a peer says of the rate that it can get: REMB, and TMMBR with its notification (RFC 5104 section 4.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.rtp.rtcp import (
    BitrateLimit,
    ReceiverEstimatedMaximumBitrate,
    TemporaryMaximumBitrateNotification,
    TemporaryMaximumBitrateRequest,
    parse_compound,
)
from mcu.media.rtp.session import RtpStream
from tests.media.rtp.link import stream, video_config


def heard(
    sender: RtpStream, packet: TemporaryMaximumBitrateRequest | ReceiverEstimatedMaximumBitrate, now: float
) -> None:
    sender.receive_rtcp(packet.serialise(), now)


def test_requests_are_laid_out_as_the_rfc_says() -> None:
    request = TemporaryMaximumBitrateRequest(1, (BitrateLimit(2, 512_000, 40),))
    # Exponent 2, mantissa 128000, overhead 40.
    assert request.serialise().hex() == "83cd0004000000010000000000000002" + f"{2 << 26 | 128_000 << 9 | 40:08x}"


@given(st.integers(0, 2**40), st.integers(0, 511))
def test_limits_survive_a_round_trip_but_for_their_last_digits(bitrate: int, overhead: int) -> None:
    (packet,) = parse_compound(TemporaryMaximumBitrateRequest(1, (BitrateLimit(2, bitrate, overhead),)).serialise())
    assert isinstance(packet, TemporaryMaximumBitrateRequest)
    (limit,) = packet.limits
    assert limit.ssrc == 2 and limit.overhead == overhead
    assert limit.bitrate == pytest.approx(bitrate, rel=2**-16)


def test_a_request_holds_and_is_confirmed() -> None:
    sender = stream(video_config(7))
    assert sender.receiver_feedback(0.0).estimated_bitrate is None
    heard(sender, TemporaryMaximumBitrateRequest(99, (BitrateLimit(7, 256_000, 20), BitrateLimit(8, 1_000))), 1.0)
    feedback = sender.receiver_feedback(1000.0)
    assert (feedback.reports, feedback.estimated_bitrate) == (1, 256_000)
    answers = [packet for data in sender.rtcp_to_send() for packet in parse_compound(data)]
    assert TemporaryMaximumBitrateNotification(7, (BitrateLimit(99, 256_000, 20),)) in answers


def test_a_request_to_another_stream_is_not_ours() -> None:
    sender = stream(video_config(7))
    heard(sender, TemporaryMaximumBitrateRequest(99, (BitrateLimit(8, 256_000),)), 1.0)
    assert sender.receiver_feedback(1.0).reports == 0
    assert sender.rtcp_to_send() == []


def test_an_estimate_is_forgotten_when_it_is_not_repeated() -> None:
    sender = stream(video_config(7))
    heard(sender, ReceiverEstimatedMaximumBitrate(99, 512_000, (7,)), 1.0)
    assert sender.receiver_feedback(5.0).estimated_bitrate == 512_000
    assert sender.receiver_feedback(30.0).estimated_bitrate is None
