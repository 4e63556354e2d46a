"""The receiving half of an ``RtpStream``: from datagrams to pictures, sound and digits."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from mcu.media.packets import receive_run
from mcu.media.rtp.audio_receiver import AudioReceiver
from mcu.media.rtp.config import (
    DigitReceived,
    FirstPacket,
    PictureReceived,
    RepairStatistics,
    SoundReceived,
    StreamConfig,
    StreamEvent,
)
from mcu.media.rtp.errors import RtcpError, RtpError
from mcu.media.rtp.fec_receiver import RepairReader
from mcu.media.rtp.fec_sender import out_of_red
from mcu.media.rtp.h261 import H261Depacketizer
from mcu.media.rtp.h263 import H263Depacketizer
from mcu.media.rtp.h264 import H264Depacketizer, parse_sprop_parameter_sets
from mcu.media.rtp.packet import parse_header, read_extension
from mcu.media.rtp.redundancy import ages, unpack_red
from mcu.media.rtp.reorder import ReorderBuffer
from mcu.media.rtp.repetition import NUMBER_SIZE, original_number
from mcu.media.rtp.source import Source
from mcu.media.rtp.telephone_event import DigitReceiver
from mcu.media.rtp.video_assembler import Depacketizer, VideoAssembler
from mcu.media.rtp.vp8 import Vp8Depacketizer
from mcu.media.spec import CodecSpec
from mcu.media.units import VideoFormat

logger = logging.getLogger(__name__)

# A source that is heard of again after this long counts as new for whoever watches the leg.
SILENCE = 2.0
# While packets of the current source come, others are strays or an attack. Sound and picture come each 10 to 40 ms.
HANDOVER_SILENCE = 0.1

# Reports on the way, two seconds apart, of which the longest counts.
ROUND_TRIPS = 4

_FORMATS: Mapping[str, VideoFormat] = {
    "H264": "H264", "VP8": "VP8", "H263-2000": "H263", "H263-1998": "H263", "H263": "H263", "H261": "H261",
}  # fmt: skip


class StreamReceiver:
    """Holds one source at a time.

    Another SSRC takes over when the current one has fallen silent and two packets of the new one came in a row: a
    light form of the probation of RFC 3550 appendix A.1. The first source of all is taken at its word.
    """

    def __init__(self, config: StreamConfig, events: list[StreamEvent]) -> None:
        self._config = config
        self._events = events
        self._codecs = config.receive
        self._level_id = config.level_id
        self._digits = DigitReceiver()
        self._candidate: tuple[int, int, bytes] | None = None  # (SSRC, next sequence, the packet held)
        self._audio: AudioReceiver | None = None
        self._assembler: VideoAssembler | None = None
        self._refreshed = False  # a key frame came of what was received before
        self._reorder: ReorderBuffer | None = None
        self._depacketizers: Mapping[int, Depacketizer] = (
            {number: _depacketizer(codec) for number, codec in config.receive.items()} if config.kind == "video" else {}
        )
        self._formats = {
            number: _FORMATS[codec.name] for number, codec in config.receive.items() if codec.name in _FORMATS
        }
        self._repeated = {repeat: original for original, repeat in config.repeats.items()}
        changing = tuple(filter(None, (config.abs_send_time_id, config.transport_sequence_id)))
        self._repair = RepairReader(config.repair, changing) if config.repair is not None else None
        beside = {*self._repeated, *(() if config.repair is None else (config.repair.payload_type, config.repair.red))}
        self._plain = bytes(number in self._depacketizers and number not in beside for number in range(128))
        self._newest: tuple[int, int] | None = None  # of packets of sound with earlier frames: number and timestamp
        self._frame_length: int | None = None
        self._logged = False
        self._lost_before = 0
        self._repeats_apart = False
        self.round_trip = 0.0
        self._round_trips: deque[float] = deque(maxlen=ROUND_TRIPS)
        self.source: Source | None = None
        self.packets = 0
        self.bytes = 0
        self.malformed = 0
        self.unknown_payload = 0
        self.looped = 0
        self.repaired = 0
        """Packets that came by RTX after they were lost."""

    def receive(self, data: bytes, now: float) -> None:
        """Take a datagram. Never raises; what is wrong is counted and the first one logged."""
        try:
            marker, payload_type, sequence, timestamp, ssrc, start, end = parse_header(data)
        except RtpError as error:
            self.count_malformed(error)
            return
        if payload_type in self._repeated:
            self._receive_repetition(payload_type, timestamp, marker, data[start:end], now)
            return
        repair = self._repair
        is_repair = False
        if repair is not None:
            if payload_type == repair.spec.red and end > start:
                data, end = out_of_red(data, start), end - 1
                payload_type = data[1] & 0x7F
                is_repair = payload_type == repair.spec.payload_type
            elif payload_type == repair.spec.payload_type:
                self._recover(repair.repair(data[start:end], now), now)
                return
        source = self.source
        if source is None or ssrc != source.ssrc:
            source = self._admit(ssrc, sequence, timestamp, payload_type, data, now)
            if source is None:
                return
        elif now - source.last_arrival > SILENCE:
            self._events.append(FirstPacket(ssrc))
        extended = source.receive(sequence, timestamp, now)
        if extended is None:
            return
        self.packets += 1
        self.bytes += len(data)
        if source.restarted:
            source.restarted = False
            self._start_media(extended, now)
        reorder = self._reorder
        if reorder is not None:
            repairs = data[start:end] if is_repair else b""
            if payload_type not in self._depacketizers:
                self.unknown_payload += not is_repair
                end = start  # holds its place in the sequence and is otherwise ignored
            if repair is not None:
                reorder.request_wait, reorder.mend_wait = repair.waits(now)
            reorder.receive(extended, timestamp, marker, payload_type, data[start:end], now)
            if repair is not None:
                self._recover(repair.repair(repairs, now) if is_repair else repair.received(data), now)
            assert self._assembler is not None
            if self._assembler.pictures:
                self._collect()
            return
        level: int | None = None
        if self._level_id is not None and data[0] & 0x10:
            told = read_extension(data, self._level_id)
            level = told[0] & 0x7F if told else None
        if payload_type == self._config.redundancy:
            self._receive_redundant(source, extended, timestamp, data[start:end], now, level)
        else:
            self._receive_sound(source, extended, timestamp, payload_type, data[start:end], now, level)

    def receive_run(self, packets: list[bytes], now: float) -> None:
        """Take datagrams that came together: as one after the other, and compiled code takes those that are plain."""
        at = 0
        while at < len(packets):
            at += self._receive_plain(packets, at, now)
            if at < len(packets):
                self.receive(packets[at], now)
                at += 1

    def _receive_plain(self, packets: list[bytes], first: int, now: float) -> int:
        """Take pictures' packets from ``first`` on as long as nothing is to be decided; how many."""
        source, reorder, assembler = self.source, self._reorder, self._assembler
        if source is None or reorder is None or assembler is None:
            return 0
        if self._repair is not None and not self._repair.is_idle:
            return 0  # each packet may tell another
        taken, octets = receive_run(packets, first, source, source.ssrc, reorder, self._plain, now, SILENCE)
        self.packets += taken
        self.bytes += octets
        if assembler.pictures:
            self._collect()
        return taken

    def _receive_redundant(
        self, source: Source, extended: int, timestamp: int, payload: bytes, now: float, level: int | None
    ) -> None:
        """Take a packet of sound with earlier frames (RED, RFC 2198); those that came before are dropped again."""
        try:
            blocks = unpack_red(payload)
        except RtpError as error:
            self.count_malformed(error)
            return
        *earlier, (newest_type, _, newest) = blocks
        assert self._audio is not None
        before, self._newest = self._newest, (extended, timestamp)
        if before is not None and extended == before[0] + 1:
            length = (timestamp - before[1]) & 0xFFFFFFFF
            # A pause of the sender makes the next one longer.
            self._frame_length = min(length, self._frame_length or length)
        for age, (payload_type, offset, frame) in zip(ages(blocks, self._frame_length), earlier, strict=True):
            if frame and payload_type in self._codecs and self._audio.lacks(extended - age):
                then = (timestamp - offset) & 0xFFFFFFFF
                unit = self._audio.receive(extended - age, then, payload_type, frame, now)
                if unit is not None:
                    self._events.append(SoundReceived(unit))
        self._receive_sound(source, extended, timestamp, newest_type, newest, now, level)

    def _receive_repetition(self, payload_type: int, timestamp: int, marker: bool, payload: bytes, now: float) -> None:
        """Put a packet that was sent again by RTX (RFC 4588) in its place.

        Only what is missing is taken. Its SSRC need not be known, for no other stream's packet would fit the gap; and
        the source's statistics go on telling what the network lost.
        """
        source, reorder, assembler = self.source, self._reorder, self._assembler
        if not payload or source is None or reorder is None or assembler is None:
            return  # empty ones probe the path
        try:
            sequence = original_number(payload)
        except RtpError as error:
            self.count_malformed(error)
            return
        # Some agree on it and send the packets themselves again: not before the first has come so it is believed.
        self._repeats_apart = reorder.apart = True
        extended = source.highest - ((source.highest - sequence) & 0xFFFF)
        if not reorder.awaits(extended):
            return
        self.repaired += 1
        original = self._repeated[payload_type]
        reorder.receive_repeated(extended, timestamp, marker, original, payload[NUMBER_SIZE:], now)
        if assembler.pictures:
            self._collect()

    def _recover(self, packets: list[bytes], now: float) -> None:
        """Put packets that repair packets have told in their places."""
        source, reorder, repair, assembler = self.source, self._reorder, self._repair, self._assembler
        if source is None or reorder is None or repair is None or assembler is None:
            return
        for data in packets:
            try:
                marker, payload_type, sequence, timestamp, _, start, end = parse_header(data)
            except RtpError as error:
                self.count_malformed(error)
                continue
            extended = source.highest + ((sequence - source.highest + 0x8000) & 0xFFFF) - 0x8000
            if payload_type in self._depacketizers and (reorder.awaits(extended) or reorder.is_ahead(extended)):
                repair.recovered += 1
                reorder.receive_repeated(extended, timestamp, marker, payload_type, data[start:end], now)
        if assembler.pictures:
            self._collect()

    def _receive_sound(
        self,
        source: Source,
        extended: int,
        timestamp: int,
        payload_type: int,
        payload: bytes,
        now: float,
        level: int | None,
    ) -> None:
        codec = self._codecs.get(payload_type)
        if codec is not None:
            assert self._audio is not None
            if codec.clock_rate != source.clock_rate:
                source.set_clock_rate(codec.clock_rate)
            unit = self._audio.receive(extended, timestamp, payload_type, payload, now, level)
            if unit is not None:
                source.clock.arrived(timestamp, now)
                self._events.append(SoundReceived(unit))
        elif payload_type == self._config.dtmf_payload_type:
            try:
                digits = self._digits.receive(payload, timestamp, now)
            except RtpError as error:
                self.count_malformed(error)
                return
            self._events.extend(DigitReceived(digit) for digit in digits)
        else:
            self.unknown_payload += 1

    def _admit(
        self, ssrc: int, sequence: int, timestamp: int, payload_type: int, data: bytes, now: float
    ) -> Source | None:
        """Decide on a packet of a source that is not the current one; returns it when it is from now on."""
        if ssrc == self._config.ssrc:
            self.looped += 1  # our own packets come back, or the peer chose our number (RFC 3550 section 8.2)
            return None
        codec = self._codecs.get(payload_type)
        if payload_type == self._config.redundancy:
            codec = next(iter(self._codecs.values()), None)  # the payload will tell
        if codec is None and payload_type != self._config.dtmf_payload_type:
            self.unknown_payload += 1
            return None
        held: bytes | None = None
        if self.source is not None:
            candidate = self._candidate
            alive = now - self.source.last_arrival < HANDOVER_SILENCE
            if alive or candidate is None or candidate[0] != ssrc or candidate[1] != sequence:
                self._candidate = (ssrc, (sequence + 1) & 0xFFFF, data)
                return None
            held = candidate[2]
            self._lost_before += self.source.lost
            sequence = (sequence - 1) & 0xFFFF
        self._candidate = None
        clock_rate = codec.clock_rate if codec is not None else self._config.dtmf_clock_rate
        self.source = source = Source(ssrc, sequence, timestamp, clock_rate, now)
        self._start_media(sequence, now)
        self._events.append(FirstPacket(ssrc))
        if held is not None:
            self.receive(held, now)
        return source

    def _start_media(self, first: int, now: float) -> None:
        """A source begins, or begins anew: nothing of the old one's order and references is of use."""
        if self._config.kind == "audio":
            self._audio = AudioReceiver()
            self._newest = self._frame_length = None
        elif self._depacketizers:
            self._refreshed = self._refreshed or (self._assembler is not None and self._assembler.refreshed)
            for depacketizer in self._depacketizers.values():
                depacketizer.reset()
            repeats = "nack" in self._config.feedback
            if self._repair is not None:
                self._repair.begin_anew()
            self._assembler = VideoAssembler(
                self._depacketizers,
                self.count_malformed,
                now,
                self._formats,
                conceal=not repeats,
                repairs_between=self._repair is not None and self._repair.spec.form == "ulpfec",
            )
            self._reorder = ReorderBuffer(self._assembler, repeats, first)
            self._reorder.round_trip = self.round_trip
            self._reorder.apart = self._repeats_apart

    def _collect(self) -> None:
        assert self._assembler is not None and self._reorder is not None
        repaired, self._reorder.repaired = self._reorder.repaired, False
        for unit in self._assembler.pictures:
            if repaired:
                unit = replace(unit, repaired=True)
            if self.source is not None and unit.timestamp is not None:
                self.source.clock.arrived(unit.timestamp, unit.time)
            self._events.append(PictureReceived(unit))
        self._assembler.pictures.clear()

    def handle_timer(self, now: float) -> None:
        """Give up lost packets and end digits whose end was lost."""
        if self._reorder is not None and self._assembler is not None:
            self._reorder.handle_timer(now)
            if self._assembler.pictures:
                self._collect()
        self._events.extend(DigitReceived(digit) for digit in self._digits.handle_timer(now))

    def next_deadline(self) -> float | None:
        """When ``handle_timer`` or ``requests_to_send`` has something to do."""
        if self._reorder is not None:
            return self._reorder.next_deadline()
        return self._digits.next_deadline()

    def requests_due(self, now: float) -> bool:
        """Whether ``requests_to_send`` has something to ask for."""
        return self._reorder is not None and self._reorder.next_request <= now

    def requests_to_send(self, now: float) -> list[int]:
        """Sequence numbers to ask for by generic NACK."""
        return self._reorder.requests_to_send(now) if self._reorder is not None else []

    def set_round_trip(self, seconds: float) -> None:
        """Pace repeated requests by the measured round trip: where it varies, by the longest of late."""
        self._round_trips.append(seconds)
        self.round_trip = max(self._round_trips)
        if self._reorder is not None:
            self._reorder.round_trip = self.round_trip

    @property
    def needs_key_frame(self) -> bool:
        """Pictures were lost and the next key frame must be asked for."""
        return self._assembler is not None and self._assembler.needs_key_frame

    def take_refreshed(self) -> bool:
        """Whether a key frame came since the last call."""
        refreshed, self._refreshed = self._refreshed, False
        assembler = self._assembler
        if assembler is not None and assembler.refreshed:
            assembler.refreshed, refreshed = False, True
        return refreshed

    def take_key_frame_lost(self) -> bool:
        """Whether a key frame came in part since the last call."""
        assembler = self._assembler
        if assembler is None or not assembler.key_frame_lost:
            return False
        assembler.key_frame_lost = False
        return True

    @property
    def waiting(self) -> bool:
        """No picture is passed on before the next key frame."""
        return self._assembler is not None and self._assembler.waiting

    def repair_statistics(self) -> RepairStatistics:
        """What loss and disorder did; counted since the current source began."""
        return RepairStatistics(
            late=self._reorder.late if self._reorder is not None else 0,
            duplicates=self._audio.duplicates if self._audio is not None else 0,
            pictures_dropped=self._assembler.dropped if self._assembler is not None else 0,
            unknown_payload=self.unknown_payload,
            looped=self.looped,
            packets_recovered=self.recovered,
            repair_packets_received=self._repair.repairs if self._repair is not None else 0,
        )

    @property
    def recovered(self) -> int:
        """Packets that repair packets have told after they were lost."""
        return self._repair.recovered if self._repair is not None else 0

    @property
    def lost(self) -> int:
        """Packets that never came, of all sources so far."""
        lost = self._lost_before + (self.source.lost if self.source is not None else 0)
        return max(0, lost - self.repaired - self.recovered)

    def count_malformed(self, error: RtpError | RtcpError) -> None:
        """Count a bad datagram; the log hears of the first one only."""
        self.malformed += 1
        if not self._logged:
            self._logged = True
            logger.warning(
                "malformed %s packet from %s: %s (further ones are only counted)",
                self._config.kind,
                self._config.label or f"SSRC {self._config.ssrc}",
                error,
            )

    def forget_source(self) -> None:
        """The source said goodbye: the next packet may come from anyone."""
        if self.source is not None:
            self._lost_before += self.source.lost
        self.source = None
        self._candidate = None


def _depacketizer(codec: CodecSpec) -> Depacketizer:
    if codec.name == "H264":
        return H264Depacketizer(parse_sprop_parameter_sets(codec.parameters.get("sprop-parameter-sets", "")))
    if codec.name == "VP8":
        return Vp8Depacketizer()
    if codec.name in ("H263-1998", "H263-2000", "H263"):
        return H263Depacketizer(plus=codec.name != "H263")
    if codec.name == "H261":
        return H261Depacketizer()
    raise ValueError(f"{codec.name} is no video codec")
