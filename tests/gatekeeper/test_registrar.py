"""Registrations by RFC 3261 section 10.3, with Path, outbound and GRUUs; what is found, and what is forgotten."""

from __future__ import annotations

import random
import re

import pytest

from gatekeeper.binding_table import BindingChanged
from gatekeeper.gruu import TemporaryGruus
from gatekeeper.registrar import Registrar, RegistrarReply, RegistrarSettings, Registration
from sip.flow import Flow
from sip.uri import parse_uri

NOW = 1_800_000_000.0
UDP = Flow("udp", ("198.51.100.7", 5060), ("192.0.2.1", 5060))
TCP = Flow("tcp", ("198.51.100.7", 40000), ("192.0.2.1", 5060), 1)
HERE, THERE = "<sip:4001@198.51.100.7>", "<sip:4001@198.51.100.8>"
INSTANCE = "urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF"


class Registry:
    """A registrar whose devices count their CSeqs."""

    def __init__(self, **settings: object) -> None:
        self.registrar = Registrar(
            RegistrarSettings(**settings),  # type: ignore[arg-type]
            TemporaryGruus(b"key", random.Random(1).randbytes),
        )
        self.changes: list[BindingChanged] = []
        self.registrar.on_change(self.changes.append)
        self.cseq = 0
        self.now = NOW

    def register(
        self, *contacts: str, account: str = "4001", cseq: int | None = None, **more: object
    ) -> RegistrarReply:
        self.cseq = self.cseq + 1 if cseq is None else cseq
        fields: dict[str, object] = {
            "account": account,
            "to": parse_uri(f"sip:{account}@hospital.example"),
            "call_id": "call",
            "cseq": self.cseq,
            "flow": UDP,
            "contacts": contacts,
        } | more
        return self.registrar.register(Registration(**fields), self.now)  # type: ignore[arg-type]

    def contacts(self, address: str = "4001") -> list[str]:
        return [reach.contact for reach in self.registrar.locate(address, self.now)]


def values(reply: RegistrarReply, name: str) -> list[str]:
    return [value for key, value in reply.headers if key == name]


def test_a_contact_is_registered_found_and_forgotten_in_time() -> None:
    registry = Registry()
    reply = registry.register(HERE, expires="600")
    assert (reply.status, values(reply, "Contact")) == (200, ["<sip:4001@198.51.100.7>;expires=600"])
    assert values(reply, "Date") == ["Fri, 15 Jan 2027 08:00:00 GMT"]
    for address in ("4001", "sip:4001@hospital.example", "SIP:4001@192.0.2.1;transport=tcp"):
        assert registry.contacts(address) == ["sip:4001@198.51.100.7"]
    registry.now += 600
    assert registry.contacts() == []
    assert registry.changes[-1].reason == "expired"
    assert registry.registrar.endpoints == 0


def test_lives_are_those_of_the_contact_then_of_the_request_then_ours() -> None:
    registry = Registry()
    reply = registry.register(f"{HERE};expires=120", THERE, expires="300")
    assert values(reply, "Contact") == [f"{HERE};expires=120", f"{THERE};expires=300"]
    assert values(registry.register(HERE, expires="nonsense"), "Contact")[0] == f"{HERE};expires=3600"
    assert values(registry.register(HERE, expires="99999999999"), "Contact")[0] == f"{HERE};expires=7200"


def test_too_short_a_life_is_refused_with_the_shortest() -> None:
    reply = Registry().register(HERE, expires="10")
    assert (reply.status, reply.headers) == (423, (("Min-Expires", "60"),))


def test_a_question_lists_what_is_there_and_changes_nothing() -> None:
    registry = Registry()
    registry.register(HERE)
    registry.changes.clear()
    assert len(values(registry.register(), "Contact")) == 1
    assert registry.changes == []


def test_zero_unregisters_one_and_star_all() -> None:
    registry = Registry()
    registry.register(HERE, THERE)
    assert values(registry.register(f"{HERE};expires=0"), "Contact") == [f"{THERE};expires=3600"]
    registry.register(HERE)
    assert registry.register("*", expires="3600").status == 400
    assert registry.register("*").status == 400
    assert registry.register("*", THERE, expires="0").status == 400
    assert len(registry.contacts()) == 2
    assert values(registry.register("*", expires="0"), "Contact") == []
    assert registry.contacts() == []


def test_an_older_request_of_the_same_client_changes_nothing() -> None:
    registry = Registry()
    registry.register(HERE, cseq=10)
    assert registry.register(f"{HERE};expires=0", cseq=9).status == 500
    assert registry.register("*", expires="0", cseq=10).status == 500
    assert registry.register(THERE, f"{HERE};q=0.1", cseq=10).status == 500
    assert registry.contacts() == ["sip:4001@198.51.100.7"]  # all or nothing
    assert registry.register(HERE, cseq=1, call_id="the device has restarted").status == 200


