"""Forward error correction of pictures: how much, from packets to repair packets and back, and over lossy networks."""

from __future__ import annotations

import random

import pytest

from mcu.media.rtp import rtcp
from mcu.media.rtp.fec_policy import FULL_QUEUE, HOLD, MOST, MOST_BESIDE_REPEATS, STEP, RepairPolicy
from mcu.media.rtp.fec_sender import CHUNK, RepairWriter, in_red, out_of_red
from mcu.media.rtp.packet import RtpPacket, parse_header
from mcu.media.rtp.session import PictureReceived, RtpStream
from mcu.media.spec import RepairSpec
from mcu.media.units import CodedPicture
from tests.media.rtp.link import Camera, Conditions, Link, access_unit, stream, video_config

FLEX = RepairSpec(form="flexfec-03", payload_type=49, ssrc=77)
ULP = RepairSpec(form="ulpfec", payload_type=50, red=51)
NACK = frozenset({"nack", "pli"})


def reported(end: RtpStream, lost: float, now: float) -> None:
    """The end hears that this share of what it sends has been lost."""
    block = rtcp.ReportBlock(end.ssrc, round(lost * 256), 0, 0, 0, 0, 0)
    end.receive_rtcp(rtcp.serialise_compound((rtcp.ReceiverReport(9, (block,)),)), now)


def sent(end: RtpStream, now: float, size: int = 3000, *, keyframe: bool = True) -> list[bytes]:
    end.send_picture(CodedPicture(access_unit(random.Random(size), size, keyframe), keyframe, now), now)
    return end.rtp_to_send()


def pictures(end: RtpStream) -> int:
    return sum(isinstance(event, PictureReceived) for event in end.events())


def warm_up(sender: RtpStream, receiver: RtpStream) -> None:
    """Nothing is lost yet, and repair packets come: from then on the receiver keeps what they are of."""
    for number in range(20):
        for packet in sent(sender, 1.0, keyframe=not number):
            receiver.receive_rtp(packet, 1.0)
    assert pictures(receiver) == 20


# How much


def test_who_knows_rtp_only_is_protected_from_little_loss_on_and_more_by_more() -> None:
    policy = RepairPolicy(repeats=False)
    policy.reported(0.0, 0.0, 0.0)
    assert policy.share == 0
    shares = []
    for number, lost in enumerate((0.01, 0.05, 0.1, 0.2, 0.5)):
        policy.reported(lost, 0.0, float(number))
        shares.append(policy.share)
    assert shares == sorted(shares) and shares[0] > 0.2 and shares[-2:] == [MOST, MOST]
    assert all(share % STEP == 0 for share in shares)


@pytest.mark.parametrize(
    ("lost", "round_trip", "protected"),
    [(0.02, 0.04, False), (0.05, 0.04, False), (0.1, 0.04, True), (0.05, 0.15, True), (0.02, 0.15, False),
     (0.02, 0.3, True), (0.005, 0.3, False)],
)  # fmt: skip
def test_who_can_ask_again_is_protected_where_asking_takes_long_or_much_is_lost(
    lost: float, round_trip: float, protected: bool
) -> None:
    policy = RepairPolicy(repeats=True)
    policy.reported(lost, round_trip, 0.0)
    assert (policy.share > 0) is protected
    assert policy.share <= MOST_BESIDE_REPEATS


def test_loss_of_a_full_queue_is_not_answered_by_more_packets() -> None:
    policy = RepairPolicy(repeats=False)
    policy.reported(0.0, 0.05, 0.0)
    policy.reported(0.4, 0.05 + FULL_QUEUE + 0.01, 1.0)
    assert policy.share == 0
    policy.reported(0.4, 0.05 + FULL_QUEUE / 2, 2.0)
    assert policy.share == MOST


def test_the_worst_report_counts_for_a_while() -> None:
    policy = RepairPolicy(repeats=False)
    policy.reported(0.2, 0.0, 0.0)
    policy.reported(0.0, 0.0, 2.0)
    assert policy.share == MOST
    policy.reported(0.01, 0.0, HOLD + 1)
    assert 0 < policy.share < MOST
    policy.reported(0.0, 0.0, 2 * HOLD + 2)
    assert policy.share == 0


# Packets


@pytest.mark.parametrize("extension", [b"", b"\xbe\xde\0\1\x10\7\0\0"])
def test_what_is_put_in_red_comes_out_of_it(extension: bytes) -> None:
    packet = bytes((0x90 if extension else 0x80, 0x80 | 99)) + bytes(range(10)) + extension + b"payload"
    packed = in_red(packet, 51, len(extension))
    assert packed[1] == 0x80 | 51 and len(packed) == len(packet) + 1
    assert out_of_red(packed, parse_header(packed)[5]) == packet


