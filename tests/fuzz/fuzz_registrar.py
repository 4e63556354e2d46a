"""Fuzz target: what strangers and devices write into REGISTER never breaks the registrar, nor opens it."""

from __future__ import annotations

import random

from gatekeeper.authentication import Authenticator, Locked, Proven
from gatekeeper.binding import MAXIMUM_CONTACTS
from gatekeeper.binding_store import from_document, to_document
from gatekeeper.challenging import Client
from gatekeeper.digest import parse_authorization
from gatekeeper.gruu import TemporaryGruus
from gatekeeper.nonces import Nonces
from gatekeeper.protection import Protection
from gatekeeper.registrar import Registrar, RegistrarSettings, Registration
from gatekeeper.users import UserTable, make_user
from sip.errors import SipParseError
from sip.flow import Flow
from sip.uri import parse_uri

NOW = 1_800_000_000.0
FLOW = Flow("tcp", ("192.0.2.9", 5060), ("192.0.2.1", 5060), 1)

# Header lines as they stand in messages, each parted from the next by NUL.
SEEDS = (
    b'Digest username="4001", realm="consilium", nonce="AaH34veSr4CRrgno-DSTU-wRNvhq", uri="sip:h", '
    b'response="900ad41f1e3c186eb2d8147dd40f18ca", cnonce="af17", qop=auth, nc=00000001, algorithm=SHA-256',
    b"Digest username*=UTF-8''%E6%89%8B, realm=\"consilium\", nonce=x, uri=y, response=" + b"0" * 64,
    b'<sip:4001@198.51.100.7;ob>;+sip.instance="<urn:uuid:1>";reg-id=1;q=0.5;expires=600\0<sip:a@b>;expires=0',
    b"*\0*\0<sip:a@[::1]:5061;transport=tls>;q=1.000",
    b"sip:4001@h;gr=urn:uuid:1\0sip:tgruu.35vpdwbqhzq42jtsx2q3ts2dlubv3pfmelk6fsa@hospital.example;gr",
    b"<sip:edge.example;lr;ob>, <sip:p2;lr>",
)


def fuzz_one(data: bytes) -> None:
    """The input as credentials, contacts, paths, lives and addresses."""
    lines = [line.decode("utf-8", "surrogateescape") for line in data.split(b"\0")[:8]]
    _authenticate(lines)
    _register(lines)


def _authenticate(lines: list[str]) -> None:
    for line in lines:
        try:
            parse_authorization(line)
        except SipParseError:
            continue
    users = UserTable()
    users.replace("local", [make_user("4001", "consilium", "unguessable")])
    nonces = Nonces(b"key", random.Random(1).randbytes, NOW - 1000)
    door = Authenticator("consilium", users, nonces, Protection(), b"key")
    nonce = nonces.make(NOW)
    with_nonce = [line.replace("AaH34veSr4CRrgno-DSTU-wRNvhq", nonce) for line in lines]
    for _ in range(7):
        outcome = door.authenticate("REGISTER", Client(FLOW, authorizations=tuple(with_nonce)), NOW)
        assert not isinstance(outcome, Proven)
        assert not isinstance(outcome, Locked) or outcome.retry_after > 0


def _register(lines: list[str]) -> None:
    registrar = Registrar(RegistrarSettings(), TemporaryGruus(b"key", random.Random(1).randbytes))
    for cseq, (contacts, path) in enumerate(((lines, ()), (lines[:1], lines[1:]), (("<sip:a@b>",), lines)), start=1):
        reply = registrar.register(
            Registration(
                account="4001",
                to=parse_uri("sip:4001@hospital.example"),
                call_id="call",
                cseq=cseq,
                flow=FLOW,
                contacts=contacts,
                expires=lines[-1],
                path=path,
                supported=frozenset({"outbound", "gruu", "path"}),
                user_agent=lines[0],
            ),
            NOW,
        )
        assert reply.status in (200, 400, 403, 414, 423, 500)
        assert len(registrar.bindings(NOW)) <= MAXIMUM_CONTACTS
    for line in lines:
        registrar.locate(line, NOW)
    for binding in registrar.bindings(NOW):
        assert "\n" not in binding.contact
        _keep(binding.contact, registrar)
    registrar.flow_lost(FLOW)
    assert registrar.bindings(NOW + 10_000) == []


def _keep(contact: str, registrar: Registrar) -> None:
    """What is registered can be written down and read back."""
    for binding in registrar.bindings(NOW):
        if binding.contact == contact:
            assert from_document(to_document(binding)) == binding
