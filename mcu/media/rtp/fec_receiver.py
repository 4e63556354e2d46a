"""What is lost of a picture that we receive, out of repair packets (forward error correction). Pure."""

from __future__ import annotations

from mcu.media.packets import FecReceiver
from mcu.media.spec import RepairSpec

MEND_WAIT = 0.15
"""Seconds that a gap waits for repair packets of the pictures after it: a sender reaches some pictures back."""

REQUEST_WAIT = 0.03
"""Seconds before what is missing is asked for where repair packets come: mostly those of the same picture mend it."""

SILENCE = 3.0
"""Seconds without a repair packet after which none is waited for. A sender without losses to mend sends none."""


class RepairReader:
    """``recovered`` counts packets that were mended, ``repairs`` repair packets. Time in seconds."""

    def __init__(self, spec: RepairSpec, mutable: tuple[int, ...] = ()) -> None:
        """``mutable`` are the header extensions that change on the way."""
        self.spec = spec
        self._mutable = mutable
        self._fec: FecReceiver | None = None  # made when it is of use: it keeps many packets
        self._last = float("-inf")
        self.repairs = 0
        self.recovered = 0

    @property
    def is_idle(self) -> bool:
        """Whether packets of the stream tell nothing here, since no repair packet has come."""
        return self._fec is None

    def received(self, packet: bytes) -> list[bytes]:
        """Take a packet of the stream; give those that are known now."""
        return [] if self._fec is None else self._fec.received(packet)

    def repair(self, payload: bytes, now: float) -> list[bytes]:
        """Take the payload of a repair packet; give the same."""
        self._last = now
        self.repairs += 1
        if self._fec is None:
            self._fec = FecReceiver(self.spec.form, self._mutable)
        return self._fec.repair(payload)

    def waits(self, now: float) -> tuple[float, float]:
        """Seconds before what is missing is asked for, and that it is waited for at least, for repair packets' sake."""
        if now - self._last < SILENCE:
            return REQUEST_WAIT, MEND_WAIT
        self._fec = None
        return 0.0, 0.0

    def begin_anew(self) -> None:
        """Another source: nothing of the old one is of use."""
        self._fec = None
        self._last = float("-inf")