def test_without_loss_nothing_but_the_picture_goes_out() -> None:
    end = stream(video_config(1, repair=FLEX))
    assert {RtpPacket.parse(packet).payload_type for packet in sent(end, 1.0)} == {99}
    assert end.repair_share == 0
    end = stream(video_config(1, repair=ULP))
    packets = [RtpPacket.parse(packet) for packet in sent(end, 1.0)]
    assert {(packet.payload_type, packet.payload[0]) for packet in packets} == {(51, 99)}


def test_repair_packets_of_flexfec_have_a_stream_of_their_own() -> None:
    end = stream(video_config(1, repair=FLEX, mid="0", mid_id=4))
    reported(end, 0.2, 1.0)
    first, second = ([RtpPacket.parse(packet) for packet in sent(end, now, 20_000)] for now in (1.1, 1.2))
    own = [packet for packet in first + second if packet.ssrc == 1]
    repairs = [packet for packet in first + second if packet.ssrc == 77]
    assert [packet.sequence for packet in own] == [own[0].sequence + place & 0xFFFF for place in range(len(own))]
    numbers = [packet.sequence for packet in repairs]
    assert numbers == [numbers[0] + place & 0xFFFF for place in range(len(numbers))]
    assert {packet.payload_type for packet in repairs} == {49}
    assert len(repairs) == len(own) and repairs[0].extensions == own[0].extensions
    # A large picture is protected while it is being sent.
    assert any(packet.ssrc == 77 for packet in first[: CHUNK + 1])
    assert end.repair_share >= 1.0 and end.repair_statistics().repair_packets_sent == len(repairs)


def test_repair_packets_of_ulpfec_follow_the_picture_with_its_numbers() -> None:
    end = stream(video_config(1, repair=ULP))
    reported(end, 0.05, 1.0)
    packets = [RtpPacket.parse(packet) for packet in (*sent(end, 1.1, 9000), *sent(end, 1.2, 9000, keyframe=False))]
    kinds = [packet.payload[0] for packet in packets]
    assert set(kinds) == {99, 50} and kinds.index(50) >= 8
    assert [packet.sequence for packet in packets] == [packets[0].sequence + n & 0xFFFF for n in range(len(packets))]


@pytest.mark.parametrize("repair", [FLEX, ULP])
@pytest.mark.parametrize("place", [0, 1, -1])
def test_a_lost_packet_is_recovered_at_once_and_not_asked_for(repair: RepairSpec, place: int) -> None:
    sender, receiver = stream(video_config(1, repair=repair)), stream(video_config(2, repair=repair))
    reported(sender, 0.2, 0.9)
    warm_up(sender, receiver)
    before = receiver.repair_statistics().repair_packets_received
    packets = sent(sender, 1.1, 5000, keyframe=False)
    own = [packet for packet in packets if packet[8:12] == b"\0\0\0\1" and packet[1] & 0x7F in (99, 51)]
    if repair is ULP:
        own = [packet for packet in own if packet[12] == 99]
    lost = own[place]
    for packet in packets:
        if packet is not lost:
            receiver.receive_rtp(packet, 1.1)
    assert pictures(receiver) == 1
    statistics = receiver.repair_statistics()
    assert statistics.packets_recovered == 1 and statistics.repair_packets_received - before == len(packets) - len(own)
    assert statistics.pictures_dropped == 0
    receiver.receive_rtp(lost, 1.12)
    assert receiver.repair_statistics().late == 1


def test_requests_wait_for_repair_packets_where_such_come() -> None:
    sender = stream(video_config(1, feedback=NACK, repair=FLEX))
    receiver = stream(video_config(2, feedback=NACK, repair=FLEX))
    reported(sender, 0.3, 0.9)
    for packet in sent(sender, 1.0):
        receiver.receive_rtp(packet, 1.0)
    packets = [packet for packet in sent(sender, 1.1, 5000, keyframe=False) if packet[8:12] == b"\0\0\0\1"]
    for packet in (packets[0], *packets[2:]):
        receiver.receive_rtp(packet, 1.1)
    receiver.handle_timer(1.12)
    assert receiver.repair_statistics().packets_requested == 0
    receiver.handle_timer(1.15)
    assert receiver.repair_statistics().packets_requested == 1


