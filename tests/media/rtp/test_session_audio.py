"""Two ends of a sound stream: frames, timestamps, digits, reports."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest

from mcu.media.rtp.packet import RtpPacket
from mcu.media.rtp.rtcp import ReceiverReport, SenderReport, SourceDescription, parse_compound
from mcu.media.rtp.session import DigitReceived, FirstPacket, RtpStream, SoundReceived
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedSound
from tests.media.rtp.link import G722, OPUS, PCMA, Conditions, Link, audio_config, noise, stream


def speak(link: Link, codec: CodecSpec, seconds: float) -> list[bytes]:
    """20 ms frames from ``a``."""
    rng = random.Random(3)
    sent = []
    for _ in range(round(seconds * 50)):
        data = noise(rng, 60)
        sent.append(data)
        unit = CodedSound(data, codec.payload_type, link.now, samples=codec.clock_rate // 50)
        link.a.send_sound(unit, link.now)
        link.run(link.now + 0.02)
    return sent


def heard(link: Link) -> list[CodedSound]:
    return [event.unit for event in link.of(link.b, SoundReceived)]


def joined(codec: CodecSpec = OPUS, conditions: Conditions | None = None, seed: int = 1) -> Link:
    ends = stream(audio_config(1, codec)), stream(audio_config(2, codec))
    return Link(*ends, conditions or Conditions(), seed)


@pytest.mark.parametrize("codec", [OPUS, PCMA, G722])
def test_frames_arrive_with_unwrapped_sequence_and_timestamps(codec: CodecSpec) -> None:
    link = joined(codec)
    sent = speak(link, codec, 1.0)
    link.run(link.now + 0.1)
    got = heard(link)
    assert [unit.data for unit in got] == sent
    assert {unit.payload_type for unit in got} == {codec.payload_type}
    assert [unit.sequence - got[0].sequence for unit in got] == list(range(50))
    assert [unit.timestamp - got[0].timestamp for unit in got] == [i * codec.clock_rate // 50 for i in range(50)]
    assert link.of(link.b, FirstPacket) == [FirstPacket(1)]


@pytest.mark.parametrize("agreed", [1, None])
def test_the_level_that_a_sender_tells_comes_with_its_sound(agreed: int | None) -> None:
    ours = stream(replace(audio_config(1, OPUS), level_id=agreed))
    voiced, silent, none = {1: b"\x94", 4: b"0"}, {1: b"\x7f"}, {4: b"0"}
    for number, extensions in enumerate((voiced, silent, none)):
        packet = RtpPacket(OPUS.payload_type, number, number * 960, 7, b"sound", extensions=extensions)
        ours.receive_rtp(packet.serialise(), number * 0.02)
    levels = [event.unit.level for event in ours.events() if isinstance(event, SoundReceived)]
    assert levels == ([0x14, 0x7F, None] if agreed else [None] * 3)


def test_sequence_and_timestamp_wrap_without_a_jump() -> None:
    link = joined()
    link.a._sender.sequence = 0xFFF0
    link.a._sender._offset = 0xFFFFFFFF - 10 * 960
    speak(link, OPUS, 1.0)
    link.run(link.now + 0.1)
    got = heard(link)
    assert [unit.sequence for unit in got] == list(range(0xFFF0, 0xFFF0 + 50))
    assert [b.timestamp - a.timestamp for a, b in itertools.pairwise(got)] == [960] * 49


def test_disorder_is_passed_on_and_duplicates_are_not() -> None:
    link = joined(conditions=Conditions(loss=0.05, duplicate=0.2, jitter=0.06), seed=9)
    sent = speak(link, OPUS, 4.0)
    link.run(link.now + 0.2)
    numbers = [unit.sequence for unit in heard(link)]
    assert len(numbers) == len(set(numbers))
    assert numbers != sorted(numbers)
    assert len(numbers) > 0.9 * len(sent)


def test_timestamps_follow_the_samples_although_the_ticks_jitter() -> None:
    end = stream(audio_config(1))
    rng = random.Random(5)
    for tick in range(100):
        at = tick * 0.02 + rng.random() * 0.03
        end.send_sound(CodedSound(b"x", 111, at, samples=960), at)
    packets = [RtpPacket.parse(data) for data in end.rtp_to_send()]
    steps = {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(packets)}
    assert steps == {960}
    assert [packet.marker for packet in packets] == [True] + [False] * 99


def test_timestamps_are_anchored_anew_with_a_marker_after_a_pause() -> None:
    end = stream(audio_config(1))
    for at in (0.0, 0.02, 1.0, 1.02):
        end.send_sound(CodedSound(b"x", 111, at, samples=960), at)
    packets = [RtpPacket.parse(data) for data in end.rtp_to_send()]
    base = packets[0].timestamp
    assert [(p.timestamp - base) & 0xFFFFFFFF for p in packets] == [0, 960, 48000, 48960]
    assert [p.marker for p in packets] == [True, False, True, False]


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_digits_are_heard_once_each(loss: float) -> None:
    link = joined(PCMA)
    speak(link, PCMA, 0.1)
    link.conditions = Conditions(loss=loss, duplicate=0.1, jitter=0.01)
    link.rng = random.Random(4)
    for digit in "1000*1234#":
        link.a.send_digit(digit, link.now)
    speak(link, PCMA, 3.0)
    link.conditions = Conditions()
    link.run(link.now + 1.0)
    assert "".join(event.digit for event in link.of(link.b, DigitReceived)) == "1000*1234#"


def test_sound_pauses_while_a_digit_is_sent() -> None:
    end = stream(audio_config(1, PCMA))
    end.send_digit("5", 0.0)
    end.send_sound(CodedSound(b"x", 8, 0.0, samples=160), 0.0)
    assert [RtpPacket.parse(data).payload_type for data in end.rtp_to_send()] == [101]


def test_digits_need_an_agreed_payload_type() -> None:
    end = stream(audio_config(1, dtmf=None))
    with pytest.raises(ValueError, match="telephone-event"):
        end.send_digit("5", 0.0)


def test_unknown_payload_types_are_counted_and_ignored() -> None:
    link = joined(PCMA)
    speak(link, PCMA, 0.1)
    for sequence in range(5):
        link.b.receive_rtp(RtpPacket(13, sequence, 0, 77, b"\x40").serialise(), link.now)
    assert link.b.remote_ssrc == 1
    assert link.b.repair_statistics().unknown_payload == 5
    assert link.b.statistics(link.now).malformed == 0


def reports_of(end: RtpStream) -> list[object]:
    return [packet for data in end.rtcp_to_send() for packet in parse_compound(data)]


def test_reports_are_sender_reports_only_while_something_is_sent() -> None:
    end = stream(audio_config(1), wallclock=0.0)
    end.send_sound(CodedSound(b"xyz", 111, 0.0, samples=960), 0.0)
    end.handle_timer(1.0)
    report, names = reports_of(end)
    assert type(report) is SenderReport
    assert (report.packet_count, report.octet_count) == (1, 3)
    assert report.ntp_time >> 32 == 2_208_988_801
    assert names == SourceDescription(((1, "cname1"),))
    end.handle_timer(20.0)
    assert type(reports_of(end)[0]) is ReceiverReport


def test_reports_come_each_one_to_three_seconds() -> None:
    end = stream(audio_config(1))
    times = []
    now = 0.0
    while now < 60:
        now = end.next_deadline() or 0.0
        end.handle_timer(now)
        times += [now] * len(end.rtcp_to_send())
    assert times[0] < 0.5
    steps = [b - a for a, b in itertools.pairwise(times)]
    assert min(steps) >= 1.0 and max(steps) <= 3.0
    assert len({round(step, 3) for step in steps}) > 10


def test_statistics_have_the_fields_of_the_facts() -> None:
    from dataclasses import asdict

    from mcu.media.facts import LegStatistics

    link = joined()
    speak(link, OPUS, 0.5)
    facts = LegStatistics(conference="c", leg="l", media="audio", **asdict(link.b.statistics(link.now)))
    assert facts.packets_received == 24 or facts.packets_received == 25
    assert facts.packets_lost == 0


def test_hopelessly_late_sound_is_dropped() -> None:
    end = stream(audio_config(1, PCMA))
    for sequence in (1000, 1200, 1199, 1020):
        end.receive_rtp(RtpPacket(8, sequence, sequence * 160, 9, b"s").serialise(), 0.0)
    numbers = [event.unit.sequence for event in end.events() if type(event) is SoundReceived]
    assert numbers == [1000, 1200, 1199]
    assert end.repair_statistics().duplicates == 1


@pytest.mark.parametrize(("mid", "reports"), [("0", False), (None, True)])
def test_a_stream_of_a_bundle_that_nothing_comes_or_goes_on_is_silent(mid: str | None, reports: bool) -> None:
    """The path of a room's own stream is kept open by them."""
    ours = stream(replace(audio_config(1, OPUS), mid=mid, mid_id=None if mid is None else 1))
    for tick in range(1000):
        ours.handle_timer(tick * 0.01)
    assert bool(ours.rtcp_to_send()) is reports
    ours.receive_rtp(RtpPacket(OPUS.payload_type, 1, 1, 7, b"sound").serialise(), 10.0)
    for tick in range(1000, 1400):
        ours.handle_timer(tick * 0.01)
    assert ours.rtcp_to_send()
