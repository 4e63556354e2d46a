"""The registrar behind the SIP user agent: real messages in, real messages out, no sockets."""

from __future__ import annotations

import random
import re
import tracemalloc
from dataclasses import dataclass

import pytest

from gatekeeper.authentication import Authenticator
from gatekeeper.gruu import TemporaryGruus
from gatekeeper.networks import CallerPolicy, CallerRules, parse_networks
from gatekeeper.nonces import Nonces
from gatekeeper.protection import Protection
from gatekeeper.registrar import Registrar, RegistrarSettings
from gatekeeper.users import UserTable, make_user
from gatekeeper.zones import Zone, ZoneMap
from mcu.gateway.sip_registrar import SipRegistrar
from sip.agent import UserAgent
from sip.events import IncomingCall
from sip.flow import Flow
from tests.fakes.digest_client import DigestClient

LOCAL = ("192.0.2.1", 5060)
START = 1_800_000_000.0
CALLERS = CallerRules(
    {
        CallerPolicy.CHALLENGE: parse_networks(["198.51.100.0/24"]),
        CallerPolicy.REFUSE: parse_networks(["203.0.113.0/24"]),
    }
)


@dataclass
class Answer:
    status: int
    text: str

    @property
    def challenges(self) -> list[str]:
        return re.findall(r"WWW-Authenticate: (.*?)\r\n", self.text)


class Server:
    """A user agent with a registrar; time is turned by hand."""

    def __init__(self, accounts: int = 3) -> None:
        self.now = START
        self.users = UserTable()
        self.users.replace("local", [make_user(f"r{n}", "consilium", f"Secret-{n}") for n in range(accounts)])
        self.registrar = Registrar(RegistrarSettings(), TemporaryGruus(b"key", random.Random(2).randbytes))
        self.protection = Protection()
        nonces = Nonces(b"key", random.Random(1).randbytes, START)
        authenticator = Authenticator("consilium", self.users, nonces, self.protection, b"key")
        self.sip = SipRegistrar(self.registrar, authenticator, self.protection, CALLERS, lambda: self.now)
        self.agent = UserAgent(rng=random.Random(3))
        self.sip.attach(self.agent)
        self.locked_out: set[tuple[str, str]] = set()
        self.sip.on_locked_out = lambda source, why: self.locked_out.add((source, why.partition(":")[0]))
        self._branch = 0

    def send(
        self, method: str, source: Flow, user: str, *headers: str, call_id: str = "call", cseq: int = 1
    ) -> Answer | None:
        self._branch += 1
        lines = [
            f"{method} sip:{'1000@' if method == 'INVITE' else ''}192.0.2.1 SIP/2.0",
            f"Via: SIP/2.0/UDP {source.remote[0]}:{source.remote[1]};branch=z9hG4bK{self._branch};rport",
            f"From: <sip:{user}@192.0.2.1>;tag=f", f"To: <sip:{user}@192.0.2.1>", f"Call-ID: {call_id}",
            f"CSeq: {cseq} {method}", "Max-Forwards: 70", "User-Agent: Room 1.0",
            f"Contact: <sip:{user}@{source.remote[0]}:{source.remote[1]}>", *headers,
        ]  # fmt: skip
        receive = self.agent.receive_datagram if source.connection is None else self.agent.receive_stream
        receive("\r\n".join([*lines, "Content-Length: 0", "", ""]).encode(), source, self.now)
        out = self.agent.datagrams_to_send(self.now)
        if not out:
            return None
        text = out[-1][1].decode()
        return Answer(int(text.split()[1]), text)

    def register(self, number: int, source: Flow, cseq: int = 1, algorithm: str = "MD5") -> Answer:
        first = self.send("REGISTER", source, f"r{number}", call_id=f"c{number}", cseq=cseq)
        assert first is not None and first.status == 401
        device = DigestClient(f"r{number}", f"Secret-{number}", algorithm)
        authorization = f"Authorization: {device.answer(first.challenges, 'REGISTER')}"
        second = self.send("REGISTER", source, f"r{number}", authorization, call_id=f"c{number}", cseq=cseq + 1)
        assert second is not None
        return second


