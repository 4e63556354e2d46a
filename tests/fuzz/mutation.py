"""Makes inputs for fuzz targets: seeds with damage, seeds put together, and noise now and then."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

# No parser here takes more than a datagram, but for streams, where more of the same finds nothing new.
MAX_INPUT = 65_535

# One input in so many is pure noise: it finds what all seeds have in common to hide behind.
_NOISE_EVERY = 10
_NOISE_SIZE = 300
_MAX_STEPS = 8
_MAX_CUT = 64

_NUMBERS = (0, 1, 2, 3, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64)
_TEXT_NUMBERS = (*(str(number).encode() for number in _NUMBERS), b"-1", b"1e999", b"0x10", b"00", b"9" * 400)
_DIGITS = re.compile(rb"[0-9]+")
_WORDS = re.compile(rb"[A-Za-z0-9_.+-]{2,40}|[^A-Za-z0-9_.+\s-]")


class Mutator:
    """The same seeds and the same ``rng`` give the same inputs in the same order."""

    def __init__(self, seeds: Sequence[bytes], rng: random.Random) -> None:
        self._seeds = list(seeds) or [b""]
        self._rng = rng
        self._words = sorted({word for seed in self._seeds for word in _WORDS.findall(seed)}) or [b"\0"]
        self._steps = (
            self._flip, self._overwrite, self._write_number, self._insert_noise, self._insert_word, self._cut,
            self._repeat, self._splice, self._change_text_number, self._truncate,
        )  # fmt: skip

    def keep(self, data: bytes) -> None:
        """An input that led somewhere new: one more seed."""
        self._seeds.append(data)

    def next(self) -> bytes:
        """An input that was not made before, most likely."""
        rng = self._rng
        if rng.randrange(_NOISE_EVERY) == 0:
            return rng.randbytes(rng.randrange(_NOISE_SIZE))
        data = bytearray(rng.choice(self._seeds))
        for _ in range(rng.randint(1, _MAX_STEPS)):
            rng.choice(self._steps)(data)
        return bytes(data[:MAX_INPUT])

    def _place(self, data: bytearray) -> int:
        return self._rng.randrange(len(data) + 1)

    def _piece(self, data: bytes) -> bytes:
        start = self._rng.randrange(len(data) + 1)
        return data[start : start + self._rng.randint(1, _MAX_CUT)]

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self._rng.randrange(len(data))] ^= 1 << self._rng.randrange(8)

    def _overwrite(self, data: bytearray) -> None:
        if data:
            data[self._rng.randrange(len(data))] = self._rng.choice((0, 1, 0x7F, 0x80, 0xFF, self._rng.randrange(256)))

    def _write_number(self, data: bytearray) -> None:
        size = self._rng.choice((1, 2, 4, 8))
        number = self._rng.choice(_NUMBERS) % (1 << (8 * size))
        place = self._place(data)
        data[place : place + size] = number.to_bytes(size, self._rng.choice(("big", "little")))

    def _insert_noise(self, data: bytearray) -> None:
        place = self._place(data)
        data[place:place] = self._rng.randbytes(self._rng.randint(1, 16))

    def _insert_word(self, data: bytearray) -> None:
        place = self._place(data)
        data[place:place] = self._rng.choice(self._words)

    def _cut(self, data: bytearray) -> None:
        place = self._place(data)
        del data[place : place + self._rng.randint(1, _MAX_CUT)]

    def _repeat(self, data: bytearray) -> None:
        place = self._place(data)
        data[place:place] = self._piece(bytes(data)) * self._rng.choice((1, 1, 1, 2, 30))

    def _splice(self, data: bytearray) -> None:
        place = self._place(data)
        data[place : place + self._rng.choice((0, _MAX_CUT))] = self._piece(self._rng.choice(self._seeds))

    def _change_text_number(self, data: bytearray) -> None:
        found = list(_DIGITS.finditer(data))
        if found:
            match = self._rng.choice(found)
            data[match.start() : match.end()] = self._rng.choice(_TEXT_NUMBERS)

    def _truncate(self, data: bytearray) -> None:
        del data[self._place(data) :]
