"""Accounts of SIP devices from a real slapd."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consilium.config import Settings, load_settings
from consilium.registration import Registry
from gatekeeper.digest import Algorithm, user_hash
from gatekeeper.ldap_directory import LdapDirectory, LdapError, LdapSettings
from gatekeeper.users import make_user
from mcu.control.database import Database
from mcu.control.registration_tables import SipUserTable
from tests.peers import slapd_directory as slapd

REALM = "consilium"
PASSWORD = "Room-Secret-7"


@pytest.fixture
async def directory(tmp_path: Path) -> AsyncIterator[slapd.Directory]:
    assert slapd.available(), "make tools installs the programs"
    async with slapd.Directory(tmp_path / "slapd") as running:
        yield running


def ldap_settings(directory: slapd.Directory, **changes: object) -> LdapSettings:
    settings = LdapSettings(
        url=directory.url,
        base=slapd.ROOMS,
        bind_name=slapd.READER,
        bind_password=slapd.READER_PASSWORD,
        md5="sipHa1Md5",
        sha256="sipHa1Sha256",
        password="sipPassword",
        authority_file=directory.authority_file,
    )
    return dataclasses.replace(settings, **changes)  # type: ignore[arg-type]


async def test_accounts_are_read_over_starttls_in_all_forms(directory: slapd.Directory) -> None:
    md5 = user_hash(Algorithm.MD5, "4002", REALM, PASSWORD)
    sha256 = user_hash(Algorithm.SHA_256, "4002", REALM, PASSWORD)
    await directory.add_room("4001", sipPassword=PASSWORD)
    await directory.add_room("4002", sipHa1Md5=md5.upper(), sipHa1Sha256=sha256)
    await directory.add_room("4003", sipHa1Md5="not a hash")
    await directory.add_room("4004", sipPassword="{SSHA}hash")
    await directory.add_room("4005")
    users = await asyncio.to_thread(LdapDirectory(ldap_settings(directory), REALM).load)
    assert [(user.name, user.title) for user in users] == [("4001", "Room 4001"), ("4002", "Room 4002")]
    for user in users:
        expected = make_user(user.name, REALM, PASSWORD)
        assert (user.md5, user.sha256) == (expected.md5, expected.sha256)


async def test_more_accounts_than_one_page_holds(directory: slapd.Directory) -> None:
    await directory.add("".join(slapd.room_entry(f"r{number}", sipPassword=PASSWORD) for number in range(1100)))
    users = await asyncio.to_thread(LdapDirectory(ldap_settings(directory), REALM).load)
    assert len(users) == 1100


async def test_what_is_wrong_is_said_without_the_password(directory: slapd.Directory, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    other = slapd.Directory(tmp_path / "other")
    async with other:
        wrong.write_bytes(other.authority_file.read_bytes())
    for changes in (
        {"bind_password": "guessed-7"},
        {"authority_file": wrong},
        {"url": f"ldap://localhost:{other.port}"},
        {"base": "ou=nowhere,dc=hospital,dc=example"},
        {"filter": "(uid=4001"},
        {"bind_name": "", "bind_password": ""},
    ):
        with pytest.raises(LdapError) as error:
            await asyncio.to_thread(LdapDirectory(ldap_settings(directory, **changes), REALM).load)
        assert "guessed-7" not in str(error.value) and slapd.READER_PASSWORD not in str(error.value)


def server_settings(directory: slapd.Directory, folder: Path) -> Settings:
    password = folder / "ldap-password"
    password.write_text(slapd.READER_PASSWORD + "\n")
    values = {
        "ldap.url": directory.url,
        "ldap.base": slapd.ROOMS,
        "ldap.bind_name": slapd.READER,
        "ldap.bind_password_file": password,
        "ldap.password_attribute": "sipPassword",
        "ldap.authority_file": directory.authority_file,
    }
    return load_settings(None, {}, [f"{name}={value}" for name, value in values.items()])


async def test_the_registry_follows_the_directory_and_outlives_it(directory: slapd.Directory, tmp_path: Path) -> None:
    await directory.add_room("4001", sipPassword=PASSWORD)
    await directory.add_room("4002", sipPassword=PASSWORD)
    database = await Database.open(tmp_path / "consilium.sqlite3")
    try:
        await SipUserTable(database).add(make_user("4001", REALM, "of the server's own"))
        registry = await Registry.open(server_settings(directory, tmp_path), database)
        assert [registry.users.source_of(name) for name in ("4001", "4002", "4003")] == ["local", "ldap", ""]
        await directory.add_room("4003", sipPassword=PASSWORD)
        await directory.remove_room("4002")
        assert await registry.read_ldap()
        assert [user.name for user in registry.users.all()] == ["4001", "4003"]
        await directory.stop()
        assert not await registry.read_ldap()
        assert [user.name for user in registry.users.all()] == ["4001", "4003"]
    finally:
        await database.close()
