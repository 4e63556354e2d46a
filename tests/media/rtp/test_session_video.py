"""Two ends of a video stream over good and bad networks."""

from __future__ import annotations

import logging
from dataclasses import replace
from random import Random

import pytest

from mcu.media.rtp import rtcp
from mcu.media.rtp.beginning import Beginning
from mcu.media.rtp.feedback import ReceiverEstimatedMaximumBitrate
from mcu.media.rtp.packet import RtpPacket
from mcu.media.rtp.rtcp import FullIntraRequest, LegacyIntraRequest, PictureLossIndication, parse_compound
from mcu.media.rtp.session import (
    BitrateEstimated,
    ByeReceived,
    FirstPacket,
    KeyFrameOverdue,
    KeyFrameRequested,
    PictureReceived,
    RtpStream,
)
from mcu.media.units import CodedPicture
from tests.media.rtp.link import H264_MODE0, VP8, Camera, Conditions, Link, access_unit, stream, video_config

BROWSER = frozenset({"nack", "pli", "fir", "remb"})


def received(link: Link) -> list[CodedPicture]:
    return [event.unit for event in link.of(link.b, PictureReceived)]


def decodable(sent: list[CodedPicture], got: list[CodedPicture]) -> bool:
    """Whether each picture that was passed on is whole and follows its predecessor, or is a key frame."""
    index = {unit.data: number for number, unit in enumerate(sent)}
    before = -1
    for unit in got:
        number = index[unit.data]
        if not unit.keyframe and number != before + 1:
            return False
        before = number
    return True


@pytest.mark.parametrize("codec", [H264_MODE0, VP8])
@pytest.mark.parametrize("feedback", [frozenset[str](), BROWSER])
def test_pictures_arrive_whole_in_order_over_a_good_network(codec, feedback) -> None:
    link = Link(stream(video_config(1, codec, feedback)), stream(video_config(2, codec, feedback)))
    Camera(link, size=700, key_size=900).run(1.0)
    link.run(link.now + 0.2)
    got = received(link)
    assert len(got) == 30
    assert link.of(link.b, FirstPacket) == [FirstPacket(1)]
    assert [unit.timestamp - got[0].timestamp for unit in got[:3]] == [0, 3000, 6000]


def test_pictures_are_the_same_byte_stream() -> None:
    link = Link(stream(video_config(1)), stream(video_config(2)))
    camera = Camera(link)
    camera.run(1.0)
    link.run(link.now + 0.2)
    assert [unit.data for unit in received(link)] == [unit.data for unit in camera.sent]
    assert [unit.keyframe for unit in received(link)] == [True] + [False] * 29
    assert not link.of(link.a, KeyFrameRequested)


@pytest.mark.parametrize("seed", range(4))
def test_retransmission_hides_loss_and_reordering(seed: int) -> None:
    link = Link(
        stream(video_config(1, feedback=BROWSER)),
        stream(video_config(2, feedback=BROWSER)),
        Conditions(loss=0.03, duplicate=0.01, delay=0.02, jitter=0.015),
        seed,
    )
    camera = Camera(link)
    camera.run(4.0)
    link.conditions = Conditions()
    link.run(link.now + 1)
    got = received(link)
    assert decodable(camera.sent, got)
    assert len(got) >= 0.95 * len(camera.sent)
    assert link.a.repair_statistics().packets_resent > 20


@pytest.mark.parametrize("seed", range(4))
def test_a_plain_room_recovers_from_loss_by_key_frames(seed: int) -> None:
    link = Link(stream(video_config(1)), stream(video_config(2)), Conditions(loss=0.005, jitter=0.01), seed)
    camera = Camera(link)
    camera.run(5.0)
    got = received(link)
    whole = [unit for unit in got if not unit.damaged]
    assert decodable(camera.sent, whole)
    assert link.of(link.a, KeyFrameRequested)
    assert len(whole) > 0.4 * len(camera.sent)
    assert len(got) > 0.85 * len(camera.sent)
    # After the loss ends, all pictures come again.
    link.conditions = Conditions()
    camera.run(1.0)
    before = len(received(link))
    camera.run(1.0)
    assert len(received(link)) - before == 30


