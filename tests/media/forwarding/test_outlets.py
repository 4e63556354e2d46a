"""A receiver's slots: bounds on what it may ask for, and the wall clock of its reports."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mcu.media.forwarding.outlets import MAX_SLOTS, RESENT_PER_SECOND
from mcu.media.rtp.clock import NTP_OFFSET
from mcu.media.rtp.rtcp import (
    FullIntraRequest,
    GenericNack,
    Goodbye,
    PictureLossIndication,
    ReceiverEstimatedMaximumBitrate,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
)
from tests.media.forwarding.browsers import video
from tests.media.forwarding.ends import Ends


def blocks(packets: Sequence[RtcpPacket]) -> list[SenderReport]:
    return [packet for packet in packets if isinstance(packet, SenderReport)]


def test_a_slot_asks_for_the_key_frame_it_begins_with(ends: Ends) -> None:
    ends.send(1, 10.0)
    source = ends.show()
    ends.outlets.ask_for_key_frames(10.1)
    ends.outlets.ask_for_key_frames(10.2)
    assert sum(isinstance(one, PictureLossIndication) for one in ends.told["sender"]) == 1
    ends.send(2, 10.3, key=True)
    assert [packet.sequence for packet in ends.got()] == [100]
    ends.sources.observe(source, 10.3)
    ends.outlets.ask_for_key_frames(20.0)
    assert sum(isinstance(one, PictureLossIndication) for one in ends.told["sender"]) == 1
    ends.outlets.receive_rtcp(FullIntraRequest(7, ((2100, 1), (9, 1))), 21.0)
    assert sum(isinstance(one, PictureLossIndication) for one in ends.told["sender"]) == 2


def test_repetitions_have_an_end(ends: Ends) -> None:
    ends.send(1, 10.0, key=True)
    ends.show()
    for number in range(2, 40):
        ends.send(number, 10.0, key=number == 2)
    ends.got()
    for _ in range(100):
        ends.outlets.receive_rtcp(GenericNack(7, 2100, tuple(range(100, 138))), 11.0)
        ends.outlets.receive_rtcp(GenericNack(7, 9, (100,)), 11.0)
    again = len(ends.got())
    assert 0 < again <= RESENT_PER_SECOND
    ends.outlets.receive_rtcp(GenericNack(7, 2101, (137,)), 12.0)  # by the SSRC of repetitions, a second later
    assert len(ends.got()) == 1


def test_reports_tell_the_instant_that_the_picture_belongs_to(ends: Ends) -> None:
    ends.send(1, 10.0, key=True)
    ends.show()
    ends.send(2, 10.5, key=True)
    ends.outlets.handle_timer(10.6)
    (report,) = blocks(ends.told["receiver"])
    assert report.ntp_time / 2**32 - NTP_OFFSET == pytest.approx(1e9 + 10.5, abs=0.01)  # when it was sent
    assert report.rtp_timestamp == ends.got()[-1].timestamp and report.packet_count == 1
    ends.outlets.picture_time = lambda source, sources: 10.9  # its sound is in the mix of then
    ends.outlets.handle_timer(12.0)
    assert blocks(ends.told["receiver"])[-1].ntp_time / 2**32 - NTP_OFFSET == pytest.approx(1e9 + 10.9, abs=0.01)
    ends.outlets.handle_timer(30.0)
    assert len(blocks(ends.told["receiver"])) == 2  # nothing was sent any more


def test_what_the_receiver_says_counts_for_slots_in_use(ends: Ends) -> None:
    ends.send(1, 10.0, key=True)
    ends.show()
    unused, used = ReportBlock(2102, 200, 0, 0, 0), ReportBlock(2100, 64, 0, 0, 0)
    ends.outlets.receive_rtcp(ReceiverReport(7, (unused, used, ReportBlock(9, 255, 0, 0, 0))), 11.0)
    ends.outlets.receive_rtcp(ReceiverEstimatedMaximumBitrate(7, 500_000, (2100,)), 11.0)
    ends.outlets.receive_rtcp(ReceiverEstimatedMaximumBitrate(7, 1, (9,)), 11.0)
    feedback = ends.outlets.feedback(11.5)
    assert (feedback.fraction_lost, feedback.estimated_bitrate) == (0.25, 500_000)
    assert ends.outlets.feedback(100.0).estimated_bitrate is None


def test_slots_have_an_end_and_say_goodbye(ends: Ends) -> None:
    ends.outlets.update([video(3000 + 2 * number) for number in range(40)])
    assert len(ends.outlets.slots) == MAX_SLOTS
    ends.outlets.update([video(3000)])
    assert [slot.ssrc for slot in ends.outlets.slots] == [3000]
    ends.outlets.close()
    (goodbye,) = [one for one in ends.told["receiver"] if isinstance(one, Goodbye)]
    assert 3000 in goodbye.ssrcs
    ends.outlets.receive_rtcp(GenericNack(7, 3000, (1,)), 1.0)
    ends.outlets.handle_timer(2.0)
