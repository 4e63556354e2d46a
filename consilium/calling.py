"""Calls that the server makes: who may be called, and what is told to whoever is called."""

from __future__ import annotations

import time
from collections.abc import Callable

from consilium.config import Settings
from gatekeeper.dial_policy import dial_policy
from gatekeeper.location import Locator
from mcu.conference.manager import ConferenceManager, random_id
from mcu.gateway.dial_out import DialCommands, DialOut, DialOutSettings
from mcu.gateway.point_to_point import PointToPoint, RingCommands
from mcu.gateway.sip_gateway import SipGateway
from sip.listeners import LocalAddresses


def dial_out(
    settings: Settings,
    commands: DialCommands,
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
            _own_address(settings),
            settings.dial_out.ring_timeout,
        ),
        random_id,
        time.time,
        locator,
    )
    manager.outgoing.caller = calls
    return calls


def point_to_point(
    commands: RingCommands, gateway: SipGateway, manager: ConferenceManager, calls: DialOut
) -> PointToPoint:
    """Let registered rooms call each other."""
    return PointToPoint(commands, gateway, manager, calls, random_id)


def _own_address(settings: Settings) -> Callable[[str], tuple[str, int]]:
    """The address of ours that a host can reach."""
    addresses = LocalAddresses()
    sip = settings.sip

    def towards(host: str) -> tuple[str, int]:
        return sip.public_address or addresses.towards(sip.host, host), sip.port

    return towards