def test_reordering_alone_costs_no_picture() -> None:
    link = Link(stream(video_config(1)), stream(video_config(2)), seed=3)
    camera = Camera(link)
    camera.run(0.1)
    link.conditions = Conditions(jitter=0.03)
    camera.run(2.0)
    link.run(link.now + 0.2)
    assert [unit.data for unit in received(link)] == [unit.data for unit in camera.sent]
    assert link.b.repair_statistics().key_frame_requests == 0


def test_a_room_that_never_answers_is_shown_smeared_rather_than_still() -> None:
    link = Link(stream(video_config(1)), stream(video_config(2)))
    camera = Camera(link, answers=False)
    camera.run(1.0)
    link.lose = lambda data: data[1] < 192
    camera.run(0.1)
    link.lose = lambda data: False
    before = len(received(link))
    camera.run(1.5)
    damaged = received(link)[before:]
    assert len(damaged) == 45 and all(unit.damaged for unit in damaged)
    assert len(link.of(link.b, KeyFrameOverdue)) == 1


def test_a_plain_room_is_asked_by_pli_and_fir_and_a_browser_by_pli() -> None:
    for feedback, kinds in (
        (frozenset[str](), [PictureLossIndication, FullIntraRequest]),
        (BROWSER, [PictureLossIndication]),
    ):
        link = Link(stream(video_config(1, feedback=feedback)), stream(video_config(2, feedback=feedback)))
        Camera(link).run(0.1)
        link.b.request_key_frame(link.now)
        (datagram,) = link.b.rtcp_to_send()
        packets = parse_compound(datagram)
        assert [type(packet) for packet in packets[2:]] == kinds
        assert packets[2].media_ssrc == 1


def test_requests_for_key_frames_are_merged_and_repeated_until_one_comes() -> None:
    link = Link(stream(video_config(1, feedback=BROWSER)), stream(video_config(2, feedback=BROWSER)))
    camera = Camera(link, answers=False)
    camera.run(0.2)
    for _ in range(10):
        link.b.request_key_frame(link.now)
        camera.run(0.05)
    assert link.b.repair_statistics().key_frame_requests <= 3
    camera.run(2.0)
    asked = link.b.repair_statistics().key_frame_requests
    assert 3 <= asked <= 6
    camera.answers = True
    camera.run(2.0)
    asked = link.b.repair_statistics().key_frame_requests
    camera.run(3.0)
    assert link.b.repair_statistics().key_frame_requests == asked


def test_the_intra_request_of_rfc_2032_is_understood() -> None:
    end = stream(video_config(1))
    end.receive_rtcp(LegacyIntraRequest(1).serialise(), 0.1)
    assert end.events() == [KeyFrameRequested()]


def test_bundled_streams_ignore_requests_meant_for_others() -> None:
    end = stream(video_config(1, mid="1"))
    end.receive_rtcp(PictureLossIndication(5, 77).serialise(), 0.1)
    assert end.events() == []
    end.receive_rtcp(PictureLossIndication(5, 1).serialise(), 0.1)
    assert end.events() == [KeyFrameRequested()]


def test_a_late_joiner_waits_for_a_key_frame_and_asks_for_it() -> None:
    link = Link(stream(video_config(1)), stream(video_config(2)))
    camera = Camera(link)
    link.lose = lambda data: data[1] < 192
    camera.run(1.0)
    link.lose = lambda data: False
    camera.run(1.0)
    got = received(link)
    assert got and got[0].keyframe
    assert decodable(camera.sent, got)


def test_remb_is_sent_each_second_and_understood() -> None:
    link = Link(stream(video_config(1, feedback=BROWSER)), stream(video_config(2, feedback=BROWSER)))
    link.b.set_maximum_bitrate(2_000_000)
    Camera(link).run(3.0)
    estimates = link.of(link.a, BitrateEstimated)
    assert 2 <= len(estimates) <= 4
    assert abs(estimates[0].bitrate - 2_000_000) < 16


