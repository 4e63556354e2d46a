"""``consilium sip-user``: accounts of SIP devices from the command line, beside a running server or without one."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
import time
from collections.abc import Callable

from consilium.config import Settings
from gatekeeper.users import UserError
from mcu.control.database import Database, DatabaseError
from mcu.control.registration_tables import SipUserTable
from mcu.control.sip_accounts import SipAccounts


def add_sip_user_arguments(parser: argparse.ArgumentParser) -> None:
    """``add``, ``password``, ``list`` and ``remove``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, text in (("add", "make an account"), ("password", "another password for an account")):
        one = actions.add_parser(action, help=f"{text}; the password is asked for, or read from standard input")
        one.add_argument("name", help="user part of the device's address, as 4001")
        if action == "add":
            one.add_argument("--title", default="", help="what people call the device")
            one.add_argument("--generate", action="store_true", help="make a password and print it")
    actions.add_parser("list", help="all accounts of the server's own")
    actions.add_parser("remove", help="remove an account; its device is unregistered").add_argument("name")


def run_sip_user(options: argparse.Namespace, settings: Settings) -> int:
    """Do it; returns the exit status. A running server takes the change up within seconds."""
    try:
        return asyncio.run(_run(options, settings))
    except (UserError, DatabaseError) as error:
        sys.stderr.write(f"consilium: {error}\n")
        return 1


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    settings.data.mkdir(parents=True, exist_ok=True)
    database = await Database.open(settings.data / "consilium.sqlite3")
    try:
        accounts = SipAccounts(SipUserTable(database), settings.registrar.realm, time.time)
        return await _act(options, accounts, print)
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


def _ask_password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password of the device: ")
    return sys.stdin.readline().rstrip("\r\n")
