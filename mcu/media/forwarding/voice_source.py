"""The sound that one browser sends, on the packet layer: it goes to others as it is, and comes up here as well."""

from __future__ import annotations

import logging

from mcu.media.forwarding.sound_rules import opus_of
from mcu.media.packets import MediaPort
from mcu.media.spec import LegSpec

logger = logging.getLogger(__name__)


class LegVoice:
    """``ssrc`` is None while nobody is to get it, or nothing comes; ``epoch`` tells one opening from the next."""

    def __init__(self, port: MediaPort, peer: int, leg_id: str) -> None:
        self.peer = peer
        self.leg_id = leg_id
        self.ssrc: int | None = None
        self.epoch = 0
        self._port = port

    def follow(self, spec: LegSpec, ssrc: int | None) -> bool:
        """The sound comes under this SSRC; None: it is not wanted. True when that is another than before."""
        if ssrc == self.ssrc:
            return False
        self.close()
        opus = None if spec.audio is None else opus_of(spec.audio)
        if ssrc is None or spec.audio is None or opus is None:
            return True
        try:
            self._port.open_source(self.peer, ssrc, "opus", opus.clock_rate, deliver=True)
        except ValueError as error:
            logger.warning("leg %s: its sound cannot be forwarded: %s", spec.id, error)
            return False
        self._port.is_sound(self.peer, ssrc, opus.payload_type, spec.audio.redundancy or 0)
        self.ssrc = ssrc
        self.epoch += 1
        return True

    def timestamp(self) -> int | None:
        """RTP timestamp of the last packet."""
        return None if self.ssrc is None else self._port.source_statistics(self.peer, self.ssrc)[6]

    def close(self) -> None:
        """It goes to nobody any more."""
        if self.ssrc is not None:
            self._port.close_source(self.peer, self.ssrc)
            self.ssrc = None
