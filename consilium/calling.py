"""Calls that the server makes: who may be called, and what is told to whoever is called."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable

from consilium.config import Settings
from gatekeeper.dial_policy import dial_policy
from gatekeeper.dialing import DialSettings
from gatekeeper.location import Locator
from mcu.conference.manager import ConferenceManager, random_id
from mcu.gateway.conference_watchers import ConferenceWatchers
from mcu.gateway.dial_out import DialOut, DialOutSettings
from mcu.gateway.menu import MenuGateway, MenuSettings
from mcu.gateway.point_to_point import PointToPoint, RingCommands
from mcu.gateway.room_chat import RoomChat
from mcu.gateway.sip_gateway import SipGateway
from mcu.gateway.transfers import Transfers
from mcu.ports import MediaControl
from sip.agent import UserAgent
from sip.conference_info import CONFERENCE_PACKAGE
from sip.listeners import LocalAddresses
from sip.local_networks import LocalNetworks

logger = logging.getLogger(__name__)


def dial_out(
    settings: Settings,
    commands: UserAgent,
    gateway: SipGateway,
    manager: ConferenceManager,
    locator: Locator | None = None,
) -> DialOut:
    """Let conferences call rooms."""
    calls = DialOut(
        commands,
        gateway,
        manager,
        DialOutSettings(
            dial_policy(settings.dial_out.domains, settings.dial_out.networks),
            own_address(settings),
            settings.dial_out.ring_timeout,
            settings.dial_out.ice,
        ),
        random_id,
        time.time,
        locator,
    )
    commands.restrict_redirections(calls.may_be_called)
    manager.outgoing.caller = calls
    return calls


def point_to_point(
    commands: RingCommands, gateway: SipGateway, manager: ConferenceManager, calls: DialOut
) -> PointToPoint:
    """Let registered rooms call each other."""
    return PointToPoint(commands, gateway, manager, calls, random_id)


def dial_settings(settings: Settings) -> DialSettings:
    """Where what is dialled leads."""
    menu = settings.menu
    numbers = frozenset(number.strip().lower() for number in menu.access_numbers)
    return DialSettings(menu=menu.enabled, access_numbers=numbers)


def menu(settings: Settings, gateway: SipGateway, manager: ConferenceManager, media: MediaControl) -> MenuGateway:
    """The menu for callers of the bare address and of access numbers."""
    if settings.menu.enabled and not settings.menu.prompts.is_dir():
        logger.warning(
            "%s is missing: the menu gives tones instead of words (make prompts makes it; setting menu.prompts)",
            settings.menu.prompts,
        )
    return MenuGateway(
        gateway,
        manager,
        media,
        MenuSettings(
            prompts=settings.menu.prompts.absolute(),
            languages=settings.menu.languages,
            maximum=settings.menu.max_callers,
            new_number=_new_numbers(settings, manager),
        ),
        time.monotonic,
        random_id,
    )


def room_chat(gateway: SipGateway, manager: ConferenceManager) -> RoomChat:
    """Let rooms write into the chat."""
    return RoomChat(gateway, manager)


def _new_numbers(settings: Settings, manager: ConferenceManager) -> Callable[[], str] | None:
    """Random free numbers that fit the pattern; None where callers may open none, or the pattern knows no digits."""
    fits = re.compile(settings.rooms.number_pattern)
    lengths = [length for length in (6, 7, 8, 5, 4, 3) if fits.fullmatch("8" * length)]
    if not settings.rooms.create_on_dial or not lengths:
        return None

    def new_number() -> str:
        for _ in range(100):
            number = str(10 ** (lengths[0] - 1) + secrets.randbelow(9 * 10 ** (lengths[0] - 1)))
            if fits.fullmatch(number) and manager.conference(number) is None:
                return number
        return "8" * lengths[0]

    return new_number


def in_conference_services(
    agent: UserAgent, gateway: SipGateway, manager: ConferenceManager, calls: DialOut
) -> tuple[ConferenceWatchers, Transfers]:
    """Let rooms see who is in their conference, and bring others in. Both are to be closed."""
    agent.serve_packages(CONFERENCE_PACKAGE)
    watchers = ConferenceWatchers(agent, gateway, manager)
    watchers.start()
    return watchers, Transfers(agent, gateway, manager, calls)


def own_address(settings: Settings) -> Callable[[str], tuple[str, int]]:
    """The address of ours that a host can reach."""
    addresses = LocalAddresses()
    sip = settings.sip
    nearby = LocalNetworks(sip.local_networks)

    def towards(host: str) -> tuple[str, int]:
        is_ipv6 = ":" in host
        if sip.public_address is not None and host not in nearby and (":" in sip.public_address) == is_ipv6:
            return sip.public_address, sip.port
        listening_on = sip.ipv6_host if is_ipv6 and sip.ipv6_host is not None else sip.host
        return addresses.towards(listening_on, host), sip.port

    return towards
