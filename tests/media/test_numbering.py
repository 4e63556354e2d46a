"""Numbers of a successor: never one that may have been used, and never further on than receivers bear."""

from __future__ import annotations

import base64
import random

import pytest

from mcu.media.numbering import REPORT_AFTER, LegNumbering, merged
from mcu.media.packets import Srtp
from mcu.media.rtp.beginning import AHEAD, Beginning, derived
from mcu.media.rtp.config import StreamConfig
from mcu.media.rtp.session import RtpStream
from mcu.media.spec import (
    Address,
    CodecSpec,
    Continuation,
    HeardNumbers,
    LegNumbers,
    PathNumbers,
    SdesKeys,
    SentNumbers,
)
from mcu.media.transport.srtp_numbers import heard_of, protection_of, sent_of, sources_of
from mcu.media.units import CodedPicture, CodedSound

VP8 = CodecSpec(name="VP8", payload_type=96, clock_rate=90000)
PCMA = CodecSpec(name="PCMA", payload_type=8, clock_rate=8000)
SUITE = "AES_CM_128_HMAC_SHA1_80"
KEY = bytes(range(30))
KEYS = SdesKeys(suite=SUITE, local=base64.b64encode(KEY).decode(), remote=base64.b64encode(bytes(30)).decode())
SSRC = 0x1234

# What receivers take for loss at most (RFC 3550 appendix A.1).
MAX_DROPOUT = 3000


def told(sequence: int, *, ahead: int, protection: str = "") -> Continuation:
    numbers = PathNumbers(protection=protection, sent={SSRC: SentNumbers(sequence=sequence, rtcp_index=5, picture=9)})
    return Continuation(seed=1, ahead=ahead, numbers=LegNumbers(paths={"audio": numbers}))


def sound(time: float) -> CodedSound:
    return CodedSound(b"\x55" * 160, 8, time, samples=160)


def sequences(stream: RtpStream) -> list[int]:
    return [int.from_bytes(packet[2:4], "big") for packet in stream.rtp_to_send()]


def test_a_beginning_follows_from_seed_and_ssrc_alone() -> None:
    first = derived(1, SSRC)
    assert first == derived(1, SSRC) == LegNumbering(Continuation(seed=1)).beginning("audio", "", SSRC)
    assert first not in (derived(2, SSRC), derived(1, SSRC + 1))
    assert all(derived(seed, SSRC).sequence < 0x8000 for seed in range(200))


def test_a_successor_goes_on_ahead_of_what_was_reported() -> None:
    beginning = LegNumbering(told(70_000, ahead=1)).beginning("audio", "", SSRC)
    assert beginning == Beginning(70_000 + AHEAD, derived(1, SSRC).offset, 9 + AHEAD, resumed=True)
    assert LegNumbering(told(70_000, ahead=1)).path("audio", "").sent[SSRC].rtcp_index == 5 + AHEAD


def test_each_worker_that_was_not_heard_of_costs_its_own_share() -> None:
    starts = [LegNumbering(told(70_000, ahead=ahead)).beginning("audio", "", SSRC).sequence for ahead in (1, 2, 3)]
    assert starts == [70_000 + AHEAD, 70_000 + 2 * AHEAD, 70_000 + 3 * AHEAD]
    never = [LegNumbering(Continuation(seed=1, ahead=ahead)).beginning("audio", "", SSRC) for ahead in (0, 1, 2)]
    assert [each.sequence - derived(1, SSRC).sequence for each in never] == [0, AHEAD, 2 * AHEAD]
    assert [each.resumed for each in never] == [False, True, True]


def test_numbers_of_the_same_process_are_exact() -> None:
    known = LegNumbers(paths={"audio": PathNumbers(sent={SSRC: SentNumbers(sequence=900)})})
    numbering = LegNumbering(told(70_000, ahead=1), known)
    assert numbering.beginning("audio", "", SSRC).sequence == 900 and not numbering.inherited


def test_numbers_under_other_keys_are_of_no_use() -> None:
    numbering = LegNumbering(told(70_000, ahead=1, protection=protection_of(KEYS)))
    other = protection_of(KEYS.model_copy(update={"local": "x"}))
    assert numbering.path("audio", other).sent == {}
    assert numbering.path("audio", protection_of(KEYS)).sent[SSRC].sequence == 70_000 + AHEAD
    assert protection_of(None) == "" and KEYS.local not in protection_of(KEYS)


