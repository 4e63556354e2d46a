"""A short run of the registrar's fuzz target."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.fuzz_registrar import SEEDS, fuzz_one
from tests.fuzz.mutation import Mutator


@given(st.permutations(SEEDS), st.integers(0, 2**32))
def test_mangled_headers(lines: list[bytes], seed: int) -> None:
    mutator = Mutator([*lines, b"\0".join(lines)], random.Random(seed))
    for _ in range(10):
        fuzz_one(mutator.next())


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    fuzz_one(data)


@given(st.text(max_size=100))
def test_any_text(text: str) -> None:
    fuzz_one(text.encode())
    fuzz_one(f'<sip:{text}@h>;+sip.instance="<{text}>";reg-id=1\0Digest username="{text}"'.encode())