def test_a_limit_is_told_before_anything_comes_and_again_with_the_first_packet() -> None:
    """Who has not heard of a limit begins by trying how much gets through."""
    link = Link(stream(video_config(1, feedback=BROWSER)), stream(video_config(2, feedback=BROWSER)))
    link.b.set_maximum_bitrate(400_000)
    told: list[tuple[int, ...]] = []
    for _ in range(30):
        link.b.handle_timer(link.now)
        packets = [packet for data in link.b.rtcp_to_send() for packet in parse_compound(data)]
        told += [packet.ssrcs for packet in packets if isinstance(packet, ReceiverEstimatedMaximumBitrate)]
        link.now += 0.1
    assert told == [()], "once, and it names no stream yet"
    Camera(link).run(0.1)
    assert [one.bitrate for one in link.of(link.a, BitrateEstimated)] == [pytest.approx(400_000, abs=4)]


def test_round_trip_and_loss_are_measured() -> None:
    link = Link(stream(video_config(1)), stream(video_config(2)), Conditions(loss=0.1, delay=0.05), 5)
    Camera(link).run(10.0)
    sent, got = link.a.statistics(link.now), link.b.statistics(link.now)
    assert sent.round_trip_ms == pytest.approx(100, abs=2)
    assert 0.02 < sent.remote_fraction_lost < 0.3
    assert got.packets_lost == pytest.approx(sent.packets_sent * 0.1, rel=0.3)
    assert got.packets_received + got.packets_lost <= sent.packets_sent
    assert got.jitter_ms < 5


def test_a_new_source_takes_over_when_the_old_one_stopped() -> None:
    link = Link(stream(video_config(1)), stream(video_config(2)))
    Camera(link).run(0.5)
    old = len(received(link))
    link.run(link.now + 0.2)
    other = stream(video_config(3), link.now)
    link.a = other
    link.events[other] = []
    Camera(link).run(0.5)
    assert link.b.remote_ssrc == 3
    assert len(received(link)) >= old + 14
    assert link.of(link.b, FirstPacket) == [FirstPacket(1), FirstPacket(3)]


def test_a_stray_source_does_not_disturb_a_living_one() -> None:
    link = Link(stream(video_config(1)), stream(video_config(2)))
    camera = Camera(link)
    for number in range(30):
        camera.run(1 / 30)
        for sequence in range(3):
            stray = RtpPacket(99, 3 * number + sequence, 1, 666, b"\x41\x9a\x01")
            link.b.receive_rtp(stray.serialise(), link.now)
    link.run(link.now + 0.1)
    assert len(received(link)) == 30
    assert link.b.remote_ssrc == 1


def test_own_packets_that_come_back_are_ignored() -> None:
    end = stream(video_config(1))
    end.send_picture(CodedPicture(access_unit(Random(1), 100, True), True, 0.0), 0.0)
    for packet in end.rtp_to_send():
        end.receive_rtp(packet, 0.0)
    assert end.events() == []
    assert end.repair_statistics().looped == 1


def test_goodbye_is_told_and_the_next_source_taken_at_once() -> None:
    link = Link(stream(video_config(1)), stream(video_config(2)))
    Camera(link).run(0.2)
    link.a.close(link.now)
    link.run(link.now + 0.1)
    assert link.of(link.b, ByeReceived) == [ByeReceived()]
    assert link.a.next_deadline() is None
    assert link.b.remote_ssrc is None


def test_garbage_is_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    end = stream(video_config(1, label="room-7"))
    with caplog.at_level(logging.WARNING):
        for number in range(50):
            end.receive_rtp(bytes([number] * number), 0.1)
            end.receive_rtcp(bytes([number] * number), 0.1)
        # A sound packet with a broken payload: an aggregate whose unit is longer than the packet.
        end.receive_rtp(RtpPacket(99, 1, 1, 9, b"\x18\xff\xff\x00").serialise(), 0.2)
    assert end.statistics(1.0).malformed == 101
    assert len(caplog.records) == 1
    assert "room-7" in caplog.records[0].message


def test_sound_and_picture_share_a_clock_that_sender_reports_tell() -> None:
    link = Link(stream(video_config(1), wallclock=1_000.0), stream(video_config(2)), Conditions(delay=0.03))
    Camera(link).run(2.0)
    unit = received(link)[-1]
    captured = link.b.capture_time(unit.timestamp)
    assert captured == pytest.approx(1_000.0 + unit.time - 0.03, abs=0.001)
    assert link.b.capture_offset == pytest.approx(-1_000.0 + 0.03, abs=0.001)


