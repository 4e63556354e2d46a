"""What is lost is told soon: by reports before their time, and by what is asked for."""

from __future__ import annotations

import itertools

import pytest

from mcu.media.rtp.early_report import LEAST_INTERVAL, LEAST_LOST, EarlyReports
from mcu.media.rtp.packet import RtpPacket
from mcu.media.rtp.requested_loss import LEAST_PACKETS, WINDOW, RequestedLoss
from mcu.media.rtp.rtcp import ReceiverReport, parse_compound
from mcu.media.units import CodedSound
from tests.media.rtp.link import Camera, Conditions, Link, audio_config, stream, video_config

RED = 63


def spoken(link: Link, seconds: float) -> list[int]:
    """Sound over ``a``; the payload types of what left."""
    types: list[int] = []
    keep = link.a.rtp_to_send

    def noted() -> list[bytes]:
        packets = keep()
        types.extend(RtpPacket.parse(packet).payload_type for packet in packets)
        return packets

    link.a.rtp_to_send = noted  # type: ignore[method-assign]
    for _ in range(round(seconds * 50)):
        link.a.send_sound(CodedSound(bytes(60), 111, link.now, samples=960), link.now)
        link.run(link.now + 0.02)
    return types


def test_a_report_is_early_where_some_are_missing_and_the_last_one_is_old() -> None:
    reports = EarlyReports(10.0)
    assert not reports.is_due(LEAST_LOST, 10.0 + 0.9 * LEAST_INTERVAL)
    assert not reports.is_due(LEAST_LOST - 1, 9.999 + LEAST_INTERVAL)
    assert reports.is_due(LEAST_LOST, 10.0 + LEAST_INTERVAL)
    assert not reports.is_due(LEAST_LOST, 10.0 + LEAST_INTERVAL)  # the next of those that come together
    reports.reported(10.0 + LEAST_INTERVAL)
    assert not reports.is_due(50, 10.0 + LEAST_INTERVAL)


def test_sound_is_protected_soon_after_a_network_has_become_bad() -> None:
    link = Link(stream(audio_config(1, redundancy=RED)), stream(audio_config(2, redundancy=RED)), seed=5)
    spoken(link, 3.1)
    link.conditions = Conditions(loss=0.2)
    types = spoken(link, 3.0)
    assert types.index(RED) < 50  # not only with one of the reports that come every two seconds
    assert types[60:].count(RED) == len(types[60:])


def test_while_nothing_is_lost_reports_come_at_their_time() -> None:
    link = Link(stream(audio_config(1)), stream(audio_config(2)))
    sent: list[float] = []
    link.lose = lambda data: bool(200 <= data[1] <= 207 and link.now and sent.append(link.now))
    spoken(link, 20.0)
    assert len(sent) < 2 * 20


def test_reports_while_much_is_lost_come_twice_a_second_at_most() -> None:
    link = Link(stream(audio_config(1)), stream(audio_config(2)), Conditions(loss=0.5))
    told: list[float] = []

    def reports(data: bytes) -> bool:
        if 200 <= data[1] <= 207 and any(isinstance(one, ReceiverReport) for one in parse_compound(data)):
            told.append(link.now)
        return False

    link.lose = reports
    spoken(link, 10.0)
    steps = [after - before for before, after in itertools.pairwise(told)]
    assert sum(step < LEAST_INTERVAL - 1e-9 for step in steps) <= 10  # those at their time keep it
    assert 10 < len(told) <= 30


def test_what_is_asked_for_tells_how_much_is_lost() -> None:
    loss = RequestedLoss(65_000)
    assert loss.requested((65_001,), 65_010, 1.0) is None
    sequence = 65_010
    for step in range(1, 20):
        sequence += 10
        share = loss.requested([(sequence - 7) & 0xFFFF, (sequence - 3) & 0xFFFF], sequence, 1.0 + 0.03 * step)
        assert (share is None) == (sequence - 65_010 < LEAST_PACKETS)
    assert share == pytest.approx(0.2, abs=0.03)


def test_what_is_asked_for_again_counts_once() -> None:
    loss = RequestedLoss(0)
    asked = tuple(range(90, 100))
    loss.requested((1,), 10, 1.0)
    shares = [loss.requested(asked, 100, 1.1 + 0.02 * time) for time in range(8)]
    assert shares == pytest.approx([11 / 90] * 8)


def test_after_a_time_without_requests_all_begins_anew() -> None:
    loss = RequestedLoss(0)
    loss.requested(range(1, 31), 40, 1.0)
    assert loss.requested((100,), 100, 1.1) is not None
    assert loss.requested((4999,), 5000, 1.2 + WINDOW) is None
    assert loss.requested((5040,), 5050, 1.3 + WINDOW) == pytest.approx(2 / 50)


def test_a_sender_of_pictures_knows_what_is_lost_before_any_report_tells() -> None:
    link = Link(
        stream(video_config(1, feedback=frozenset({"nack"}))), stream(video_config(2, feedback=frozenset({"nack"})))
    )
    camera = Camera(link)
    camera.run(1.0)
    assert link.a.loss_asked_for is None
    link.conditions = Conditions(loss=0.2)
    camera.run(0.7)
    assert link.a.loss_asked_for == pytest.approx(0.2, abs=0.08)
    assert (link.a.receiver_feedback(link.now).fraction_lost or 0) < 0.1


def test_sound_is_protected_by_what_is_known_of_the_pictures() -> None:
    link = Link(stream(audio_config(1, redundancy=RED)), stream(audio_config(2, redundancy=RED)))
    spoken(link, 0.2)
    link.a.network_loses(0.2, link.now)
    assert set(spoken(link, 0.2)) == {RED}
    link.b.network_loses(0.2, link.now)  # a stream without earlier frames has nothing to do
    without = stream(audio_config(3))
    without.network_loses(0.2, 0.0)
    assert without.rtp_to_send() == []
