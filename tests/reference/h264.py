"""H.264 in RTP (RFC 6184): access units in Annex B byte-stream form to payloads and back."""

from __future__ import annotations

from collections.abc import Iterator

from mcu.media.rtp.errors import PayloadError

START_CODE = b"\x00\x00\x00\x01"

NAL_SLICE = 1
NAL_IDR = 5
NAL_SEI = 6
NAL_SPS = 7
NAL_PPS = 8
NAL_AUD = 9
NAL_STAP_A = 24
NAL_FU_A = 28
SEI_RECOVERY_POINT = 6

# A 1080p IDR picture at the highest quality anyone sends is below 1 MB; four times that is an attack.
MAX_ACCESS_UNIT = 4 << 20
# 1080p in slices of 1200 bytes at 3 Mbit/s has some dozens of units; MBAFF intra at one slice per row has 68.
MAX_NAL_UNITS = 2048
# H.264 allows 32 and 256; a conferencing peer uses one or two of each.
MAX_PARAMETER_SETS = 16
MAX_PARAMETER_SET_SIZE = 1024
# What a UDP datagram can carry when a mode 0 peer must be sent a unit larger than the path's packets.
MAX_SINGLE_UNIT = 60_000


def nal_units(data: bytes) -> Iterator[bytes]:
    """The NAL units of an Annex B byte stream, without start codes and trailing zeros; empty ones are left out."""
    start = data.find(b"\x00\x00\x01")
    while start >= 0:
        start += 3
        end = data.find(b"\x00\x00\x01", start)
        unit = data[start:end] if end >= 0 else data[start:]
        if unit.endswith(b"\x00"):
            unit = unit.rstrip(b"\x00")
        if unit:
            yield unit
        start = end


