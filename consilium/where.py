"""``consilium where``: where a dialled address leads, and why. Reads the database; a server may be running."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time
from collections.abc import Callable

from consilium.calling import dial_settings
from consilium.config import Settings
from consilium.gatekeeper_tables import PlanTables
from gatekeeper.bandwidth import Refusing
from gatekeeper.dialing import Refused, RoomDestination
from gatekeeper.explanation import explain
from gatekeeper.gruu import TemporaryGruus
from gatekeeper.registrar import Registrar, RegistrarSettings
from gatekeeper.zones import Budget, MakingRoom
from mcu.control.database import Database, DatabaseError
from mcu.control.registration_tables import BindingRows
from mcu.gateway.call_policy import CallPolicy, DryRun, PolicyError
from mcu.gateway.plan_operations import THIS_SERVER, dialled_uri

REFUSED = 1
"""Exit status when the call would be refused, so that a script can check a plan."""

NOT_KNOWN = 2


def add_where_arguments(parser: argparse.ArgumentParser) -> None:
    """The address, and who calls."""
    parser.add_argument("address", help="what is dialled: a URI, or what is typed on a keypad")
    parser.add_argument(
        "--source", default="", metavar="ADDRESS", help="IP address of the caller, which tells its zone"
    )
    parser.add_argument("--zone", help="the caller's zone, instead of its address")
    parser.add_argument("--user-agent", default="", help="User-Agent of the caller, which tells its class")


def run_where(options: argparse.Namespace, settings: Settings) -> int:
    """Print the way step by step; returns the exit status: 0, 1 when the call would be refused, 2 for no answer."""
    try:
        found = asyncio.run(_look(options, settings))
    except (DatabaseError, PolicyError) as error:
        sys.stderr.write(f"consilium: {error}\n")
        return NOT_KNOWN
    return tell(found, print)


def tell(found: DryRun, say: Callable[[str], None]) -> int:
    """Say where it goes; returns the exit status."""
    for number, line in enumerate(explain(found.routing), 1):
        say(f"{number}. {line}")
    if isinstance(found.routing.destination, Refused):
        return REFUSED
    if not isinstance(found.routing.destination, RoomDestination):
        return 0
    if found.routing.is_important:
        say(f"The call is important: it may use the bandwidth that is reserved for such. {_others(found.zone.budget)}")
    if isinstance(found.granted, Refusing):
        say(f"Even with no other call it would be refused: {found.granted.shortage}.")
        return REFUSED
    if found.granted is not None and found.granted.shortage is not None:
        rate = found.granted.picture // 1000
        say(f"Even with no other call its picture has {rate} kbit/s only: {found.granted.shortage}.")
    return 0


def _others(budget: Budget) -> str:
    """What an important call does to others where even the reserve is used up."""
    match budget.making_room:
        case MakingRoom.LOWER:
            return "Where that is used up, the pictures of other calls are lowered for it."
        case MakingRoom.END:
            return (
                "Where that is used up, the pictures of other calls are lowered for it, and calls that came last end."
            )
        case MakingRoom.NEVER:
            return "Other calls do not give way to it."


async def _look(options: argparse.Namespace, settings: Settings) -> DryRun:
    file = settings.data / "consilium.sqlite3"
    if not file.is_file():
        raise DatabaseError(f"{file} is not there: say with --set data=FOLDER where the server keeps its data")
    database = await Database.open(file)
    try:
        now = time.time()
        registrar = Registrar(
            RegistrarSettings(domains=frozenset(domain.lower() for domain in settings.registrar.domains)),
            # Temporary addresses are nothing that people dial, so any key does.
            TemporaryGruus(secrets.token_bytes(32), secrets.token_bytes),
        )
        registrar.restore(await BindingRows(database).load(now), now)
        policy = CallPolicy(
            PlanTables(database),
            dial_settings(settings),
            settings.media.bitrate,
            lambda alias: bool(registrar.locate(alias, now)),
        )
        await policy.load()
        uri = dialled_uri(options.address, THIS_SERVER)
        return policy.try_out(uri, options.source, options.zone, options.user_agent)
    finally:
        await database.close()
