"""Accounts: passwords, sessions, and a lockout that locks out no other."""

from __future__ import annotations

import asyncio

import pytest

from mcu.control.accounts import (
    ADMINISTRATOR,
    BUSY_SECONDS,
    MAXIMUM_DEVICES,
    MAXIMUM_SESSIONS,
    AccountError,
    LoginRefused,
)
from mcu.control.passwords import generate_password, password_weakness
from tests.control.conftest import PASSWORD, Control


@pytest.mark.parametrize("password", ["Abcdef12", "abcdef1!", "会诊Abc123", "ABC-123-xyz"])
def test_good_passwords(password: str) -> None:
    assert password_weakness(password, "doctor") is None


@pytest.mark.parametrize(
    "password",
    ["", "Abc12!", "abcdefgh", "abcdefg1", "ABCDEFG1", "12345678", "会诊会诊会诊会诊", "A1" * 129, "Doctor-12"],
)
def test_weak_passwords(password: str) -> None:
    assert password_weakness(password, "doctor")


def test_generated_passwords_are_good_and_differ() -> None:
    passwords = {generate_password() for _ in range(50)}
    assert len(passwords) == 50
    assert all(password_weakness(password, ADMINISTRATOR) is None for password in passwords)


async def test_the_administrators_password_is_told_once(control: Control) -> None:
    assert await control.accounts.ensure_administrator() is None  # there is an account already
    await control.database.write(lambda connection: connection.execute("DELETE FROM account"))
    password = await control.accounts.ensure_administrator()
    assert password is not None
    assert (await control.accounts.login(ADMINISTRATOR, password, "")).session.account == ADMINISTRATOR
    assert await control.accounts.ensure_administrator() is None


@pytest.mark.parametrize("name", ["", "Doctor", "a b", "-a", "a" * 65, "名", "a\n"])
async def test_bad_names_make_no_account(control: Control, name: str) -> None:
    with pytest.raises(AccountError):
        await control.accounts.create(name, PASSWORD)


async def test_names_are_taken_once_and_the_last_account_stays(control: Control) -> None:
    with pytest.raises(AccountError):
        await control.accounts.create("doctor", PASSWORD)
    with pytest.raises(AccountError):
        await control.accounts.remove("doctor")
    await control.accounts.create("nurse", PASSWORD)
    login = await control.accounts.login("nurse", PASSWORD, "")
    assert [account.name for account in await control.accounts.all()] == ["doctor", "nurse"]
    assert await control.accounts.remove("nurse") and not await control.accounts.remove("nurse")
    assert await control.accounts.session(login.token) is None


async def fail(control: Control, times: int, source: str, device: str | None = None) -> None:
    for _ in range(times):
        with pytest.raises(LoginRefused):
            await control.accounts.login("doctor", "wrong", source, device)


async def test_a_guesser_locks_out_nobody_elsewhere(control: Control) -> None:
    await fail(control, 50, "203.0.113.66")
    with pytest.raises(LoginRefused) as caught:
        await control.accounts.login("doctor", PASSWORD, "203.0.113.66")
    assert caught.value.retry_after is not None
    await control.accounts.login("doctor", PASSWORD, "203.0.113.1")


async def test_unknown_names_are_slowed_down_as_known_ones_are(control: Control) -> None:
    waits = []
    for name in ("doctor", "nobody"):
        for _ in range(6):
            with pytest.raises(LoginRefused) as caught:
                await control.accounts.login(name, "wrong", "203.0.113.66")
            waits.append((str(caught.value), caught.value.retry_after))
    assert waits[:6] == waits[6:] and waits[5][1] == 15.0


async def test_one_address_cannot_fill_the_queue_of_comparisons(control: Control) -> None:
    async def guess(name: str) -> float | None:
        with pytest.raises(LoginRefused) as caught:
            await control.accounts.login(name, "wrong", "203.0.113.66")
        return caught.value.retry_after

    known = (await control.accounts.login("doctor", PASSWORD, "203.0.113.66")).device_token
    guesses = asyncio.gather(*(guess(f"name{index}") for index in range(100)))
    await control.accounts.login("doctor", PASSWORD, "203.0.113.66", known)
    waits = await guesses
    assert BUSY_SECONDS in waits and None in waits
    assert not control.accounts._at_work


