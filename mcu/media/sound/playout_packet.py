"""What waits in a playout buffer: received frames, placed in time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from mcu.media.codec.audio_decoder import SoundDecodeError, SoundDecoder, make_decoder
from mcu.media.sound.samples import RATE
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedSound

QUIET_LEVEL = 65
"""dB below full scale, as senders say (RFC 6464): with room for rounding below what opens a gate."""


@dataclass(frozen=True, slots=True)
class PlayoutStatistics:
    """Counters since the buffer began. ``concealed`` and ``delay`` are in seconds; ``drift`` is how much faster the
    sender's clock runs than ours, in parts of one; ``stretched`` counts pitch periods left out or repeated.

    ``origin`` is the instant on our clock at which the sender's timestamp 0 would have been mixed, at the pace of now:
    timestamp t is mixed t seconds after it (lip sync). None while nothing is played.
    """

    delay: float
    concealed: float
    late: int
    malformed: int
    restarts: int
    drift: float = 0.0
    stretched: int = 0
    origin: float | None = None


class Packet(NamedTuple):
    """A frame: ``position`` and ``duration`` in samples at 48 kHz, ``arrival`` on our clock.

    A tuple, since it is made in a third of the time, for each packet of hundreds of legs.
    """

    position: int
    duration: int
    sequence: int
    arrival: float
    data: bytes
    decoder: SoundDecoder
    level: int | None = None

    @property
    def end(self) -> int:
        return self.position + self.duration

    @property
    def quiet(self) -> bool:
        """Whether nothing in it can be heard, as far as that is known without decoding."""
        return self.decoder.quiet(self.data)

    @property
    def said_quiet(self) -> bool:
        """Whether its sender says that nothing in it can be heard."""
        return self.level is not None and self.level >= QUIET_LEVEL


class ReceivedCodecs:
    """The decoders of a leg by payload type."""

    def __init__(self, codecs: Iterable[CodecSpec]) -> None:
        """Raises ValueError when one is not a sound codec."""
        self._codecs = {codec.payload_type: (codec.clock_rate, make_decoder(codec)) for codec in codecs}

    def packet(self, unit: CodedSound) -> Packet | None:
        """Place a received frame; None for one that is of no use."""
        known = self._codecs.get(unit.payload_type)
        if known is None or unit.timestamp is None or unit.sequence is None:
            return None
        clock_rate, decoder = known
        try:
            duration = decoder.duration(unit.data)
        except SoundDecodeError:
            return None
        position = unit.timestamp * RATE // clock_rate
        return Packet(position, duration, unit.sequence, unit.time, unit.data, decoder, unit.level)
