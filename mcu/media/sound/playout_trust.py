"""Whether a sender's word about how loud it is (RFC 6464) is taken. It is made sure of now and then."""

from __future__ import annotations

from mcu.media.sound.playout_packet import Packet
from mcu.media.sound.samples import TICK_SAMPLES, Sound, level_dbfs

MADE_SURE_OF = 50
"""One frame in so many is decoded although its sender says that it cannot be heard: a second of frames. A sender whose
word is wrong is not believed any more, or a faulty one would never be heard."""

AUDIBLE_DBFS = -60.0
"""What is louder is not what a sender may call silent (QUIET_LEVEL), whatever way it measures."""

CONTRADICTED = 3 * TICK_SAMPLES
"""Samples in a row that are audible against their sender's word, until it is not believed any more. The first frame
after speech proves nothing: a codec's look-ahead lets the end of what was said sound on in it."""


class SenderTrust:
    """Of one leg."""

    def __init__(self) -> None:
        self._believed = 0
        self._contradicted = 0

    def quiet(self, packet: Packet) -> bool:
        """Whether nothing in it can be heard: by what the frame is, or by its sender's word."""
        if packet.quiet:
            return True
        return packet.said_quiet and not self._contradicted and (self._believed + 1) % MADE_SURE_OF != 0

    def took(self, packet: Packet) -> None:
        """A frame that might have been taken at its sender's word has been, or has been made sure of."""
        if packet.said_quiet and not self._contradicted and not packet.quiet:
            self._believed += 1

    def heard(self, packet: Packet, sound: Sound) -> None:
        """What a frame that was decoded after all turned out to be."""
        if self._contradicted < CONTRADICTED:
            untrue = packet.said_quiet and level_dbfs(sound) > AUDIBLE_DBFS
            self._contradicted = self._contradicted + packet.duration if untrue else 0