def test_no_key_stream_is_used_twice_when_the_last_report_is_lost() -> None:
    """A worker dies at a random instant; all that it sent since its last report, or the one before, is unknown."""
    rng = random.Random(5)
    for _ in range(50):
        reported = rng.randrange(1, 1 << 20)
        lost_reports = rng.choice((1, 2))
        sent_since = rng.randrange(0, lost_reports * REPORT_AFTER + 1)
        last = reported + sent_since - 1
        keys = protection_of(KEYS)
        numbering = LegNumbering(told(reported, ahead=1, protection=keys))
        start = numbering.beginning("audio", keys, SSRC).sequence
        assert last < start and start - last < MAX_DROPOUT

        successor = Srtp(SUITE, KEY, inbound=False)
        for source in sources_of(numbering.path("audio", keys).sent):
            successor.resume(*source)
        receiver = Srtp(SUITE, KEY, inbound=True)
        receiver.resume(SSRC, last >> 16, last & 0xFFFF, 0)
        packet = bytes((0x80, 8)) + (start & 0xFFFF).to_bytes(2, "big") + bytes(4) + SSRC.to_bytes(4, "big") + b"sound"
        (protected,) = successor.protect_rtp((packet,))
        assert protected is not None
        assert receiver.unprotect_rtp((protected,)) == [packet]  # so both sides agree on the roll-overs
        ((_, rollovers, highest, _),) = successor.sources()
        assert highest is not None and (rollovers << 16) + highest == start


@pytest.mark.parametrize("rollovers", [0, 2])
def test_srtp_tells_and_takes_its_numbers(rollovers: int) -> None:
    outbound = Srtp(SUITE, KEY, inbound=False)
    sent = {SSRC: SentNumbers(sequence=(rollovers << 16) + 10, rtcp_index=3)}
    for source in sources_of(sent):
        outbound.resume(*source)
    assert sent_of(outbound.sources(), outbound.sources()) == sent
    inbound = Srtp(SUITE, KEY, inbound=True)
    inbound.resume(SSRC, rollovers, 77, 4)
    heard = {SSRC: HeardNumbers(rollovers=rollovers, highest=77, rtcp_index=4)}
    assert heard_of(inbound.sources(), inbound.sources()) == heard
    apart = Srtp(SUITE, KEY, inbound=True)
    apart.resume(8, 0, None, 6)
    assert heard_of(inbound.sources(), apart.sources()) == {
        SSRC: HeardNumbers(rollovers=rollovers, highest=77),
        8: HeardNumbers(rtcp_index=6),
    }


def test_streams_count_what_srtp_has_not_seen_yet() -> None:
    counted = {SSRC: SentNumbers(sequence=40, picture=7), 9: SentNumbers(sequence=2)}
    protected = {SSRC: SentNumbers(sequence=30, rtcp_index=3), 8: SentNumbers(sequence=5)}
    assert merged(counted, protected) == {
        SSRC: SentNumbers(sequence=40, rtcp_index=3, picture=7),
        9: SentNumbers(sequence=2),
        8: SentNumbers(sequence=5),
    }


def test_a_stream_goes_on_with_the_timestamps_of_its_predecessor() -> None:
    begin = LegNumbering(Continuation(seed=3)).beginning("audio", "", SSRC)
    first = RtpStream(StreamConfig("audio", SSRC, "c", {}, None, PCMA, beginning=begin), random.Random(1), 5.0, 0.0)
    first.send_sound(sound(100.0), 100.0)
    (before,) = first.rtp_to_send()
    numbers = LegNumbers(paths={"audio": PathNumbers(sent={SSRC: first.numbers()})})
    begin = LegNumbering(Continuation(seed=3, ahead=1, numbers=numbers)).beginning("audio", "", SSRC)
    second = RtpStream(StreamConfig("audio", SSRC, "c", {}, None, PCMA, beginning=begin), random.Random(2), 100.5, 0.5)
    second.send_sound(sound(101.0), 101.0)
    (after,) = second.rtp_to_send()

    def timestamp(packet: bytes) -> int:
        return int.from_bytes(packet[4:8], "big")

    assert (timestamp(after) - timestamp(before)) & 0xFFFFFFFF == 8000
    assert (int.from_bytes(after[2:4], "big") - int.from_bytes(before[2:4], "big")) & 0xFFFF == 1 + AHEAD


def test_numbers_and_picture_ids_roll_over_on_the_wire_only() -> None:
    begin = Beginning(sequence=0x1FFFF, offset=0, picture=0x7FFF)
    stream = RtpStream(StreamConfig("video", SSRC, "c", {}, None, VP8, beginning=begin), random.Random(1), 0.0, 0.0)
    for time in (1.0, 2.0):
        stream.send_picture(CodedPicture(bytes(100), True, time, codec="VP8"), time)
    assert sequences(stream) == [0xFFFF, 0]
    assert stream.numbers() == SentNumbers(sequence=0x20001, picture=1)


def test_addresses_of_a_browser_go_along() -> None:
    address = Address(host="192.0.2.1", port=4000)
    numbering = LegNumbering(Continuation(seed=1, ahead=1, numbers=LegNumbers(addresses=(address,), selected=address)))
    assert numbering.addresses == (address,) and numbering.selected == address and numbering.inherited