def test_the_same_contact_in_another_spelling_is_the_same() -> None:
    registry = Registry()
    registry.register("<sip:4001@Room.Example;transport=TCP>")
    registry.register('"Room" <sip:4001@room.example;transport=TCP>;q=0.5')
    assert registry.contacts() == ["sip:4001@room.example;transport=TCP"]
    assert [change.before is None for change in registry.changes] == [True, False]


def test_a_contact_that_is_named_twice_is_taken_once() -> None:
    registry = Registry()
    registry.register("<sip:4001@Room.Example>")
    assert registry.register("<sip:4001@room.EXAMPLE>", "<sip:4001@ROOM.example>").status == 200
    assert len(registry.contacts()) == 1
    assert registry.register("<sip:4001@room.EXAMPLE>;expires=0", "<sip:4001@room.EXAMPLE>;expires=0").status == 200


def test_the_best_q_comes_first() -> None:
    registry = Registry()
    registry.register(f"{HERE};q=0.2", f"{THERE};q=0.8", "<sip:4001@198.51.100.9>")
    assert registry.contacts() == ["sip:4001@198.51.100.9", "sip:4001@198.51.100.8", "sip:4001@198.51.100.7"]


@pytest.mark.parametrize(
    "contact",
    [
        "<mailto:a@b>", "<sip:>", "sip:a@b, <", f"{HERE};q=2", f"{HERE};q=-1", f"{HERE};reg-id=0", f"{HERE};reg-id=x",
        f'{HERE};+sip.instance="<{"x" * 300}>"', f'{HERE};+sip.instance="<a b>"',
    ],
)  # fmt: skip
def test_contacts_that_cannot_be_are_refused(contact: str) -> None:
    registry = Registry()
    assert registry.register(contact).status == 400
    assert registry.changes == []


def test_an_account_registers_itself_only_and_at_ours_only() -> None:
    registry = Registry(domains=frozenset({"hospital.example"}))
    assert registry.register(HERE, to=parse_uri("sip:4002@hospital.example")).status == 403
    assert registry.register(HERE, to=parse_uri("sip:4001@elsewhere.example")).status == 404
    assert registry.register(HERE, to=parse_uri("tel:4001")).status == 404
    assert registry.register(HERE, to=parse_uri("sip:4001@HOSPITAL.example:5070")).status == 200
    assert registry.contacts("sip:4001@elsewhere.example") == []


def test_contacts_and_accounts_are_bounded() -> None:
    registry = Registry(maximum_endpoints=2)
    assert registry.register(*[f"<sip:a@192.0.2.{n}>" for n in range(11)]).status == 403
    for number in range(10):
        assert registry.register(f"<sip:a@192.0.2.{number}>").status == 200
    assert registry.register("<sip:a@192.0.2.10>").status == 403
    assert registry.register("<sip:a@192.0.2.10>", "<sip:a@192.0.2.0>;expires=0").status == 200
    assert registry.register(HERE, account="4002").status == 200
    full = registry.register(HERE, account="4003")
    assert full.status == 503 and values(full, "Retry-After")
    assert registry.register(HERE, account="4002").status == 200


def test_a_path_is_kept_and_told_back() -> None:
    registry = Registry()
    path = ["<sip:edge.example;lr>", "<sip:inner.example;lr>"]
    reply = registry.register(HERE, path=path, supported=frozenset({"path"}), hops=3)
    assert values(reply, "Path") == path
    (reach,) = registry.registrar.locate("4001", NOW)
    assert reach.route == ("sip:edge.example;lr", "sip:inner.example;lr")
    assert reach.flow is None
    assert registry.register(HERE, path=["<mailto:a@b>"]).status == 400
    assert registry.register(HERE, path=["<sip:a;lr>"] * 11).status == 400


OUTBOUND = frozenset({"outbound", "path"})
FLOW_CONTACT = f'<sip:4001@198.51.100.7;ob>;+sip.instance="<{INSTANCE}>";reg-id=1'


def test_an_outbound_contact_is_its_instance_wherever_it_is() -> None:
    registry = Registry()
    reply = registry.register(FLOW_CONTACT, supported=OUTBOUND, flow=TCP)
    assert values(reply, "Require") == ["outbound"]
    moved = FLOW_CONTACT.replace(".7", ".99")
    registry.register(moved, supported=OUTBOUND, flow=TCP, call_id="after a restart")
    assert registry.contacts() == ["sip:4001@198.51.100.99;ob"]
    second = moved.replace("reg-id=1", "reg-id=2")
    registry.register(second, supported=OUTBOUND, call_id="after a restart")
    assert len({reach.endpoint for reach in registry.registrar.locate("4001", NOW)}) == 1
    assert len(registry.contacts()) == 2


