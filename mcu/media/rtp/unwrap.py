"""Sequence numbers and timestamps that do not wrap."""

from __future__ import annotations


class Unwrapper:
    """Extends counters of ``bits`` bits to unbounded integers by taking the nearest value to the previous one.

    The first value is taken as it is; later ones may go below zero when the peer starts just after a wrap and its
    packets come in the wrong order. That is harmless: only differences have a meaning.
    """

    __slots__ = ("_half", "_last", "_mask")

    def __init__(self, bits: int) -> None:
        self._mask = (1 << bits) - 1
        self._half = 1 << (bits - 1)
        self._last: int | None = None

    def unwrap(self, value: int) -> int:
        """The unbounded integer nearest to the last one returned whose low bits are ``value``."""
        last = self._last
        if last is None:
            self._last = value
            return value
        delta = (value - last) & self._mask
        if delta >= self._half:
            delta -= self._mask + 1
        self._last = last = last + delta
        return last
