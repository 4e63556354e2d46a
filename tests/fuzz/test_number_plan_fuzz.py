"""A short run of the fuzz target of the number plan."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import fuzz_number_plan

_PIECES = st.sampled_from(
    [*"aX0189+*.!?|()[]{}-^\\@:;,% ９急", "{1}", "{2,3}", "sip:", "[2-4]", "\\d", "@h", "(?:", "%E6"]
)
_LINE = st.lists(_PIECES, max_size=12).map("".join)


@settings(max_examples=200, deadline=None)
@given(_LINE, _LINE, _LINE)
def test_rules_and_addresses_of_such_pieces(match: str, value: str, dialled: str) -> None:
    fuzz_number_plan.fuzz_one(f"{match}\n{value}\n{dialled}".encode())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    fuzz_number_plan.fuzz_one(data)


def test_seeds() -> None:
    for seed in fuzz_number_plan.SEEDS:
        fuzz_number_plan.fuzz_one(seed)