def test_extensions_that_change_on_the_way_are_no_matter() -> None:
    more = {"repair": FLEX, "mid": "0", "mid_id": 4, "transport_sequence_id": 3, "abs_send_time_id": 2}
    sender = stream(video_config(1, **more))
    receiver = stream(video_config(2, repair=FLEX, transport_sequence_id=3, abs_send_time_id=2))

    def counted(packet: bytes) -> bytes:
        place = packet.index(b"\x31", 16) + 1  # the element of two octets with number 3
        assert packet[place : place + 2] == b"\0\0"
        return packet[:place] + random.Random(packet).randbytes(2) + packet[place + 2 :]

    reported(sender, 0.2, 0.9)
    warm_up(sender, receiver)
    packets = [counted(packet) for packet in sent(sender, 1.1, 9000, keyframe=False)]
    own = [packet for packet in packets if packet[8:12] == b"\0\0\0\1"]
    assert len(own) > 7
    for packet in packets:
        if packet is not own[-2]:
            receiver.receive_rtp(packet, 1.0)
    assert pictures(receiver) == 1 and receiver.repair_statistics().packets_recovered == 1


def test_nonsense_in_place_of_repair_packets_harms_nothing() -> None:
    for repair in (FLEX, ULP):
        sender, receiver = stream(video_config(1, repair=repair)), stream(video_config(2, repair=repair))
        rng = random.Random(1)
        reported(sender, 0.2, 0.9)
        for number in range(60):
            for packet in sent(sender, 1.0 + number / 30, 3000, keyframe=not number):
                receiver.receive_rtp(packet, 1.0)
                start = parse_header(packet)[5]
                for size in (0, 1, 30):
                    receiver.receive_rtp(packet[:start] + rng.randbytes(size), 1.0)
        assert pictures(receiver) > 0


# Networks


@pytest.mark.parametrize("repair", [FLEX, ULP])
@pytest.mark.parametrize(("loss", "least"), [(0.05, 0.97), (0.2, 0.85)])
def test_rooms_that_know_rtp_only_see_nearly_all_pictures_whole(repair: RepairSpec, loss: float, least: float) -> None:
    link = Link(stream(video_config(1, repair=repair)), stream(video_config(2, repair=repair)), seed=5)
    camera = Camera(link, size=4000)
    link.conditions = Conditions(loss=loss)
    camera.run(6.0)  # until reports have told of the loss
    before = len(link.of(link.b, PictureReceived))
    camera.run(10.0)
    seen = [event.unit for event in link.of(link.b, PictureReceived)[before:] if isinstance(event, PictureReceived)]
    assert sum(not unit.damaged for unit in seen) >= least * 300
    assert link.b.repair_statistics().packets_recovered > 0.8 * loss * 900


def test_a_lost_repair_packet_among_the_pictures_is_no_lost_picture() -> None:
    def is_repair(data: bytes) -> bool:
        return len(data) > 12 and data[1] & 0x7F == 51 and data[12] == 50

    link = Link(stream(video_config(1, repair=ULP)), stream(video_config(2, repair=ULP)))
    camera = Camera(link, size=4000)
    camera.run(1.0)
    reported(link.a, 0.2, link.now)
    link.lose = is_repair
    asked = link.b.repair_statistics().key_frame_requests
    camera.run(2.0)
    seen = [event.unit for event in link.of(link.b, PictureReceived) if isinstance(event, PictureReceived)]
    assert len(seen) >= 85 and not any(unit.damaged for unit in seen)
    assert link.b.repair_statistics().key_frame_requests == asked
    # A picture that is lost with them is missed.
    link.lose = lambda data: is_repair(data) or camera.sent[-1].time == link.now
    camera.run(1 / 30)
    link.lose = is_repair
    camera.run(0.5)
    assert link.b.repair_statistics().key_frame_requests > asked


def test_the_writer_counts_what_its_packets_take_of_the_rate() -> None:
    end = stream(video_config(1, repair=FLEX))
    reported(end, 0.05, 0.0)
    count = end.repair_share
    media = repairs = 0
    for number in range(300):
        for packet in sent(end, number / 30, 1400 if number % 2 else 300, keyframe=False):
            if packet[8:12] == b"\0\0\0\1":
                media += len(packet)
            else:
                repairs += len(packet)
    assert end.repair_share > count
    assert abs(end.repair_share - repairs / media) < 2 * STEP
    assert isinstance(RepairWriter(FLEX, 0, False, 1).octets_share, float)
