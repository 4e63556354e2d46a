"""``consilium sip-user``: accounts of SIP devices from the command line, beside a running server or without one."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from consilium.config import Settings
from gatekeeper.users import UserError
from mcu.control.database import Database, DatabaseError
from mcu.control.registration_tables import SipUserTable
from mcu.control.sip_account_file import MAXIMUM_BYTES, read_accounts, write_passwords
from mcu.control.sip_accounts import AccountsRefused, MadeAccount, SipAccounts, WantedAccount

MAX_TOLD = 20
"""Wrong lines that are told at once; who has more wants to look at the list as a whole."""

NO_PASSWORD = "It has no password; with --passwords FILE one is made."


def add_sip_user_arguments(parser: argparse.ArgumentParser) -> None:
    """``add``, ``import``, ``password``, ``list`` and ``remove``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, text in (("add", "make an account"), ("password", "another password for an account")):
        one = actions.add_parser(action, help=f"{text}; the password is asked for, or read from standard input")
        one.add_argument("name", help="user part of the device's address, as 4001")
        if action == "add":
            one.add_argument("--title", default="", help="what people call the device")
            one.add_argument("--generate", action="store_true", help="make a password and print it")
    many = actions.add_parser("import", help="make the accounts of a CSV file, all of them or none")
    many.add_argument("file", type=Path, help="its first line: name,password,title")
    many.add_argument(
        "--passwords", type=Path, metavar="FILE",
        help="make passwords where the list has none, and write them to this new file",
    )  # fmt: skip
    actions.add_parser("list", help="all accounts of the server's own")
    actions.add_parser("remove", help="remove an account; its device is unregistered").add_argument("name")


def run_sip_user(options: argparse.Namespace, settings: Settings) -> int:
    """Do it; returns the exit status. A running server takes the change up within seconds."""
    try:
        if options.action == "import":
            sys.stdout.write(f"{_import(options, settings)} accounts made.\n")
            return 0
        return asyncio.run(_run(options, settings))
    except (UserError, DatabaseError, OSError) as error:
        sys.stderr.write(f"consilium: {error}\n")
        return 1


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    async with _accounts(settings) as accounts:
        return await _act(options, accounts, print)


@contextlib.asynccontextmanager
async def _accounts(settings: Settings) -> AsyncIterator[SipAccounts]:
    settings.data.mkdir(parents=True, exist_ok=True)
    database = await Database.open(settings.data / "consilium.sqlite3")
    try:
        yield SipAccounts(SipUserTable(database), settings.registrar.realm, time.time)
    finally:
        await database.close()


async def _act(options: argparse.Namespace, accounts: SipAccounts, say: Callable[[str], None]) -> int:
    match options.action:
        case "list":
            for user in await accounts.all():
                say(f"{user.name}\t{user.title}".rstrip())
            return 0
        case "add":
            password = None if options.generate else _ask_password()
            _, generated = await accounts.add(options.name, password, options.title)
            if generated is not None:
                say(generated)
            return 0
        case "password":
            is_known = await accounts.set_password(options.name, _ask_password())
        case _:
            is_known = await accounts.remove(options.name)
    if not is_known:
        raise UserError(f"There is no SIP account {options.name!r}.")
    return 0


def _import(options: argparse.Namespace, settings: Settings) -> int:
    """Make the accounts of a list; returns how many. Raises UserError and OSError, and then has made none."""
    with options.file.open("rb") as opened:
        listed = read_accounts(opened.read(MAXIMUM_BYTES + 1))
    if options.passwords is None:
        missing = [(place, NO_PASSWORD) for place, (_, one) in enumerate(listed) if one.password is None]
        if missing:
            raise UserError(_told(missing, listed))
        return len(asyncio.run(_made(settings, listed)))
    # Made first, and readable by its owner only: no account may have a password that is written nowhere.
    descriptor = os.open(options.passwords, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as kept:
        try:
            made = asyncio.run(_made(settings, listed))
        except BaseException:
            options.passwords.unlink()
            raise
        kept.write(write_passwords([(one.user.name, one.password) for one in made if one.password is not None]))
    return len(made)


async def _made(settings: Settings, listed: Sequence[tuple[int, WantedAccount]]) -> list[MadeAccount]:
    async with _accounts(settings) as accounts:
        try:
            return await accounts.add_all([one for _, one in listed])
        except AccountsRefused as error:
            raise UserError(_told(error.errors, listed)) from error


def _told(errors: Sequence[tuple[int, str]], listed: Sequence[tuple[int, WantedAccount]]) -> str:
    """What is wrong, line by line of the file."""
    said = [f"  line {listed[place][0]}: {why}" for place, why in errors[:MAX_TOLD]]
    if len(errors) > MAX_TOLD:
        said.append(f"  … and {len(errors) - MAX_TOLD} more")
    return "\n".join(["No account was made:", *said])


def _ask_password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password of the device: ")
    return sys.stdin.readline().rstrip("\r\n")
