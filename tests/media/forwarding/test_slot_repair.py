"""Repair packets of forwarded pictures: as many as each receiver's own reports ask for, within what it can get."""

from __future__ import annotations

import pytest

from mcu.media.forwarding.published import PublishedSource
from mcu.media.rtp.packet import RtpPacket
from mcu.media.rtp.rtcp import ReceiverReport, ReportBlock, SenderReport
from mcu.media.spec import RepairSpec, VideoSpec
from tests.media.forwarding.browsers import video
from tests.media.forwarding.ends import Ends

REPAIRED = RepairSpec(form="flexfec-03", payload_type=118, ssrc=9000, single=True)
SLOT = 2100


def repaired(**changes: object) -> VideoSpec:
    return video(SLOT).model_copy(update={"repair": REPAIRED, **changes})


def show(ends: Ends, spec: VideoSpec) -> PublishedSource:
    ends.send(1, 10.0, key=True)
    ends.outlets.update([spec])
    source = ends.sources.layers()[0]
    assert source is not None
    ends.outlets.route(0, (ends.sources, source))
    return source


def tell(ends: Ends, lost: float, now: float, answering: SenderReport | None = None, delay: float = 0.0) -> None:
    last = 0 if answering is None else (answering.ntp_time >> 16) & 0xFFFFFFFF
    block = ReportBlock(SLOT, int(lost * 256), 0, 0, 0, last, int(delay * 65536))
    ends.outlets.receive_rtcp(ReceiverReport(7, (block,)), now)


def believed(ends: Ends, now: float) -> None:
    """A report is believed once no queue has turned out to be behind it."""
    ends.outlets.handle_timer(now)


def repairs(packets: list[RtpPacket]) -> list[RtpPacket]:
    return [packet for packet in packets if packet.ssrc == REPAIRED.ssrc]


def pictures(ends: Ends, first: int, count: int, now: float) -> list[RtpPacket]:
    for number in range(first, first + count):
        ends.send(number, now, key=number == 2)
    return ends.got()


def test_a_receiver_that_loses_gets_repair_packets_and_no_other(ends: Ends) -> None:
    show(ends, repaired())
    assert not repairs(pictures(ends, 2, 40, 10.1))
    tell(ends, 0.2, 11.0)
    assert ends.outlets.repair_share(0) == 0
    believed(ends, 12.0)
    assert ends.outlets.repair_share(0) > 0
    sent = pictures(ends, 42, 40, 12.1)
    # What asks again gets at most one for each two: 0.1 and twice the loss.
    assert len(repairs(sent)) == 20 and len(sent) == 60
    assert all(packet.payload_type == REPAIRED.payload_type for packet in repairs(sent))
    assert ends.outlets.repair_packets({SLOT}) == 20 and ends.outlets.repair_packets({9}) == 0
    assert ends.outlets.statistics()[0] == 40 + 40 + 20
    for second in range(23):
        tell(ends, 0.0, 13.0 + second)
    assert ends.outlets.repair_share(0) == 0 and not repairs(pictures(ends, 82, 10, 34.0))


def test_a_receiver_that_cannot_ask_again_gets_them_for_little_loss(ends: Ends) -> None:
    show(ends, repaired(feedback=frozenset({"pli"})))
    tell(ends, 0.05, 10.0)
    believed(ends, 11.0)
    assert len(repairs(pictures(ends, 2, 40, 10.1))) == 20


def test_little_loss_counts_where_asking_takes_long(ends: Ends) -> None:
    """The round trip is from our report to its answer, less what the receiver waited with it."""
    show(ends, repaired())
    pictures(ends, 2, 2, 10.1)
    ends.outlets.picture_time = lambda source, sources: 7.0  # a report tells of another instant than its own
    ends.outlets.handle_timer(10.2)
    (report,) = (one for one in ends.told["receiver"] if isinstance(one, SenderReport))
    tell(ends, 0.05, 11.25, delay=1.0)  # of another report, of which nothing is known
    believed(ends, 12.25)
    assert ends.outlets.repair_share(0) == 0
    tell(ends, 0.05, 12.5, report, delay=2.0)
    believed(ends, 13.5)
    assert ends.outlets.repair_share(0) > 0
    tell(ends, 0.05, 100.0, report)  # the answer to a report of long ago tells nothing
    believed(ends, 101.0)
    assert ends.outlets.repair_share(0) > 0


def test_what_repair_packets_take_is_measured(ends: Ends) -> None:
    """They are as long as the longest that they are of: of a stream of short ones they take more than their share."""
    show(ends, repaired())
    tell(ends, 0.2, 9.0)
    believed(ends, 10.0)
    assert ends.outlets.repair_share(0) == 0.5
    number = 2
    for second in range(60):
        pictures(ends, number, 50, 10.1 + second)
        number += 50
        tell(ends, 0.2, 11.0 + second)
    took = ends.port.repair_statistics(1, SLOT)[1] / ends.port.outlet_statistics(1, SLOT)[1]
    assert took > 0.9
    assert ends.outlets.repair_share(0) == pytest.approx(took, rel=0.1)


def test_what_is_lost_for_want_of_room_asks_for_no_more_packets(ends: Ends) -> None:
    show(ends, repaired())
    tell(ends, 0.4, 11.0)
    ends.outlets.overloaded(until=13.0)  # which shows a little later, and lasts
    tell(ends, 0.4, 12.0)
    believed(ends, 13.0)
    assert ends.outlets.repair_share(0) == 0
    tell(ends, 0.4, 13.0)
    believed(ends, 14.0)
    assert ends.outlets.repair_share(0) == 0.5


def test_without_agreement_there_are_none(ends: Ends) -> None:
    show(ends, video(SLOT))
    tell(ends, 0.5, 10.0)
    sent = pictures(ends, 2, 20, 10.1)
    assert len(sent) == 20 and ends.outlets.repair_share(0) == 0 and ends.outlets.repair_packets({SLOT}) == 0
    assert ends.outlets.repair_share(5) == 0  # a place that is not there