class H264Packetizer:
    """Cuts access units into payloads of at most ``mtu`` bytes, each one to go into a packet of its own.

    Mode 1 (RFC 6184 section 6.3) joins small units into STAP-A and cuts large ones into FU-A. Mode 0 (section 6.2)
    knows neither: every unit is a payload, and one larger than ``mtu`` is left to IP fragmentation. The encoder of a
    mode 0 peer is told to keep its slices small, so that happens to stray units only.
    """

    __slots__ = ("mode", "mtu")

    def __init__(self, mode: int = 1, mtu: int = 1200) -> None:
        if mode not in (0, 1):
            raise ValueError(f"packetization mode {mode} is not supported")
        if mtu < 64:
            raise ValueError(f"mtu of {mtu} bytes is too small")
        self.mode = mode
        self.mtu = mtu

    def packetize(self, data: bytes) -> tuple[bytes, ...]:
        """The payloads of one access unit, in order; the last one takes the marker bit."""
        return tuple(self._aggregated(data) if self.mode == 1 else self._single(data))

    def _single(self, data: bytes) -> Iterator[bytes]:
        for unit in nal_units(data):
            if len(unit) > MAX_SINGLE_UNIT:
                yield from self._fragments(unit)
            else:
                yield unit

    def _aggregated(self, data: bytes) -> Iterator[bytes]:
        mtu = self.mtu
        pending: list[bytes] = []
        pending_size = 1
        for unit in nal_units(data):
            if pending and pending_size + 2 + len(unit) > mtu:
                yield self._aggregate(pending)
                pending, pending_size = [], 1
            if len(unit) > mtu:
                yield from self._fragments(unit)
            else:
                pending.append(unit)
                pending_size += 2 + len(unit)
        if pending:
            yield self._aggregate(pending)

    @staticmethod
    def _aggregate(units: list[bytes]) -> bytes:
        """One unit as it is, several as STAP-A (section 5.7.1) with the highest importance of its members."""
        if len(units) == 1:
            return units[0]
        header = max(unit[0] & 0x60 for unit in units) | NAL_STAP_A
        parts = [bytes((header,))]
        for unit in units:
            parts += (len(unit).to_bytes(2, "big"), unit)
        return b"".join(parts)

    def _fragments(self, unit: bytes) -> Iterator[bytes]:
        """FU-A fragments (section 5.8) of nearly equal size, so that none is left with a few bytes."""
        body = len(unit) - 1
        count = -(-body // (self.mtu - 2))
        size = -(-body // count)
        indicator = (unit[0] & 0xE0) | NAL_FU_A
        kind = unit[0] & 0x1F
        middle = bytes((indicator, kind))
        yield bytes((indicator, 0x80 | kind)) + unit[1 : 1 + size]
        position = 1 + size
        while position + size <= body:
            yield middle + unit[position : position + size]
            position += size
        yield bytes((indicator, 0x40 | kind)) + unit[position:]


class H264Depacketizer:
    """Collects the payloads of one access unit into an Annex B byte stream.

    Takes single units, STAP-A and FU-A whatever mode was agreed (baresip 1.0 sends FU-A in mode 0). Remembers
    parameter sets, those of ``sprop`` to begin with, and puts them in front of an IDR picture that came without.
    Of the unit in hand, ``damaged`` says that a fragment is missing, ``clean_start`` that it began as a picture begins,
    ``recovery_point`` that decoding can start there without an IDR picture (H.264 section D.2.8: gradual refresh).
    """

    __slots__ = (
        "_behind_delimiter",
        "_behind_sps",
        "_fragmenting",
        "_has_idr",
        "_has_slice",
        "_parts",
        "_pps",
        "_size",
        "_sps",
        "_unit_sets",
        "_units",
        "clean_start",
        "damaged",
        "recovery_point",
    )

    def __init__(self, sprop: tuple[bytes, ...] = ()) -> None:
        self._sps: dict[int, bytes] = {}
        self._pps: dict[int, bytes] = {}
        self._unit_sets: set[int] = set()
        self._parts: list[bytes] = []
        for unit in sprop:
            self._remember(unit)
        self.reset()

    def reset(self) -> None:
        """Forget the access unit in hand, not the parameter sets."""
        self._parts.clear()
        self._unit_sets.clear()
        self._size = 0
        self._units = 0
        self._fragmenting = False
        self._behind_delimiter = self._behind_sps = 0  # parts, up to the end of a first unit in one piece
        self._has_idr = False
        self._has_slice = False
        self.clean_start = False
        self.damaged = False
        self.recovery_point = False

    def push(self, payload: bytes) -> None:
        """Add the payload of the next packet. Raises PayloadError; the access unit is then ``damaged``."""
        if len(payload) < 2:
            self.damaged = True
            raise PayloadError("H.264 payload of less than two bytes")
        kind = payload[0] & 0x1F
        if kind == NAL_FU_A:
            header = payload[1]
            if not header & 0x80:
                # The hot path: nearly all packets of a large picture are fragments in the middle.
                if self._fragmenting:
                    self._parts.append(payload[2:])
                    self._size += len(payload)
                    if header & 0x40:
                        self._fragmenting = False
                    if self._size > MAX_ACCESS_UNIT:
                        self._too_large()
                else:
                    self.damaged = True
                return
            if self._fragmenting:
                self.damaged = True
            if len(payload) < 3:
                self.damaged = True
                raise PayloadError("H.264 FU-A without a fragment")
            self._fragmenting = not header & 0x40
            self._append(bytes(((payload[0] & 0xE0) | (header & 0x1F),)) + payload[2:])
            return
        if self._fragmenting:
            self._fragmenting = False
            self.damaged = True
        if 1 <= kind <= 23:
            self._append(payload)
        elif kind == NAL_STAP_A:
            self._push_aggregate(payload)
        else:
            self.damaged = True
            raise PayloadError(f"H.264 payload of unknown type {kind}")

    def _push_aggregate(self, payload: bytes) -> None:
        position = 1
        end = len(payload)
        while position + 2 <= end:
            size = (payload[position] << 8) | payload[position + 1]
            position += 2
            if position + size > end:
                self.damaged = True
                raise PayloadError("H.264 STAP-A unit runs past the end of the packet")
            if size:
                self._append(payload[position : position + size])
            position += size

    def _append(self, unit: bytes) -> None:
        """Take a whole unit, or the first fragment of one."""
        kind = unit[0] & 0x1F
        if kind <= NAL_IDR:
            # first_mb_in_slice is the first Exp-Golomb number of a slice: a leading one bit means macroblock 0.
            if not self._units:
                self.clean_start = len(unit) > 1 and unit[1] > 127
            self._has_slice = True
            if kind == NAL_IDR:
                self._has_idr = True
        else:
            if not self._units:
                self.clean_start = True
                if kind == NAL_AUD and not self._fragmenting:
                    self._behind_delimiter = 2
            if kind in (NAL_SPS, NAL_PPS) and not self._fragmenting:
                self._remember(unit)
                if kind == NAL_SPS and NAL_SPS not in self._unit_sets:
                    self._behind_sps = len(self._parts) + 2
                self._unit_sets.add(kind)
            elif kind == NAL_SEI and len(unit) > 1 and unit[1] == SEI_RECOVERY_POINT:
                self.recovery_point = True
        self._units += 1
        self._size += len(unit) + 4
        if self._size > MAX_ACCESS_UNIT or self._units > MAX_NAL_UNITS:
            self._too_large()
        self._parts.append(START_CODE)
        self._parts.append(unit)

    def _too_large(self) -> None:
        self.reset()
        self.damaged = True
        raise PayloadError("H.264 access unit is larger than any real one")

    def _remember(self, unit: bytes) -> None:
        """Keep a parameter set under its id; the oldest goes when a peer invents too many."""
        if len(unit) > MAX_PARAMETER_SET_SIZE:
            return
        if unit[0] & 0x1F == NAL_SPS:
            sets, lead = self._sps, unit[4:8]
        else:
            sets, lead = self._pps, unit[1:5]
        identifier = _first_exp_golomb(lead)
        sets[identifier] = unit
        if len(sets) > MAX_PARAMETER_SETS:
            del sets[next(iter(sets))]

    conceals = True

    def cut(self) -> None:
        """Packets are missing here: the rest of the unit that was being put together will not come."""
        self._fragmenting = False
        self.damaged = True

    @property
    def empty(self) -> bool:
        """Nothing is in hand."""
        return not self._units and not self.damaged

    @property
    def keyframe(self) -> bool:
        """The unit in hand holds a slice of an IDR picture."""
        return self._has_idr

    @property
    def whole(self) -> bool:
        """As far as can be told, nothing is missing from the unit in hand."""
        return not self.damaged and not self._fragmenting

    def take(self) -> tuple[bytes, bool] | None:
        """The access unit in hand and whether it holds an IDR picture.

        None, with everything kept for the next call, when there is no slice in it: some peers set the marker bit on
        parameter sets of their own. A unit that is not ``whole`` is the caller's to drop with ``reset``.
        """
        if not self._has_slice:
            return None
        parts = self._parts
        keyframe = self._has_idr
        if keyframe and len(self._unit_sets) < 2:
            parts = self._with_parameter_sets()
        unit = b"".join(parts)
        self.reset()
        return unit, keyframe

    def _with_parameter_sets(self) -> list[bytes]:
        """The parts with remembered sets in front, behind an access unit delimiter if there is one."""
        parts = self._parts
        sets: list[bytes] = []
        if NAL_SPS not in self._unit_sets:
            for unit in self._sps.values():
                sets += (START_CODE, unit)
        if NAL_PPS not in self._unit_sets:
            for unit in self._pps.values():
                sets += (START_CODE, unit)
        # A PPS refers to an SPS, so the SPS of memory go before everything and the PPS of memory behind the SPS given.
        at = self._behind_sps if NAL_SPS in self._unit_sets else self._behind_delimiter
        return parts[:at] + sets + parts[at:]


def _first_exp_golomb(data: bytes) -> int:
    """The first ue(v) of up to 32 bits (H.264 section 9.1); -1 when there is none, which serves as an id too."""
    bits = int.from_bytes(data, "big")
    width = 8 * len(data)
    zeros = width - bits.bit_length()
    if not bits or 2 * zeros + 1 > width:
        return -1
    return (bits >> (width - 2 * zeros - 1)) - 1
