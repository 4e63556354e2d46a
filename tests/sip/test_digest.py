"""Digest credentials: the RFCs' examples, and a caller that is challenged."""

from __future__ import annotations

import pytest

from sip.digest import Challenge, Credentials, authorization, choose_challenge, parse_challenge
from sip.errors import SipParseError
from sip.events import CallAnswered, CallEnded, CallRefused
from sip.flow import Flow
from sip.message import Request, parse
from sip.serving import Admit, Refuse, Verdict
from tests.sip.network import SDP
from tests.sip.test_calls import Pair

MUFASA = Credentials("Mufasa", "Circle of Life")


def response_of(value: str) -> str:
    return value.partition('response="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616(algorithm: str, expected: str) -> None:
    challenge = parse_challenge(
        'Digest realm="http-auth@example.org", qop="auth, auth-int", '
        f'algorithm={algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    value = authorization(
        challenge,
        Credentials("Mufasa", "Circle of Life"),
        "GET",
        "/dir/index.html",
        b"",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert response_of(value) == expected
    assert f"algorithm={algorithm}, qop=auth, nc=00000001" in value


def test_the_example_of_rfc_2617_and_its_forerunner() -> None:
    challenge = Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc")
    credentials = Credentials("Mufasa", "Circle Of Life")
    value = authorization(challenge, credentials, "GET", "/dir/index.html", b"", "0a4f113b")
    assert response_of(value) == "6629fae49393a05397450978507c4ef1"
    old = parse_challenge('Digest realm="testrealm@host.com",nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"')
    value = authorization(old, credentials, "GET", "/dir/index.html", b"", "0a4f113b")
    assert response_of(value) == "670fd8c2df070c60b045671b8b24ff02"
    assert "cnonce" not in value and "qop" not in value and "algorithm" not in value


def test_session_algorithms_and_body_protection() -> None:
    challenge = parse_challenge('digest nonce="n",realm="r",algorithm="MD5-sess",qop=auth-int,stale=TRUE')
    assert (challenge.is_session, challenge.qop, challenge.is_stale) == (True, "auth-int", True)
    one = authorization(challenge, MUFASA, "INVITE", "sip:a", b"body", "c")
    other = authorization(challenge, MUFASA, "INVITE", "sip:a", b"other", "c")
    assert "algorithm=MD5-sess" in one
    assert response_of(one) != response_of(other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Digest",
        'Basic realm="r"',
        'Digest realm="r"',
        'Digest realm="r", nonce="n',
        'Digest realm="r", nonce="n", algorithm=SHA3',
        'Digest realm="r", nonce="n", qop="future"',
    ],
)
def test_challenges_that_cannot_be_answered(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_challenge(text)
    assert choose_challenge([text]) is None


def test_the_topmost_challenge_that_we_know_is_answered() -> None:
    offered = ['Digest realm="r", nonce="1", algorithm=SHA-512-256', 'Digest realm="r", nonce="2", algorithm=SHA-256']
    chosen = choose_challenge([*offered, 'Digest realm="r", nonce="3"'])
    assert chosen is not None
    assert chosen.nonce == "2"


def test_a_password_stands_in_no_log() -> None:
    assert "Circle" not in repr(MUFASA)


class Challenging(Pair):
    """A server that wants to know who calls. ``nonces`` are used one after the other; the last one is good."""

    def __init__(self, *nonces: str, status: int = 407) -> None:
        super().__init__()
        self.nonces = list(nonces)
        self.seen: list[Request] = []
        self.status = status
        self.server.agent.screen_requests(self.screen)
        self.room.agent.use_credentials(lambda realm: MUFASA if realm == "clinic" else None)

    def screen(self, request: Request, flow: Flow) -> Verdict:
        self.seen.append(request)
        name = "Proxy-Authorization" if self.status == 407 else "Authorization"
        given = request.headers.get(name) or ""
        nonce = self.nonces[0] if len(self.nonces) == 1 or not given else self.nonces.pop(1)
        if f'nonce="{self.nonces[-1]}"' in given:
            challenge = Challenge("clinic", self.nonces[-1])
            cnonce = given.partition('cnonce="')[2].partition('"')[0]
            expected = authorization(challenge, MUFASA, request.method, str(request.uri), request.body, cnonce)
            if response_of(expected) == response_of(given):
                return Admit("Mufasa")
        stale = ", stale=true" if given and len(self.nonces) > 1 else ""
        asked = "Proxy-Authenticate" if self.status == 407 else "WWW-Authenticate"
        return Refuse(self.status, headers=((asked, f'Digest realm="clinic", nonce="{nonce}", qop="auth"{stale}'),))


@pytest.mark.parametrize("status", [401, 407])
def test_a_challenged_call_is_repeated_with_credentials_and_answered(status: int) -> None:
    pair = Challenging("n1", status=status)
    call, incoming = pair.connect()
    assert [request.cseq.number for request in pair.seen] == [1, 2]
    assert len({request.via.branch for request in pair.seen}) == 2
    assert pair.seen[0].from_address.tag == pair.seen[1].from_address.tag
    acks = [parse(data) for _, _, data in pair.network.sent if data.startswith(b"ACK")]
    assert [ack.cseq.number for ack in acks] == [1, 2]
    name = "Authorization" if status == 401 else "Proxy-Authorization"
    assert acks[1].headers.get(name) == pair.seen[1].headers.get(name)
    pair.room.agent.hang_up(call)
    pair.network.run(1)
    assert pair.server.of_type(CallEnded) == [CallEnded(incoming, "the other side hung up")]
    assert pair.everything_is_forgotten()


def test_a_wrong_password_is_tried_once() -> None:
    pair = Challenging("n1")
    pair.room.agent.use_credentials(lambda realm: Credentials("Mufasa", "wrong"))
    call = pair.call()
    pair.network.run(2)
    assert len(pair.seen) == 2
    assert pair.room.of_type(CallRefused) == [CallRefused(call, 407, "Proxy Authentication Required")]


def test_without_an_account_in_the_realm_the_call_is_refused() -> None:
    pair = Challenging("n1")
    pair.room.agent.use_credentials(lambda realm: None)
    call = pair.call()
    pair.network.run(2)
    assert len(pair.seen) == 1
    assert pair.room.of_type(CallRefused) == [CallRefused(call, 407, "Proxy Authentication Required")]


def test_a_stale_nonce_is_replaced_by_the_new_one() -> None:
    pair = Challenging("old", "new")

    def screen(request: Request, flow: Flow) -> Verdict:
        given = request.headers.get("Proxy-Authorization") or ""
        pair.seen.append(request)
        if 'nonce="new"' in given:
            return Admit()
        nonce, stale = ("new", ", stale=true") if given else ("old", "")
        return Refuse(407, headers=(("Proxy-Authenticate", f'Digest realm="clinic", nonce="{nonce}"{stale}'),))

    pair.server.agent.screen_requests(screen)
    pair.connect()
    assert len(pair.seen) == 3
    assert pair.seen[2].headers.get_all("Proxy-Authorization")[0].count("nonce=") == 1


def test_a_server_that_calls_every_nonce_stale_is_given_up() -> None:
    pair = Challenging("n")
    challenge = ("Proxy-Authenticate", 'Digest realm="clinic", nonce="n", stale=true')
    pair.server.agent.screen_requests(lambda request, flow: Refuse(407, headers=(challenge,)))
    pair.call()
    pair.network.run(5)
    assert pair.room.of_type(CallRefused)


def test_a_call_that_was_cancelled_is_not_repeated_for_a_challenge() -> None:
    pair = Challenging("n1")
    call = pair.call()
    pair.room.agent.cancel(call)
    pair.network.run(2)
    assert len(pair.seen) == 1
    assert pair.room.of_type(CallRefused)
    assert not pair.room.of_type(CallAnswered)
    assert SDP in pair.seen[0].body.decode()
