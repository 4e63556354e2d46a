"""Digest authentication: the RFC's examples, headers as devices write them, and what is refused."""

from __future__ import annotations

import pytest

from gatekeeper.digest import Algorithm, challenge, expected_response, is_right, parse_authorization, user_hash
from sip.errors import SipParseError

# RFC 7616 section 3.9.1
REALM, USER, PASSWORD = "http-auth@example.org", "Mufasa", "Circle of Life"
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
MUFASA = (
    'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm={algorithm}, '
    f'nonce="{NONCE}", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, '
    'response="{response}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
EXAMPLES = {
    Algorithm.MD5: "8ca523f5e9506fed4657c9700eebdbec",
    Algorithm.SHA_256: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
}


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_examples_of_rfc_7616_are_right(algorithm: Algorithm) -> None:
    text = MUFASA.format(algorithm=algorithm.value, response=EXAMPLES[algorithm])
    credentials = parse_authorization(text)
    ha1 = user_hash(algorithm, USER, REALM, PASSWORD)
    assert credentials.algorithm is algorithm
    assert credentials.count == 1
    assert is_right(credentials, algorithm, ha1, "GET")
    assert not is_right(credentials, algorithm, ha1, "REGISTER")
    assert not is_right(credentials, algorithm, user_hash(algorithm, USER, REALM, "circle of life"), "GET")


def test_a_client_without_qop_is_understood() -> None:
    # RFC 2069 as corrected, and what many old devices send
    credentials = parse_authorization(
        'digest username="a",realm="r",nonce="n",uri="sip:h",response="' + "0" * 32 + '",opaque="",algorithm="md5"'
    )
    assert (credentials.count, credentials.client_nonce, credentials.algorithm) == (None, None, Algorithm.MD5)
    ha1 = user_hash(Algorithm.MD5, "a", "r", "p")
    assert len(expected_response(credentials, Algorithm.MD5, ha1, "REGISTER")) == 32


def test_commas_and_quotes_inside_of_quotes_stay() -> None:
    text = r'Digest username="a\"b, c", realm="x,y", nonce="n", uri="sip:h;a=\"b\"", response="' + "0" * 32 + '"'
    credentials = parse_authorization(text)
    assert (credentials.user, credentials.realm) == ('a"b, c', "x,y")


def test_chinese_names_come_in_both_forms() -> None:
    rest = 'realm="r", nonce="n", uri="sip:h", response="' + "0" * 32 + '"'
    assert parse_authorization(f'Digest username="手术室", {rest}').user == "手术室"
    escaped = "UTF-8''%E6%89%8B%E6%9C%AF%E5%AE%A4"
    assert parse_authorization(f"Digest username*={escaped}, {rest}").user == "手术室"


def test_an_algorithm_that_nobody_offered_is_told_apart() -> None:
    text = MUFASA.format(algorithm="SHA-512-256", response=EXAMPLES[Algorithm.SHA_256])
    assert parse_authorization(text).algorithm is None


GOOD = 'Digest username="a", realm="r", nonce="n", uri="u", response="' + "0" * 32 + '"'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Digest",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        GOOD.replace('username="a", ', ""),
        GOOD.replace('username="a"', 'username=""'),
        GOOD.replace('username="a"', f'username="{"a" * 300}"'),
        GOOD.replace('nonce="n", ', ""),
        GOOD.replace("0" * 32, "g" * 32),
        GOOD.replace("0" * 32, "0" * 31),
        GOOD + ', realm="again"',
        GOOD + ", qop=auth",
        GOOD + ', qop=auth, nc=1, cnonce="c"',
        GOOD + ", qop=auth, nc=00000001",
        GOOD + ', qop=auth-int, nc=00000001, cnonce="c"',
        GOOD + ', opaque="never closed',
        GOOD + "".join(f", x{number}=1" for number in range(30)),
        GOOD + ', opaque="' + "x" * 5000 + '"',
    ],
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_authorization(text)


def test_the_strongest_algorithm_is_offered_first() -> None:
    first, second = challenge("r", "n", (Algorithm.SHA_256, Algorithm.MD5), stale=False)
    assert first == 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"'
    assert "algorithm=MD5" in second
    assert "stale=TRUE" in challenge("r", "n", (Algorithm.MD5,), stale=True)[0]


def test_secrets_do_not_show() -> None:
    credentials = parse_authorization(GOOD)
    assert "0" * 32 not in repr(credentials)
