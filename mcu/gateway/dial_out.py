"""Rooms that are dialled: calls out to registered rooms and to addresses that the policy allows.

How it rings there is told by ``mcu.gateway.ringing``; whoever has answered is brought into the conference that calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gatekeeper.dial_policy import DialPolicy, UnusableTarget, is_allowed, target_uri
from gatekeeper.location import Locator, Reach
from mcu.conference.calls import CallAnswered, CallFailed, CallRequest, TargetRefused
from mcu.conference.door.joining import JoinCode, JoinRefused
from mcu.conference.manager import ConferenceManager
from mcu.gateway.ringing import DialCommands, DialFailed, Ringing, RingSettings
from mcu.gateway.sip_gateway import SipGateway
from sip.errors import CallStateError
from sip.grammar import find_parameter
from sip.uri import SipUri

MAXIMUM_WAYS = 4
"""Devices of one target that ring at once; each holds ports while it does."""

# RFC 3261 section 21: busy or away now, or trouble that may pass. Everything else will be the same next time.
_WORTH_RETRYING = frozenset({408, 480, 486, 487, 491, 500, 502, 503, 504, 600})

_JOIN_STATUS = {JoinCode.FULL: 486, JoinCode.MEDIA: 503}


@dataclass(frozen=True)
class DialOutSettings:
    """Whom we call, and how; see ``RingSettings``."""

    policy: DialPolicy
    own_address: Callable[[str], tuple[str, int]]
    ring_seconds: float = 45.0
    ice: bool = False


class DialOut:
    """One for the server; implements ``mcu.conference.calls.Caller``. ``wall`` gives Unix time."""

    def __init__(
        self,
        commands: DialCommands,
        gateway: SipGateway,
        manager: ConferenceManager,
        settings: DialOutSettings,
        ids: Callable[[], str],
        wall: Callable[[], float],
        locator: Locator | None = None,
    ) -> None:
        ring = RingSettings(settings.own_address, settings.ring_seconds, settings.ice)
        self.ringing = Ringing(commands, gateway, ring, ids)
        self._gateway = gateway
        self._manager = manager
        self._settings = settings
        self._wall = wall
        self.locator = locator

    # Caller

    def check(self, target: str) -> str:
        """See ``Caller``."""
        self.ways(target)
        uri = _uri_of(target)
        return target if uri is None else uri.user_name or uri.host_port

    async def call(
        self, request: CallRequest, on_ringing: Callable[[], None], headers: str = ""
    ) -> CallAnswered | CallFailed:
        """See ``Caller``. ``headers`` of the URI to call: who is replaced there, in an attended transfer."""
        try:
            ways = self.ways(request.target)
            if headers:
                ways = tuple(replace(way, contact=f"{way.contact}?{headers}") for way in ways)
            answered = await self.ringing.ring(
                ways, request.name, request.number, request.title or request.number, on_ringing
            )
        except TargetRefused as refused:
            return CallFailed(str(refused), 480, worth_retrying=not refused.is_policy)
        except DialFailed as failed:
            return CallFailed(failed.reason, failed.status, failed.status in _WORTH_RETRYING)
        try:
            participant = await self._manager.bring_in(request.conference_id, answered.newcomer(self._gateway))
        except JoinRefused as refused:
            self._gateway.drop(answered.call, str(refused), "refused")
            return CallFailed(str(refused), _JOIN_STATUS.get(refused.code, 480))
        except CallStateError:
            return CallFailed("Hung up at once", 480, worth_retrying=True)
        except BaseException:
            self._gateway.drop(answered.call, "The call was given up", "refused")
            raise
        return CallAnswered(participant.id)

    # Who may be called

    def may_be_called(self, uri: SipUri) -> bool:
        """Whether a call of ours may be redirected there: somebody who may be called must not call others for us."""
        if find_parameter(uri.parameters, "maddr") is not None:
            return False
        registered = self.locator is not None and bool(self.locator.locate(str(uri), self._wall()))
        return registered or is_allowed(uri, self._settings.policy)

    def ways(self, target: str) -> tuple[Reach, ...]:
        """How ``target`` can be reached: where it is registered, else its address where that may be called.

        Raises TargetRefused.
        """
        if self.locator is not None and (found := self.locator.locate(target.strip(), self._wall())):
            return _one_way_each(found)
        uri = _uri_of(target)
        if uri is None:
            raise TargetRefused("No room is registered under this name.", is_policy=True)
        if not is_allowed(uri, self._settings.policy):
            raise TargetRefused("Neither registered here nor an address that may be called.", is_policy=True)
        return (Reach(aor=str(uri), contact=str(uri)),)


def _uri_of(target: str) -> SipUri | None:
    try:
        return target_uri(target)
    except UnusableTarget as error:
        raise TargetRefused(str(error)) from error


def _one_way_each(found: Sequence[Reach]) -> tuple[Reach, ...]:
    """The best way to each device, up to MAXIMUM_WAYS of them."""
    best: dict[str, Reach] = {}
    for reach in found:
        best.setdefault(reach.endpoint or reach.contact, reach)
    return tuple(best.values())[:MAXIMUM_WAYS]
