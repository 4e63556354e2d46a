"""One suite for every store of accounts and of registrations: in memory, and in the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatekeeper.binding import Binding
from gatekeeper.binding_store import BindingStore, MemoryBindingStore, Unsaved, from_document
from gatekeeper.binding_table import BindingChanged
from gatekeeper.users import MemoryUserStore, UserStore, make_user
from mcu.control.database import Database
from mcu.control.registration_tables import BindingRows, SipUserTable, registrar_key
from sip.flow import Flow

NOW = 1_800_000_000.0
BINDING = Binding(
    account="手术室",
    key="sip:4001@198.51.100.7",
    contact="sip:4001@198.51.100.7",
    expires_at=NOW + 600,
    call_id="call",
    cseq=7,
    registered_at=NOW,
    q=0.5,
    path=("sip:edge.example;lr",),
    instance="urn:uuid:1",
    reg_id=3,
    flow=Flow("tls", ("2001:db8::7", 5061), ("2001:db8::1", 5061), 4),
    user_agent="Room 1.0",
    temporary_id="0011223344556677",
)
# In GBK, as some devices write: no UTF-8.
FOREIGN = Binding("4003", "sip:\udcca\udcd6@h", "sip:\udcca\udcd6@h", NOW + 600, "call", 1, NOW, instance="\udcff")
SHORT = Binding("4002", "sip:b", "sip:b", NOW + 60, "call", 1, NOW)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "consilium.sqlite3")
    yield database
    await database.close()


@pytest.fixture(params=["memory", "database"])
def users(request: pytest.FixtureRequest, database: Database) -> UserStore:
    return MemoryUserStore() if request.param == "memory" else SipUserTable(database)


@pytest.fixture(params=["memory", "database"])
def bindings(request: pytest.FixtureRequest, database: Database) -> BindingStore:
    return MemoryBindingStore() if request.param == "memory" else BindingRows(database)


async def test_accounts_are_kept_changed_and_removed(users: UserStore) -> None:
    alice, bob = make_user("alice", "r", "one", title="会诊室", now=1.0), make_user("bob", "r", "two", now=2.0)
    assert await users.add(bob) and await users.add(alice)
    assert not await users.add(make_user("alice", "r", "other", now=3.0))
    assert await users.all() == [alice, bob]
    changed = make_user("alice", "r", "three", now=4.0)
    assert await users.update(changed)
    assert not await users.update(make_user("carol", "r", "three"))
    assert await users.all() == [changed, bob]
    assert await users.remove("bob") and not await users.remove("bob")
    assert await users.all() == [changed]


async def test_many_accounts_are_kept_all_or_none(users: UserStore) -> None:
    alice, bob, carol = (make_user(name, "r", "one") for name in ("alice", "bob", "carol"))
    assert await users.add_all([bob, alice]) == frozenset()
    assert await users.add_all([carol, bob]) == {"bob"}
    assert await users.all() == [alice, bob]


async def test_the_version_tells_of_every_change(users: UserStore) -> None:
    versions = [await users.version()]
    for change in (
        users.add(make_user("alice", "r", "one", now=1.0)),
        users.add(make_user("bob", "r", "one", now=2.0)),
        users.update(make_user("alice", "r", "two", now=3.0)),
        users.remove("bob"),
    ):
        assert await change
        versions.append(await users.version())
    assert len(set(versions)) == 5
    assert await users.version() == versions[-1]


async def test_registrations_are_kept_replaced_and_forgotten(bindings: BindingStore) -> None:
    await bindings.save([BINDING, SHORT], [])
    assert await bindings.load(NOW) == [SHORT, BINDING]
    longer = Binding("4002", "sip:b", "sip:b", NOW + 900, "call", 2, NOW)
    await bindings.save([longer], [("手术室", BINDING.key), ("nobody", "nothing")])
    assert await bindings.load(NOW) == [longer]


async def test_bytes_that_are_no_utf_8_are_kept(bindings: BindingStore) -> None:
    await bindings.save([FOREIGN], [])
    assert await bindings.load(NOW) == [FOREIGN]
    await bindings.save([], [("4003", FOREIGN.key)])
    assert await bindings.load(NOW) == []


async def test_what_has_run_out_is_not_loaded(bindings: BindingStore) -> None:
    await bindings.save([BINDING, SHORT], [])
    assert await bindings.load(NOW + 60) == [BINDING]
    assert await bindings.load(NOW) == [BINDING]


async def test_the_key_stays(database: Database) -> None:
    key = await registrar_key(database)
    assert len(key) == 32
    assert await registrar_key(database) == key


def test_a_registration_of_another_version_is_left_out() -> None:
    assert from_document('{"account": "4001"}') is None
    assert from_document("nonsense") is None


def test_the_latest_change_is_written_also_after_a_failure() -> None:
    unsaved = Unsaved()
    unsaved.note(BindingChanged("手术室", BINDING, None))
    unsaved.note(BindingChanged("4002", SHORT, None))
    unsaved.note(BindingChanged("4002", None, SHORT, "expired"))
    present, gone = unsaved.take()
    assert (present, gone) == ([BINDING], [("4002", "sip:b")])
    unsaved.note(BindingChanged("手术室", None, BINDING, "expired"))
    unsaved.give_back(present, gone)
    assert unsaved.take() == ([], [("手术室", BINDING.key), ("4002", "sip:b")])
    assert unsaved.take() == ([], [])
