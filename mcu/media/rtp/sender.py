"""The sending half of an ``RtpStream``: from pictures, sound and digits to datagrams."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol

from mcu.media.rtp.beginning import derived
from mcu.media.rtp.config import StreamConfig
from mcu.media.rtp.fec_sender import RepairWriter
from mcu.media.rtp.h261 import H261Packetizer
from mcu.media.rtp.h263 import H263Packetizer, H263PlusPacketizer
from mcu.media.rtp.h264 import H264Packetizer
from mcu.media.rtp.packet import HEADER_SIZE, abs_send_time, pack_extensions, parse_header, write_packets
from mcu.media.rtp.redundancy import RedundancyWriter
from mcu.media.rtp.repetition import RepetitionNumbers, repetition
from mcu.media.rtp.retransmission import RetransmissionCache
from mcu.media.rtp.sent_progress import SentProgress
from mcu.media.rtp.telephone_event import DigitSender
from mcu.media.rtp.vp8 import Vp8Packetizer
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedPicture, CodedSound

# Sound timestamps follow the samples, not the clock; only when both are further apart than this the samples are wrong.
MAX_SOUND_DRIFT = 0.1
# Octets that are sent again for each that is sent, at most: where more is asked for the link is full, and what is sent
# again would keep it full. With a fifth lost in bursts, requests and repetitions too, it is half or more. Less
# where a queue is seen to stand. So much may be saved up: a second's worth, and at least a key frame's.
_RESENT_SHARE, _RESENT_WHERE_FULL, _LEAST_RESERVE, _RESERVE_PICTURES = 1.0, 0.4, 60_000.0, 30
TWICE_FROM = 0.1
"""Where so much is lost, what is sent again is sent twice: with a fifth lost, a third of all pictures of ten packets
lose a repeat too, and wait for another round trip. Only where repeats have numbers of their own."""

PROBED_PACKETS, PROBED_FOR = 100, 1.0
"""The last so many are sent once more to try the way there, for so many seconds: a stream that rests tries nothing."""

# How fast the sender reports' mapping follows the difference between sound's timestamps and its times.
_SKEW_GAIN = 1 / 16


class StreamSender:
    """Numbers, times and packs what is sent. ``out`` collects datagrams for the adapter to drain."""

    def __init__(self, config: StreamConfig, rng: random.Random) -> None:
        self._config = config
        self._codec = config.send_codec
        self._clock_rate = self._codec.clock_rate if self._codec is not None else config.dtmf_clock_rate
        beginning = config.beginning or derived(rng.getrandbits(64), config.ssrc)
        self._offset = beginning.offset
        self.sequence = beginning.sequence
        """Of the next packet, with the roll-overs before it."""
        self._packetizer = _packetizer(self._codec, config.mtu, beginning.picture) if config.kind == "video" else None
        self._repetitions = RepetitionNumbers(self.sequence)
        self._cache = RetransmissionCache() if config.kind == "video" and "nack" in config.feedback else None
        self._digits = DigitSender(config.dtmf_clock_rate) if config.dtmf_payload_type is not None else None
        self.redundancy = RedundancyWriter(config.redundancy) if config.redundancy is not None else None
        self._next_timestamp: int | None = None  # of sound, without the offset
        self._skew = 0.0
        self._constant = [(config.mid_id, config.mid.encode()[:16])] if config.mid_id is not None and config.mid else []
        self.repair = self._repair_writer(rng)
        self._extensions = pack_extensions(self._constant)
        self.out: list[bytes] = []
        self.packets = 0
        self.octets = 0  # payload only, as sender reports count
        self.bytes = 0
        self.resent = 0
        self.fraction_lost = 0.0
        """Of what was sent, as the peer told last."""
        self.last_sent = float("-inf")
        self.progress = SentProgress(self.sequence)
        self.wait = 0.0
        """Seconds that a picture waits before it leaves; told by who sends it."""
        self._reserve = self._recent = _LEAST_RESERVE

    def _repair_writer(self, rng: random.Random) -> RepairWriter | None:
        config = self._config
        if config.kind != "video" or config.repair is None:
            return None
        changing = tuple(filter(None, (config.abs_send_time_id, config.transport_sequence_id)))
        if config.transport_sequence_id is not None:
            # Its place has to be there when the packets are protected; what stands in it counts as zero.
            self._constant.append((config.transport_sequence_id, bytes(2)))
        repeats = "nack" in config.feedback
        return RepairWriter(config.repair, self.sequence, repeats, rng.getrandbits(64), changing)

    def send_picture(self, unit: CodedPicture, now: float) -> None:
        """Pack a picture; without a codec agreed for sending it is dropped."""
        if self._packetizer is None or self._codec is None:
            return
        timestamp = (self._offset + round(unit.time * self._clock_rate)) & 0xFFFFFFFF
        head = (self._codec.payload_type, self.sequence, timestamp, self._config.ssrc, self._extensions_at(now))
        packetizer = self._packetizer
        if isinstance(packetizer, H264Packetizer | Vp8Packetizer):
            packets, kept = packetizer.packets(unit.data, *head, self._cache), True
        else:
            packets, kept = write_packets(packetizer.packetize(unit.data), True, *head), False
        if packets:
            self._send(packets, head[-1], now, kept)

    def send_sound(self, unit: CodedSound, now: float) -> None:
        """Pack a sound frame; while a digit is being sent it is left out and only its time passes."""
        if self._codec is None or self._config.kind != "audio":
            return
        rate = self._clock_rate
        exact = unit.time * rate
        timestamp = self._next_timestamp
        talkspurt = timestamp is None or abs(exact - timestamp) > MAX_SOUND_DRIFT * rate
        if timestamp is None or talkspurt:
            timestamp = round(exact)
            self._skew = 0.0
        else:
            self._skew += (timestamp - exact - self._skew) * _SKEW_GAIN
        self._next_timestamp = timestamp + (unit.samples if unit.samples is not None else rate // 50)
        if self._digits is not None and self._digits.active:
            return
        payload_type, payload = unit.payload_type, unit.data
        if self.redundancy is not None:
            redundant = self.redundancy.write(payload_type, timestamp & 0xFFFFFFFF, payload)
            if redundant is not None:
                payload_type, payload = self.redundancy.payload_type, redundant
        self._send_one(payload, payload_type, talkspurt, (self._offset + timestamp) & 0xFFFFFFFF, now)

    def send_digit(self, digit: str, now: float) -> None:
        """Play a digit as telephone events. Raises ValueError when it is none, or events were not agreed."""
        if self._digits is None:
            raise ValueError("no telephone-event payload type was agreed")
        self._digits.send(digit, now)
        self.handle_timer(now)

    def handle_timer(self, now: float) -> None:
        """Send the digit packets that are due."""
        payload_type = self._config.dtmf_payload_type
        if self._digits is None or payload_type is None:
            return
        for packet in self._digits.packets_to_send(now):
            timestamp = (self._offset + round(packet.started * self._config.dtmf_clock_rate)) & 0xFFFFFFFF
            self._send_one(packet.payload, payload_type, packet.marker, timestamp, now)

    def next_deadline(self) -> float | None:
        """When ``handle_timer`` has something to do."""
        return self._digits.next_deadline() if self._digits is not None else None

    def _extensions_at(self, now: float) -> bytes:
        """The header extensions of packets that leave now."""
        send_time_id = self._config.abs_send_time_id
        if send_time_id is None:
            return self._extensions
        return pack_extensions([*self._constant, (send_time_id, abs_send_time(now))])

    def _send_one(self, payload: bytes, payload_type: int, marker: bool, timestamp: int, now: float) -> None:
        extensions = self._extensions_at(now)
        packets = write_packets(
            (payload,), marker, payload_type, self.sequence, timestamp, self._config.ssrc, extensions
        )
        self._send(packets, extensions, now)

    def _send(self, packets: list[bytes], extensions: bytes, now: float, kept: bool = False) -> None:
        """Packets that begin with the next number and have these header extensions each; ``kept``: in the cache."""
        made = out = packets
        if self.repair is not None:
            protected = self.repair.protect(packets, self.sequence, extensions)
            packets, out = protected.own, protected.out
        if self._cache is not None and not (kept and packets is made):
            self._cache.store_run(self.sequence, packets)
        count = len(packets)
        self.sequence += count
        self.out += out
        size = sum(map(len, packets))
        self.packets += count
        self.bytes += size if out is packets else sum(map(len, out))
        self.octets += size - count * (HEADER_SIZE + len(extensions))
        self.last_sent = now
        if self._packetizer is not None:
            # What is sent again by RTX has numbers of its own.
            again = 0 if self._config.rtx_ssrc is not None else self.resent
            self.progress.sent(self.sequence, self.packets + again, self.bytes, now + self.wait)
            self._recent += size - self._recent / _RESERVE_PICTURES
            share = _RESENT_WHERE_FULL if self.progress.is_full else _RESENT_SHARE
            most = share * max(_LEAST_RESERVE, self._recent)
            self._reserve = min(most, self._reserve + share * size)

    def resend(self, numbers: Sequence[int], now: float) -> None:
        """Send these packets again, as far as they are still there, and not too many."""
        if self._cache is None:
            return
        twice = self._config.rtx_ssrc is not None and self.fraction_lost >= TWICE_FROM and not self.progress.is_full
        for number in numbers:
            if self._reserve <= 0:
                break
            packet = self._cache.resend(number, now)
            if packet is None:
                continue
            repeated = self._again(packet)
            self._send_repeated(repeated)
            if twice and repeated is not packet:
                self._send_repeated(self._again(packet))

    def _send_repeated(self, packet: bytes | None) -> None:
        if packet is not None:
            self.out.append(packet)
            self.bytes += len(packet)
            self._reserve -= len(packet)
            self.resent += 1

    def probe(self, octets: int, now: float) -> list[bytes]:
        """So many octets of packets sent lately, once more, to try the way there with; fewer where less was sent. None
        where RTX (RFC 4588) was not agreed: nothing else may come twice.
        """
        if self._cache is None or self._config.rtx_ssrc is None or now - self.last_sent > PROBED_FOR:
            return []
        found: list[bytes] = []
        size = 0
        for number in range(self.sequence - 1, self.sequence - 1 - PROBED_PACKETS, -1):
            packet = self._cache.resend(number & 0xFFFF, now)
            repeated = None if packet is None else self._again(packet)
            if repeated is not None and repeated is not packet:
                found.append(repeated)
                size += len(repeated)
            if size >= octets:
                break
        self.bytes += size
        return found

    def _again(self, packet: bytes) -> bytes | None:
        """The packet as it goes out again: as it was, or where it was agreed by RTX (RFC 4588)."""
        payload_type = self._config.repeats.get(packet[1] & 0x7F)
        if payload_type is None or self._config.rtx_ssrc is None:
            return packet
        number = self._repetitions.take(self.sequence)
        if number is None:
            return None
        return repetition(packet, parse_header(packet)[5], payload_type, number, self._config.rtx_ssrc)

    @property
    def picture(self) -> int | None:
        """The next picture id, where the payload format has such."""
        return self._packetizer.picture_id if isinstance(self._packetizer, Vp8Packetizer) else None

    def timestamp_at(self, time: float) -> int:
        """The 32-bit RTP timestamp that stands for a monotonic instant, as sender reports tell it."""
        return (self._offset + round(time * self._clock_rate + self._skew)) & 0xFFFFFFFF


class Packetizer(Protocol):
    """Cuts coded pictures into payloads."""

    def packetize(self, data: bytes) -> tuple[bytes, ...]: ...


def _packetizer(codec: CodecSpec | None, mtu: int, picture: int) -> Packetizer | None:
    if codec is None:
        return None
    if codec.name == "H264":
        mode = 1 if codec.parameters.get("packetization-mode", "0").strip() == "1" else 0
        return H264Packetizer(mode, mtu)
    if codec.name == "VP8":
        return Vp8Packetizer(mtu, picture)
    if codec.name in ("H263-1998", "H263-2000"):
        return H263PlusPacketizer(mtu)
    if codec.name == "H263":
        return H263Packetizer(mtu)
    if codec.name == "H261":
        return H261Packetizer(mtu)
    raise ValueError(f"{codec.name} is no video codec")