def flow(host: str, port: int = 5060) -> Flow:
    return Flow("udp", (host, port), LOCAL)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_device_registers_and_is_found(algorithm: str) -> None:
    server = Server()
    assert server.register(1, flow("10.0.0.1"), algorithm=algorithm).status == 200
    (reach,) = server.registrar.locate("r1", server.now)
    assert (reach.contact, reach.flow) == ("sip:r1@10.0.0.1:5060", flow("10.0.0.1"))


def test_challenges_are_answered_without_remembering_them() -> None:
    server = Server()
    answer = server.send("REGISTER", flow("10.0.0.1"), "r1")
    assert answer is not None and [("SHA-256" in one, "MD5" in one) for one in answer.challenges] == [
        (True, False),
        (False, True),
    ]
    assert server.agent.next_deadline() is None


def test_the_extensions_are_told_in_options() -> None:
    answer = Server().send("OPTIONS", flow("10.0.0.1"), "r1")
    assert answer is not None
    assert re.search(r"Allow: .*REGISTER", answer.text)
    for tag in ("path", "outbound", "gruu"):
        assert re.search(rf"Supported: .*\b{tag}\b", answer.text)


def test_1000_devices_behind_one_address_register_and_refresh() -> None:
    server = Server(accounts=1000)
    for cseq in (1, 11):
        for number in range(1000):
            assert server.register(number, flow("10.0.0.1", 10_000 + number), cseq).status == 200
        server.now += 1800
    assert server.registrar.endpoints == 1000
    assert server.protection.dropped == 0
    server.now += 3600
    server.registrar.expire(server.now)
    assert server.registrar.endpoints == 0


def test_a_flood_is_dropped_and_costs_no_memory_while_good_callers_are_served() -> None:
    server = Server()
    server.register(1, flow("10.0.0.9", 7))
    for number in range(2000):
        server.send("REGISTER", flow("10.0.0.9", 2000), f"x{number}", call_id=f"x{number}")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(20_000):
        server.send("REGISTER", flow("10.0.0.9", 1000 + number % 50_000), f"y{number}", call_id=f"y{number}")
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 1_000_000
    assert server.protection.dropped > 20_000
    assert server.locked_out == {("10.0.0.9", "messages are dropped")}
    assert server.register(1, flow("10.0.0.9", 7), cseq=11).status == 200  # behind the same address
    server.send("INVITE", flow("10.0.0.9", 99), "guest", call_id="call-from-there")
    assert any(isinstance(event, IncomingCall) for event in server.agent.events())


def test_wrong_passwords_are_locked_out_alike_for_all_names_and_only_for_the_guesser() -> None:
    server = Server()
    attacker = flow("10.0.0.66")
    for user in ("r1", "nobody"):
        statuses = []
        for attempt in range(7):
            answer = server.send("REGISTER", attacker, user, call_id=f"{user}{attempt}")
            assert answer is not None
            guess = DigestClient(user, "wrong").answer(answer.challenges, "REGISTER")
            refused = server.send(
                "REGISTER", attacker, user, f"Authorization: {guess}", call_id=f"{user}{attempt}", cseq=2
            )
            assert refused is not None
            statuses.append(refused.status)
        assert statuses == [401] * 5 + [403] * 2
        assert "Retry-After" in refused.text
    assert server.locked_out == {("10.0.0.66", "no password is tried")}
    assert server.register(1, flow("10.0.0.1")).status == 200


def invite(server: Server, source: Flow, *headers: str, cseq: int = 1) -> Answer | IncomingCall:
    answer = server.send(
        "INVITE", source, "guest", *headers, call_id=f"call-{source.remote[0]}-{source.remote[1]}", cseq=cseq
    )
    calls = [event for event in server.agent.events() if isinstance(event, IncomingCall)]
    if calls:
        return calls[0]
    assert answer is not None
    return answer