def test_outbound_ends_with_its_connection_and_others_lose_only_the_flow() -> None:
    registry = Registry()
    registry.register(FLOW_CONTACT, supported=OUTBOUND, flow=TCP)
    registry.register(THERE, flow=TCP)
    assert registry.registrar.account_of(TCP, NOW) == "4001"
    registry.registrar.flow_lost(TCP)
    assert [(reach.contact, reach.flow) for reach in registry.registrar.locate("4001", NOW)] == [
        ("sip:4001@198.51.100.8", None)
    ]
    assert registry.registrar.account_of(TCP, NOW) == ""


def test_outbound_needs_every_hop() -> None:
    registry = Registry()
    assert values(registry.register(FLOW_CONTACT, supported=OUTBOUND, hops=2), "Require") == []
    without = registry.register(FLOW_CONTACT, supported=OUTBOUND, hops=2, path=["<sip:edge.example;lr>"])
    assert values(without, "Require") == []
    with_edge = registry.register(FLOW_CONTACT, supported=OUTBOUND, hops=2, path=["<sip:edge.example;lr;ob>"])
    assert values(with_edge, "Require") == ["outbound"]


def gruus(reply: RegistrarReply) -> tuple[str, str]:
    text = next(value for value in values(reply, "Contact") if "gruu" in value)
    found = re.search(r'pub-gruu="([^"]+)";temp-gruu="([^"]+)"', text)
    assert found is not None, text
    return found[1], found[2]


def test_gruus_lead_to_one_device_and_temporary_ones_tell_nothing() -> None:
    registry = Registry()
    supported = frozenset({"gruu"})
    registry.register(THERE)
    contact = f'{HERE};+sip.instance="<{INSTANCE}>"'
    public, first = gruus(registry.register(f"{contact};q=0.5", supported=supported))
    _, second = gruus(registry.register(f"{contact};q=0.5", supported=supported))
    assert first != second and "4001" not in first
    for address in (public, first, second):
        assert registry.contacts(address) == ["sip:4001@198.51.100.7"]
    _, third = gruus(registry.register(contact, supported=supported, call_id="after a restart"))
    assert registry.contacts(first) == registry.contacts(second) == []  # RFC 5627 section 5.1
    assert registry.contacts(third) == registry.contacts(public) == ["sip:4001@198.51.100.7"]
    registry.register(f"{contact};expires=0", call_id="after a restart")
    assert registry.contacts(third) == registry.contacts(public) == []


@pytest.mark.parametrize(
    "address", ["sip:tgruu.abc@h;gr", "sip:tgruu.%ff@h;gr", "sip:4001@h;gr", "sip:4001@h;gr=x", ""]
)
def test_gruus_that_we_did_not_make_lead_nowhere(address: str) -> None:
    registry = Registry()
    registry.register(HERE)
    assert registry.contacts(address) == []


def test_addresses_that_cannot_be_read_lead_nowhere() -> None:
    registry = Registry()
    for address in ("sip:", "tel:4001", "nonsense:x", "sip:4001@[x", "\0"):
        assert registry.registrar.locate(address, NOW) == ()


def test_a_flow_that_many_share_is_nobodys() -> None:
    registry = Registry()
    registry.register(HERE)
    assert registry.registrar.account_of(UDP, NOW) == "4001"
    registry.register("<sip:4002@198.51.100.7>", account="4002")
    assert registry.registrar.account_of(UDP, NOW) == ""


def test_a_device_is_known_by_its_call_id_while_it_is_registered() -> None:
    registry = Registry()
    registry.register(HERE, expires="60")
    assert registry.registrar.knows_device("4001", "call")
    assert not registry.registrar.knows_device("4001", "another")
    registry.now += 61
    registry.registrar.expire(registry.now)
    assert not registry.registrar.knows_device("4001", "call")


def test_what_was_kept_is_restored_without_connections() -> None:
    before = Registry()
    before.register(HERE, expires="600")
    before.register("<sip:4001@198.51.100.7;transport=tcp>", expires="600", flow=TCP)
    before.register(THERE, expires="60")
    after = Registry()
    after.registrar.restore(before.registrar.bindings(NOW), NOW + 100)
    found = {reach.contact: reach.flow for reach in after.registrar.locate("4001", NOW + 100)}
    assert found == {"sip:4001@198.51.100.7": UDP, "sip:4001@198.51.100.7;transport=tcp": None}
    assert after.register(HERE, cseq=1).status == 500  # the order of requests is kept too


def test_an_account_that_is_removed_is_unregistered() -> None:
    registry = Registry()
    registry.register(HERE, THERE)
    registry.registrar.remove_account("4001")
    assert registry.contacts() == [] and registry.changes[-1].reason == "removed"


def test_refreshes_leave_nothing_behind() -> None:
    registry = Registry()
    for _ in range(5000):
        registry.now += 1
        assert registry.register(f'{HERE};+sip.instance="<{INSTANCE}>"').status == 200
    table = registry.registrar._table
    assert len(table) == 1
    assert len(table._deadlines) < 1100
    assert len(table._by_temporary_id) == len(table._by_flow) == 1
