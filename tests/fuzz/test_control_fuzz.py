"""Short runs of the fuzz targets of dialling and of the HTTP API."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import fuzz_account_file, fuzz_bodies, fuzz_dialing, fuzz_png

_FIELDS = st.sampled_from(
    [
        "number",
        "title",
        "pin",
        "layout",
        "locked",
        "active",
        "name",
        "password",
        "old_password",
        "microphone_muted",
        "token",
    ]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text("0123456789", max_size=14),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_as_a_body(data: bytes) -> None:
    fuzz_bodies.fuzz_one(data)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(_FIELDS, _VALUES, max_size=4))
def test_any_values_in_a_body(body: dict[str, object]) -> None:
    fuzz_bodies.fuzz_one(json.dumps(body).encode())


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=100))
def test_any_bytes_as_an_address(data: bytes) -> None:
    fuzz_dialing.fuzz_one(data)


@settings(max_examples=500, deadline=None)
@given(st.text("0123456789*#+-.;:@/%2aAsip", max_size=60))
def test_anything_dialled(text: str) -> None:
    fuzz_dialing.fuzz_one(text.encode())
    fuzz_dialing.fuzz_one(f"sip:{text}".encode())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_as_a_list_of_accounts(data: bytes) -> None:
    fuzz_account_file.fuzz_one(b"name,password,title\n" + data)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(fuzz_png.SEEDS), st.integers(0, 12), st.integers(0, 255), st.binary(max_size=40))
def test_any_bytes_as_a_logo(seed: bytes, place: int, value: int, more: bytes) -> None:
    fuzz_png.fuzz_one(seed)
    fuzz_png.fuzz_one(more)
    fuzz_png.fuzz_one(seed[:place] + bytes([value]) + seed[place + 1 :])
    fuzz_png.fuzz_one(seed + more)