def test_unregistered_callers_are_treated_by_their_network() -> None:
    server = Server()
    allowed = invite(server, flow("10.0.0.1"))
    assert isinstance(allowed, IncomingCall) and allowed.identity == ""
    refused = invite(server, flow("203.0.113.5"))
    assert isinstance(refused, Answer) and refused.status == 403
    challenged = invite(server, flow("198.51.100.5"))
    assert isinstance(challenged, Answer) and challenged.status == 401
    guess = f"Authorization: {DigestClient('r2', 'Secret-1').answer(challenged.challenges, 'INVITE')}"
    guessed = invite(server, flow("198.51.100.5"), guess, cseq=2)
    assert isinstance(guessed, Answer) and guessed.status == 401
    device = DigestClient("r2", "Secret-2", "SHA-256")
    authorization = f"Authorization: {device.answer(challenged.challenges, 'INVITE')}"
    call = invite(server, flow("198.51.100.5"), authorization, cseq=3)
    assert isinstance(call, IncomingCall) and call.identity == "r2"


def test_the_zone_of_a_caller_has_the_first_word() -> None:
    server = Server()
    zones = ZoneMap(
        [
            Zone(name="guests", networks=("10.7.0.0/16",), unregistered=CallerPolicy.CHALLENGE),
            Zone(name="outside", networks=("10.8.0.0/16",), unregistered=CallerPolicy.REFUSE),
            Zone(name="branch", networks=("203.0.113.0/25",), unregistered=CallerPolicy.ALLOW),
            Zone(name="ward", networks=("198.51.100.0/24",)),
        ]
    )
    server.sip.zone_policy = lambda source: zones.zone_of(source).unregistered
    for source, status in (("10.7.0.1", 401), ("10.8.0.1", 403), ("198.51.100.1", 401), ("203.0.113.200", 403)):
        answer = invite(server, flow(source))
        assert isinstance(answer, Answer) and answer.status == status, source
    for source in ("203.0.113.1", "10.0.0.1"):
        assert isinstance(invite(server, flow(source)), IncomingCall), source
    assert server.register(1, flow("10.8.0.1")).status == 200
    assert isinstance(invite(server, flow("10.8.0.1")), IncomingCall), "who is registered is no stranger"


def test_who_tries_numbers_must_show_a_password() -> None:
    server = Server()
    guesser = "10.0.0.66"
    for port in range(30):
        call = invite(server, flow(guesser, 1000 + port))
        assert isinstance(call, IncomingCall)
        server.agent.reject(call.call, 404)
        server.sip.call_refused(guesser, 404)
    challenged = invite(server, flow(guesser, 2000))
    assert isinstance(challenged, Answer) and challenged.status == 401
    assert server.locked_out == {(guesser, "strangers must show a password")}
    assert isinstance(invite(server, flow("10.0.0.67")), IncomingCall)
    assert server.register(1, flow(guesser, 5060)).status == 200
    assert isinstance(invite(server, flow(guesser, 5060)), IncomingCall)  # registered behind the same address
    server.now += 6
    assert isinstance(invite(server, flow(guesser, 2001)), IncomingCall)


def test_a_registered_device_calls_from_where_it_is_registered() -> None:
    server = Server()
    source = flow("203.0.113.5")
    assert server.register(1, source).status == 200
    call = invite(server, source)
    assert isinstance(call, IncomingCall) and call.identity == "r1"
    other_port = invite(server, flow("203.0.113.5", 5062))
    assert isinstance(other_port, Answer) and other_port.status == 403


def test_a_closed_connection_is_not_called_on_any_more() -> None:
    server = Server()
    connection = Flow("tcp", ("10.0.0.1", 40000), LOCAL, 7)
    assert server.register(1, connection).status == 200
    assert server.registrar.account_of(connection, server.now) == "r1"
    server.agent.flow_lost(connection, server.now)
    assert server.registrar.account_of(connection, server.now) == ""
    assert [reach.flow for reach in server.registrar.locate("r1", server.now)] == [None]