def test_header_extensions_carry_the_send_time_and_the_mid() -> None:
    end = stream(video_config(1, abs_send_time_id=3, mid_id=4, mid="v"))
    end.send_picture(CodedPicture(access_unit(Random(1), 3000, True), True, 0.0), 1.5)
    packets = [RtpPacket.parse(data) for data in end.rtp_to_send()]
    assert len(packets) >= 3
    for packet in packets:
        assert packet.extensions == {3: (3 << 17).to_bytes(3, "big"), 4: b"v"}
    assert [packet.marker for packet in packets] == [False] * (len(packets) - 1) + [True]


def test_a_long_outage_ends_with_a_key_frame() -> None:
    link = Link(stream(video_config(1, feedback=BROWSER)), stream(video_config(2, feedback=BROWSER)))
    camera = Camera(link)
    camera.run(1.0)
    link.lose = lambda data: True
    camera.run(3.0)
    link.lose = lambda data: False
    before = len(received(link))
    camera.run(1.0)
    assert len(received(link)) > before + 15
    assert decodable(camera.sent, received(link))
    assert link.of(link.b, FirstPacket) == [FirstPacket(1), FirstPacket(1)]


def test_a_peer_that_restarts_its_sequence_numbers_is_followed() -> None:
    link = Link(stream(video_config(1)), stream(video_config(2)))
    Camera(link).run(0.5)
    link.run(link.now + 0.05)
    again = stream(video_config(1), link.now)
    again._sender.sequence = (link.a._sender.sequence + 30_000) & 0xFFFF
    link.a = again
    link.events[again] = []
    camera = Camera(link)
    camera.run(1.0)
    link.run(link.now + 0.1)
    assert received(link)[-1].data == camera.sent[-1].data


def test_numbers_left_out_by_a_successor_are_no_loss_of_the_network() -> None:
    beginning = Beginning(sequence=5000, offset=0, picture=0, resumed=True)
    stream = RtpStream(replace(video_config(1), beginning=beginning), Random(1), 0.0, 0.0)

    def report(highest: int, fraction: int) -> None:
        block = rtcp.ReportBlock(1, fraction, 0, highest, 0, 0, 0)
        stream.receive_rtcp(rtcp.serialise_compound((rtcp.ReceiverReport(2, (block,)),)), 1.0)

    report(3400, 0)
    report(5010, 250)
    assert stream.receiver_feedback(1.0).reports == 0
    report(5200, 128)
    feedback = stream.receiver_feedback(1.0)
    assert (feedback.reports, feedback.fraction_lost) == (1, 0.5)


def test_packets_to_try_the_way_with_are_repeats_that_the_peer_knows() -> None:
    """Only where RTX gives them numbers of their own."""
    config = video_config(1, feedback=BROWSER, repeats={99: 100}, rtx_ssrc=11)
    end = stream(config)
    pictures = [(access_unit(Random(number), 3_000, number == 0), number) for number in range(10)]
    units = [CodedPicture(data, number == 0, number / 30) for data, number in pictures]
    assert end.probe(8_000, 0.0) == []
    for unit in units:
        end.send_picture(unit, unit.time)
    sent = {RtpPacket.parse(data).sequence for data in end.rtp_to_send()}
    before = end.statistics(1.0).bytes_sent
    probe = [RtpPacket.parse(data) for data in end.probe(8_000, 1.0)]
    assert sum(len(packet.payload) for packet in probe) > 7_000 and all(packet.ssrc == 11 for packet in probe)
    assert {int.from_bytes(packet.payload[:2], "big") for packet in probe} <= sent
    assert len({packet.sequence for packet in probe}) == len(probe)
    assert end.statistics(1.0).bytes_sent > before + 8_000 - 1 and end.rtp_to_send() == []
    assert end.probe(8_000, 2.0) == [], "the stream rests"
    plain = stream(video_config(1, feedback=BROWSER))
    for unit in units:
        plain.send_picture(unit, unit.time)
    assert plain.probe(8_000, 1.0) == []
