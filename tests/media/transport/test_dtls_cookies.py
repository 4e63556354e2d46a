"""Cookies for those who begin a handshake: told to an address, and believed from there alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.transport.dtls_cookies import DtlsCookies, is_client_hello
from tests.media.transport.hellos import HELLO, client_hello, cookie_of

SOURCE, OTHER = ("192.0.2.1", 5000), ("192.0.2.1", 5001)
cookies = DtlsCookies(b"secret")


def asked(hello: bytes = HELLO) -> bytes:
    question = cookies.question(hello, SOURCE)
    assert question is not None
    return question


def test_the_question_is_as_the_rfc_says() -> None:
    question = asked()
    assert question[:3] == b"\x16\xfe\xff" and question[3:11] == HELLO[3:11]
    assert int.from_bytes(question[11:13], "big") == len(question) - 13
    assert question[13] == 3 and int.from_bytes(question[14:17], "big") == len(question) - 25
    assert question[17:19] == b"\0\0" and question[22:25] == question[14:17]
    assert question[25:28] == b"\xfe\xff\x14" and len(cookie_of(question)) == 20
    assert len(question) < len(HELLO)


def test_an_answer_counts_from_the_address_that_was_asked_and_for_the_handshake_that_was() -> None:
    cookie = cookie_of(asked())
    assert cookies.answer(client_hello(cookie), SOURCE) == cookie
    assert cookies.answer(client_hello(cookie), OTHER) is None
    assert cookies.answer(client_hello(cookie, random=bytes(32)), SOURCE) is None
    assert cookies.answer(client_hello(cookie[:-1] + b"?"), SOURCE) is None
    assert cookies.answer(client_hello(cookie[:-1]), SOURCE) is None
    assert cookies.answer(HELLO, SOURCE) is None
    assert DtlsCookies(b"another").answer(client_hello(cookie), SOURCE) is None
    assert cookies.answer(client_hello(cookie, session=bytes(32)), SOURCE) == cookie


@pytest.mark.parametrize(
    "data",
    [b"", HELLO[:13], HELLO[:59], b"\x14" + HELLO[1:], HELLO[:13] + b"\x02" + HELLO[14:], client_hello(offset=70)],
)
def test_what_is_no_beginning_is_not_answered(data: bytes) -> None:
    assert cookies.question(data, SOURCE) is None and cookies.answer(data, SOURCE) is None


@given(st.one_of(st.binary(max_size=120), st.binary(max_size=60).map(lambda end: HELLO[:59] + end)))
def test_anything_may_come(data: bytes) -> None:
    question = cookies.question(data, SOURCE)
    if question is not None:
        assert is_client_hello(data) and len(question) <= len(data) + 20
    assert cookies.answer(data, SOURCE) is None