async def test_devices_of_an_account_are_limited(control: Control) -> None:
    for _ in range(MAXIMUM_DEVICES + 5):
        control.time.advance(1)
        await control.accounts.login("doctor", PASSWORD, "")
    count = await control.database.read(lambda c: c.execute("SELECT count(*) FROM device").fetchone()[0])
    assert count == MAXIMUM_DEVICES


async def test_a_guesser_behind_the_same_address_locks_out_no_known_browser(control: Control) -> None:
    known = (await control.accounts.login("doctor", PASSWORD, "203.0.113.1")).device_token
    await fail(control, 20, "203.0.113.1")
    await fail(control, 20, "203.0.113.1", "made up device token")
    await control.accounts.login("doctor", PASSWORD, "203.0.113.1", known)
    with pytest.raises(LoginRefused):
        await control.accounts.login("doctor", PASSWORD, "203.0.113.1")


async def test_a_known_browser_does_not_guess_freely(control: Control) -> None:
    known = (await control.accounts.login("doctor", PASSWORD, "203.0.113.1")).device_token
    await fail(control, 5, "203.0.113.1", known)
    with pytest.raises(LoginRefused) as caught:
        await control.accounts.login("doctor", PASSWORD, "203.0.113.1", known)
    assert caught.value.retry_after == 15.0


async def test_a_device_is_known_for_its_own_account_only(control: Control) -> None:
    await control.accounts.create("nurse", PASSWORD)
    device = (await control.accounts.login("nurse", PASSWORD, "")).device_token
    for _ in range(5):
        with pytest.raises(LoginRefused):
            await control.accounts.login("doctor", "wrong", "", device)
    await control.accounts.login("nurse", PASSWORD, "", device)


async def test_sessions_of_an_account_are_limited(control: Control) -> None:
    first = await control.accounts.login("doctor", PASSWORD, "")
    for _ in range(MAXIMUM_SESSIONS):
        control.time.advance(1)
        last = await control.accounts.login("doctor", PASSWORD, "")
    assert await control.accounts.session(first.token) is None
    assert await control.accounts.session(last.token) is not None


async def test_nothing_secret_is_in_the_file(control: Control) -> None:
    login = await control.accounts.login("doctor", PASSWORD, "")
    dump = await control.database.write(lambda connection: "\n".join(connection.iterdump()))
    assert "doctor" in dump
    for secret in (PASSWORD, login.token, login.device_token):
        assert secret not in dump
    assert login.token not in repr(login.session)


async def test_logins_are_audited_but_no_unknown_names(control: Control) -> None:
    await control.accounts.login("doctor", PASSWORD, "192.0.2.5")
    for name in ("doctor", "my-password-typed-here"):
        with pytest.raises(LoginRefused):
            await control.accounts.login(name, "wrong", "192.0.2.5")
    await control.database.write(lambda connection: None)
    entries = await control.audit.newest(10)
    assert [(entry.actor.name, entry.outcome, entry.actor.source) for entry in entries] == [
        ("unknown", "wrong_credentials", "192.0.2.5"),
        ("doctor", "wrong_credentials", "192.0.2.5"),
        ("doctor", "done", "192.0.2.5"),
    ]


async def test_an_address_that_has_tried_too_many_passwords_is_told_of(control: Control) -> None:
    told: list[tuple[str, str]] = []
    control.accounts.on_locked_out = lambda source, why: told.append((source, why.partition(":")[0]))
    for _ in range(5):
        with pytest.raises(LoginRefused):
            await control.accounts.login("doctor", "wrong", "198.51.100.66")
    assert told == []
    with pytest.raises(LoginRefused):
        await control.accounts.login("doctor", "wrong", "198.51.100.66")
    assert told == [("198.51.100.66", "no password is tried")]
