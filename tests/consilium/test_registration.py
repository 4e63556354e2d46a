"""The registry of a server: accounts that change under it, registrations that are written, and the command line."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from consilium.__main__ import main
from consilium.config import SettingsError, load_settings
from consilium.registration import Registry
from gatekeeper.binding import Binding
from gatekeeper.binding_store import BindingKey, MemoryBindingStore
from gatekeeper.registrar import Registration
from gatekeeper.users import MemoryUserStore, UserError, make_user
from mcu.control.sip_account_file import read_accounts
from mcu.control.sip_accounts import SipAccounts
from sip.flow import Flow
from sip.uri import parse_uri

START = 1_800_000_000.0
FLOW = Flow("udp", ("198.51.100.7", 5060), ("192.0.2.1", 5060))


class BrokenStore(MemoryBindingStore):
    """Fails until it is mended."""

    is_broken = True

    async def save(self, present: Sequence[Binding], gone: Sequence[BindingKey]) -> None:
        if self.is_broken:
            raise sqlite3.OperationalError("disk is full")
        await super().save(present, gone)


class Bench:
    """A registry in memory; time is turned by hand."""

    def __init__(self, *assignments: str) -> None:
        self.now = START
        self.users, self.bindings = MemoryUserStore(), BrokenStore()
        self.bindings.is_broken = False
        settings = load_settings(None, {}, assignments)
        self.registry = Registry(settings, self.users, self.bindings, b"key", lambda: self.now)
        self.registry.registrar.on_change(self.registry._unsaved.note)
        self.accounts = SipAccounts(self.users, "consilium", lambda: self.now, self.registry.read_users)

    def register(self, account: str = "4001", cseq: int = 1) -> None:
        registration = Registration(
            account, parse_uri(f"sip:{account}@h"), "call", cseq, FLOW, [f"<sip:{account}@198.51.100.7>"], "600"
        )
        assert self.registry.registrar.register(registration, self.now).status == 200

    async def saved(self) -> list[str]:
        return [binding.account for binding in await self.bindings.load(self.now)]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    yield Bench()


async def test_an_account_holds_at_once_and_its_device_goes_with_it(bench: Bench) -> None:
    _, generated = await bench.accounts.add("4001", None, "Theatre 3")
    assert generated is not None and len(generated) >= 8
    user = bench.registry.users.find("4001")
    assert user is not None and user.md5 == make_user("4001", "consilium", generated).md5
    bench.register()
    await bench.registry.save()
    assert await bench.saved() == ["4001"]
    assert await bench.accounts.remove("4001")
    assert bench.registry.registrar.bindings(bench.now) == []
    await bench.registry.save()
    assert await bench.saved() == []


async def test_a_change_by_another_process_is_seen(bench: Bench) -> None:
    await bench.users.add(make_user("4001", "consilium", "one", now=1.0))
    await bench.registry.read_users()
    await bench.users.update(make_user("4001", "consilium", "two", now=2.0))
    await bench.registry.read_users()
    user = bench.registry.users.find("4001")
    assert user is not None and user.md5 == make_user("4001", "consilium", "two").md5


async def test_accounts_of_another_realm_are_left_out_and_said(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await bench.users.add(make_user("4001", "former realm", "one", now=1.0))
    await bench.registry.read_users()
    assert bench.registry.users.find("4001") is None
    assert "another realm" in caplog.text


async def test_what_could_not_be_written_is_written_later(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.bindings.is_broken = True
    bench.register()
    await bench.registry.save()
    assert "disk is full" in caplog.text
    bench.bindings.is_broken = False
    await bench.registry.save()
    assert await bench.saved() == ["4001"]


async def test_what_runs_out_is_forgotten_in_the_store_too(bench: Bench) -> None:
    bench.register()
    await bench.registry.save()
    bench.now += 601
    await bench.registry.save()
    bench.now = START
    assert await bench.saved() == []


@pytest.mark.parametrize(
    ("name", "password"),
    [("4001", "short"), ("room", "Contains-room-1"), ("UPPER", "Room-Secret-7"), ("a b", "Room-Secret-7"), ("", "x")],
)
async def test_accounts_that_will_not_do(bench: Bench, name: str, password: str) -> None:
    with pytest.raises(UserError):
        await bench.accounts.add(name, password)
    assert await bench.accounts.all() == []


async def test_a_password_can_be_changed_but_a_name_not_taken(bench: Bench) -> None:
    await bench.accounts.add("4001", "Room-Secret-7", "Theatre 3")
    with pytest.raises(UserError, match="already"):
        await bench.accounts.add("4001", "Room-Secret-8")
    bench.now += 1
    assert await bench.accounts.set_password("4001", "Room-Secret-9")
    assert not await bench.accounts.set_password("4002", "Room-Secret-9")
    user = bench.registry.users.find("4001")
    assert user is not None and user.title == "Theatre 3"
    assert user.sha256 == make_user("4001", "consilium", "Room-Secret-9").sha256


def test_settings_that_contradict_each_other_are_named() -> None:
    for assignments, name in (
        (["registrar.default_life=30"], "registrar.default_life"),
        (["registrar.shortest_life=4000"], "registrar.default_life"),
        (["callers.refuse=hospital"], "callers.refuse"),
        (["ldap.url=ldaps://directory.example"], "ldap.md5_attribute"),
    ):
        with pytest.raises(SettingsError, match=name):
            load_settings(None, {}, assignments)


def run(folder: Path, *arguments: str) -> int:
    return main(["sip-user", "--set", f"data={folder}", *arguments])


def test_the_command_makes_lists_and_removes_accounts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONSILIUM_CONFIG", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO("Room-Secret-7\nRoom-Secret-8\n"))
    assert run(tmp_path, "add", "4002", "--title", "Theatre 3") == 0
    assert run(tmp_path, "password", "4002") == 0
    assert capsys.readouterr().out == ""
    assert run(tmp_path, "add", "4001", "--generate") == 0
    assert len(capsys.readouterr().out.strip()) >= 8
    assert run(tmp_path, "list") == 0
    assert capsys.readouterr().out == "4001\n4002\tTheatre 3\n"
    assert run(tmp_path, "remove", "4001") == 0
    assert run(tmp_path, "remove", "4001") == 1
    assert "no SIP account '4001'" in capsys.readouterr().err


def test_the_command_imports_a_list_of_accounts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed, kept = tmp_path / "devices.csv", tmp_path / "passwords.csv"
    lines = [f"{number},Room-Secret-7,Room {number}\n" for number in range(100_000, 106_000)]
    listed.write_text("name,password,title\n" + "".join(lines), "utf-8")
    assert run(tmp_path, "import", str(listed)) == 0
    assert capsys.readouterr().out == "6000 accounts made.\n"
    assert run(tmp_path, "list") == 0
    assert capsys.readouterr().out.splitlines()[5999] == "105999\tRoom 105999"
    listed.write_text("name,password\n4001,\n4002,Room-Secret-8\n", "utf-8")
    assert run(tmp_path, "import", str(listed)) == 1
    assert "line 2: It has no password" in capsys.readouterr().err
    assert run(tmp_path, "import", str(listed), "--passwords", str(kept)) == 0
    assert kept.stat().st_mode & 0o777 == 0o600
    ((_, account),) = read_accounts(kept.read_bytes())
    assert account.name == "4001" and len(account.password or "") >= 8


def test_an_import_that_will_not_do_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed, kept = tmp_path / "devices.csv", tmp_path / "passwords.csv"
    listed.write_text("name,password\n" + "4001,Secret\n" * 30, "utf-8")
    assert run(tmp_path, "import", str(listed), "--passwords", str(kept)) == 1
    told = capsys.readouterr().err
    assert "line 2:" in told and "… and 10 more" in told and "Secret" not in told
    assert not kept.exists()
    kept.write_text("something of somebody", "utf-8")
    assert run(tmp_path, "import", str(listed), "--passwords", str(kept)) == 1
    assert kept.read_text("utf-8") == "something of somebody"
    assert run(tmp_path, "list") == 0
    assert capsys.readouterr().out == ""
