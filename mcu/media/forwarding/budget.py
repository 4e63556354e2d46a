"""How much of forwarded pictures one receiver can get, by what it reports. Pure: the time is passed in."""

from __future__ import annotations

from dataclasses import replace

from mcu.media.congestion.values import LossAndDelay
from mcu.media.receiver_network import ReceiverNetwork
from mcu.media.rtp.config import ReceiverFeedback

_RATE_GAIN = 0.5


class Budget:
    """``limit`` is the most that all slots together may take, bit/s; None while the network does not bind."""

    def __init__(self) -> None:
        self._network = ReceiverNetwork()
        self._other = 0.0
        self._counted: tuple[int, float] | None = None
        self._estimate: int | None = None
        self._rising = False

    @property
    def limit(self) -> float | None:
        rate = self._network.rate
        return None if rate is None else max(0.0, rate - self._other)

    def sent_beside(self, octets: int, now: float) -> None:
        """So many octets went out so far that are not of slots, which the receiver's estimate is about too."""
        if self._counted is not None:
            before, since = self._counted
            if now - since < 1.0:
                return
            self._other += ((octets - before) * 8 / (now - since) - self._other) * _RATE_GAIN
        self._counted = octets, now

    def estimated(self, network: LossAndDelay, sent: float, most: float, now: float) -> None:
        """Take an estimate of all that the receiver is sent; ``sent`` and ``most`` as below."""
        self._network.estimated(network, round(sent + self._other), round(most + self._other), now)

    def reported(self, feedback: ReceiverFeedback, sent: float, most: float, now: float) -> None:
        """Take a receiver's word; the slots are sent ``sent`` bit/s, and would be sent ``most`` without limit.

        An estimate grows some per cent a second, and only while more comes: after a change to a larger layer it is far
        below what gets through. One that rises is therefore no limit; where there is one it falls.
        """
        estimate = feedback.estimated_bitrate
        if estimate is not None and self._estimate is not None and estimate != self._estimate:
            self._rising = estimate > self._estimate
        self._estimate = estimate
        if self._rising:
            feedback = replace(feedback, estimated_bitrate=None)
        self._network.reported(feedback, round(sent + self._other), round(most + self._other), now)
