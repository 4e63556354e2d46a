"""The command line: ``consilium serve``, ``room``, ``sip-user``, ``where``, ``settings``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from consilium.config import Settings, SettingsError, described, load_settings
from consilium.garbage import settle
from consilium.open_files import allow_open_files
from consilium.sip_user_command import add_sip_user_arguments, run_sip_user
from consilium.where import add_where_arguments, run_where

if TYPE_CHECKING:  # it loads codecs, which only the room needs
    from consilium.simulated_room.sharing import RoomSharing

CONFIG_VARIABLE = "CONSILIUM_CONFIG"
DEFAULT_CONFIG = Path("consilium.toml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="consilium", description="Conferencing server for telemedicine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the server until it is stopped by Ctrl-C")
    serve.add_argument("--config", type=Path, help=f"TOML file with settings (default: {DEFAULT_CONFIG} if there)")
    serve.add_argument(
        "--set", dest="assignments", action="append", default=[], metavar="NAME=VALUE",
        help="one setting, as sip.port=5070; may be given often",
    )  # fmt: skip
    serve.set_defaults(run=_serve)

    room = commands.add_parser("room", help="be a small simulated SIP room that dials in and plays a clip")
    room.add_argument("--call", required=True, metavar="URI", help="SIP URI to dial, as sip:1000@127.0.0.1")
    room.add_argument("--clip", type=Path, help="any video file; it is played again and again (default: a test card)")
    room.add_argument("--share", type=Path, metavar="FILE", help="share this video as a second picture (BFCP)")
    room.add_argument("--save", type=Path, metavar="FILE", help="write what is received to a Matroska file")
    room.add_argument("--name", default="Simulated room", help="what the tile shows")
    room.add_argument("--seconds", type=float, help="hang up after so long (default: when interrupted)")
    room.add_argument("--transport", choices=("udp", "tcp"), default="udp", help="transport of the signalling")
    room.add_argument(
        "--encryption",
        choices=("none", "sdes", "dtls"),
        default="none",
        help="demand encrypted media, by keys in the description or by DTLS, and BFCP over TLS",
    )
    room.add_argument(
        "--lost",
        choices=("repeat", "repair", "neither"),
        default="repeat",
        help="lost packets of pictures are sent again, or mended by others (forward error correction)",
    )
    room.add_argument("--size", choices=("1080p", "720p", "360p"), default="720p", help="size of the picture sent")
    room.add_argument("--verbose", action="store_true", help="log what happens")
    room.set_defaults(run=_room)

    sip_user = commands.add_parser("sip-user", help="accounts of SIP devices: add, import, password, list, remove")
    sip_user.add_argument("--config", type=Path, help="as for serve")
    sip_user.add_argument("--set", dest="assignments", action="append", default=[], metavar="NAME=VALUE")
    add_sip_user_arguments(sip_user)
    sip_user.set_defaults(run=_sip_user)

    where = commands.add_parser("where", help="tell where a dialled address would lead, and why")
    where.add_argument("--config", type=Path, help="as for serve")
    where.add_argument("--set", dest="assignments", action="append", default=[], metavar="NAME=VALUE")
    add_where_arguments(where)
    where.set_defaults(run=_where)

    settings = commands.add_parser("settings", help="list every setting with its default")
    settings.set_defaults(run=_settings)
    return parser


def _settings(options: argparse.Namespace) -> int:
    for name, (default, description) in described().items():
        print(f"{name} = {default}\n    {description}")
    return 0


def _sip_user(options: argparse.Namespace) -> int:
    try:
        settings = load_settings(_config_file(options.config), os.environ, options.assignments)
    except SettingsError as error:
        print(f"consilium: {error}", file=sys.stderr)
        return 2
    return run_sip_user(options, settings)


def _where(options: argparse.Namespace) -> int:
    try:
        settings = load_settings(_config_file(options.config), os.environ, options.assignments)
    except SettingsError as error:
        print(f"consilium: {error}", file=sys.stderr)
        return 2
    return run_where(options, settings)


def _serve(options: argparse.Namespace) -> int:
    try:
        settings = load_settings(_config_file(options.config), os.environ, options.assignments)
    except SettingsError as error:
        print(f"consilium: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(
        level=settings.log.level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    allow_open_files()
    return uvloop.run(_run_server(settings))


def _config_file(given: Path | None) -> Path | None:
    if given is not None:
        return given
    if CONFIG_VARIABLE in os.environ:
        return Path(os.environ[CONFIG_VARIABLE])
    return DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None


async def _run_server(settings: Settings) -> int:
    from consilium.server import Server, StartError  # here, so that other commands start without all of it

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    server = Server(settings)
    try:
        addresses = await server.start()
    except StartError as error:
        print(f"consilium: {error}", file=sys.stderr)
        return 1
    print("Consilium is running.")
    print(f"  Browsers:  {addresses.web}  (on this machine also {addresses.local_web})")
    print(f"  Rooms:     {addresses.sip}")
    if addresses.administrator_password is not None:
        print(f"  First start: log in as 'admin' with the password  {addresses.administrator_password}")
        print("  It is shown only now; change it after logging in.")
    print("  Ctrl-C stops it.", flush=True)
    settle()
    await stopped.wait()
    print("Stopping: calls are ended and recordings closed …", flush=True)
    await server.stop()
    return 0


def _room(options: argparse.Namespace) -> int:
    logging.basicConfig(level="INFO" if options.verbose else "WARNING", format="%(levelname)s %(name)s: %(message)s")
    return uvloop.run(_run_room(options))


async def _run_room(options: argparse.Namespace) -> int:
    from consilium.simulated_room.clip import ClipError, ClipFormat, load_clip
    from consilium.simulated_room.room import CallFailed, RoomSettings, SimulatedRoom
    from consilium.simulated_room.test_card import make_test_card

    sizes = {"1080p": (1920, 1080, 3_000_000), "720p": (1280, 720, 2_000_000), "360p": (640, 360, 700_000)}
    width, height, bitrate = sizes[options.size]
    shape = ClipFormat(width, height, 30, bitrate)
    try:
        if options.clip is None:
            clip = await asyncio.to_thread(make_test_card, shape)
        else:
            clip = await asyncio.to_thread(load_clip, options.clip, shape)
        slides = None
        if options.share is not None:
            slides = await asyncio.to_thread(load_clip, options.share, ClipFormat(1920, 1080, 15, 2_000_000))
    except ClipError as error:
        print(f"consilium: {error}", file=sys.stderr)
        return 2
    settings = RoomSettings(
        name=options.name,
        transport=options.transport,
        save=options.save,
        dual_stream=slides is not None,
        encryption=options.encryption,
        lost=options.lost,
    )
    room = SimulatedRoom(settings, clip)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, room.ended.set)
    try:
        await room.call(options.call)
    except (CallFailed, OSError) as error:
        print(f"consilium: the call failed: {error}", file=sys.stderr)
        await room.hang_up()
        return 1
    print(f"In the call with {options.call}. Ctrl-C hangs up.", flush=True)
    telling: asyncio.Task[None] | None = None
    if slides is not None:
        if room.sharing is None:
            print("The other side takes no second picture.", flush=True)
        else:
            room.sharing.ask(slides)
            telling = asyncio.create_task(_tell_of_sharing(room.sharing))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(options.seconds):
            await room.ended.wait()
    if telling is not None:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    reason = f" ({room.end_reason})" if room.end_reason else ""
    print(f"Received {room.pictures_received} pictures and {room.sounds_received} sound frames{reason}.")
    await room.hang_up()
    return 0


async def _tell_of_sharing(sharing: RoomSharing) -> None:
    """Say so once we have the floor, however long others have it first."""
    from sip.bfcp.client import FloorState

    await sharing.until(FloorState.GRANTED, seconds=None)
    print("Sharing.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
