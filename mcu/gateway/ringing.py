"""Ringing at a target: on all ways to it at once; the first that is answered wins, the others are given up.

Each way has ports and an offer of its own until then. The leg is made from our offer and the answer, when the answer is
there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gatekeeper.location import Reach
from mcu.conference.door.joining import Newcomer, Seat
from mcu.gateway.offer_styles import OTHER_OFFER, is_browser, offer_styles
from mcu.gateway.rtp_ports import NoPortsLeft
from mcu.gateway.sip_call import SipCall
from mcu.gateway.sip_gateway import SipGateway
from mcu.media.spec import LegSpec
from mcu.ports import LegOwner
from sip import events as sip_events
from sip.errors import CallStateError, SipParseError
from sip.flow import Flow
from sip.sdp.grammar import SdpError
from sip.sdp.negotiation import NotAcceptable
from sip.sdp.session import NegotiatedSession
from sip.uri import OtherUri, SipUri, parse_uri

logger = logging.getLogger(__name__)


class DialCommands(Protocol):
    """What is said to ``sip.agent.UserAgent``. The last two raise CallStateError when the call has just ended."""

    def invite(
        self,
        target: str,
        offer: str,
        from_uri: str,
        from_name: str = "",
        via_transport: str = "udp",
        *,
        route: Sequence[str] = (),
        flow: Flow | None = None,
    ) -> str: ...
    def cancel(self, call: str, reason: str | None = None) -> None: ...
    def hang_up(self, call: str, reason: str | None = None) -> None: ...


@dataclass(frozen=True)
class RingSettings:
    """``seconds``: how long a target may ring. ``own_address``: (host, port) of ours towards a host.

    ``ice``: offer ICE to rooms as well; programs in browsers always get it.
    """

    own_address: Callable[[str], tuple[str, int]]
    seconds: float = 45.0
    ice: bool = False


class Nowhere:
    """Holds the leg of a call that was answered but has not come into a conference yet."""

    async def replace_leg(self, participant_id: str, leg: LegSpec) -> None:
        """See ``LegHolder``: not yet."""
        raise KeyError(participant_id)

    async def leave(self, participant_id: str, reason: str = "left") -> None:
        """See ``LegHolder``: there is nothing to leave."""


@dataclass(eq=False)
class Answered:
    """A target has answered: its call, which the gateway serves from now on, and what was negotiated.

    ``is_in``: it has come into its conference.
    """

    call: SipCall
    negotiated: NegotiatedSession
    is_in: bool = False

    def newcomer(self, owner: LegOwner) -> Newcomer:
        """The target at the door of a conference."""
        call = self.call
        known_as = None if call.session is None else call.session.seat.participant_id
        return Newcomer(call.name, "sip", owner, self.make_leg, id=known_as, source=call.source, device=call.peer)

    def make_leg(self, seat: Seat) -> LegSpec:
        """The leg on this seat. Raises CallStateError when the call is over again."""
        call, session = self.call, self.call.session
        if call.over or session is None:
            raise CallStateError(f"{call.handle} is over")
        session.seat = seat
        call.holder = None
        session.leg = session.make_leg(self.negotiated)
        return session.leg


class DialFailed(Exception):
    """Nobody answered. ``status`` is the best of the refusals' (RFC 3261 section 16.7)."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class _Way:
    """One INVITE that is under way. ``early`` are events that came before its answer was dealt with."""

    def __init__(self, on_ringing: Callable[[], None]) -> None:
        self.on_ringing = on_ringing
        self.result: asyncio.Future[sip_events.CallAnswered | sip_events.CallRefused] = (
            asyncio.get_running_loop().create_future()
        )
        self.early: list[sip_events.Event] = []


_OURS = (
    sip_events.CallProgress,
    sip_events.CallAnswered,
    sip_events.CallRefused,
    sip_events.CallEnded,
    sip_events.ReofferReceived,
    sip_events.InfoReceived,
)


class Ringing:
    """One for the server. ``ids`` gives ids of seats."""

    def __init__(
        self, commands: DialCommands, gateway: SipGateway, settings: RingSettings, ids: Callable[[], str]
    ) -> None:
        self._commands = commands
        self._gateway = gateway
        self._settings = settings
        self._ids = ids
        self._ways: dict[str, _Way] = {}
        gateway.add_taker(self._take)

    async def ring(
        self, ways: Sequence[Reach], name: str, from_user: str | None, from_name: str, on_ringing: Callable[[], None]
    ) -> Answered:
        """Ring on all ways until one is answered. Raises DialFailed. Cancelled, it gives all of them up."""
        tasks = {asyncio.create_task(self._ring_one(way, name, from_user, from_name, on_ringing)) for way in ways}
        failures: list[DialFailed] = []
        winner: Answered | None = None
        pending = set(tasks)
        try:
            async with asyncio.timeout(self._settings.seconds):
                while pending and winner is None:
                    done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        error = task.exception()
                        if isinstance(error, DialFailed):
                            failures.append(error)
                        elif error is not None:
                            raise error
                        elif winner is None:
                            winner = task.result()
        except TimeoutError:
            failures.append(DialFailed(408, "Nobody answered"))
        finally:
            await self._give_up(tasks, winner)
        if winner is not None:
            return winner
        raise min(failures, key=lambda failed: (failed.status in (408, 503), failed.status))

    async def _give_up(self, tasks: set[asyncio.Task[Answered]], winner: Answered | None) -> None:
        """End all ways but the winner's, also those that were answered in the same instant."""
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Answered) and outcome is not winner:
                self._gateway.drop(outcome.call, "Answered elsewhere", "refused")

    async def _ring_one(
        self, way: Reach, name: str, from_user: str | None, from_name: str, on_ringing: Callable[[], None]
    ) -> Answered:
        """One way from the offer to its answer; who refuses an offer as such is made another one."""
        uri = parse_uri(way.contact)
        if isinstance(uri, OtherUri):
            raise DialFailed(416, "Not a SIP address")
        peer = way.flow.remote[0] if way.flow is not None else uri.host
        host, port = self._settings.own_address(peer)
        transport = way.flow.transport if way.flow is not None else uri.transport or "udp"
        try:
            session = self._gateway.sessions.open(
                Seat(self._ids(), "", ""), name, host, peer, shares=not is_browser(transport)
            )
        except NoPortsLeft as error:
            logger.error("%s (settings media.rtp_port_first and media.rtp_port_last)", error)
            raise DialFailed(503, "No media ports are left") from error
        holds = True
        try:
            sender = SipUri(host, from_user, port if port != 5060 else None)
            for style in offer_styles(session.descriptions.capabilities, transport, ice=self._settings.ice):
                offer = session.descriptions.first_offer(style.of(session.descriptions.capabilities))
                handle = self._commands.invite(
                    str(uri),
                    str(offer),
                    str(sender),
                    from_name,
                    uri.transport or "udp",
                    route=way.route,
                    flow=way.flow,
                )
                session.descriptions.sent(offer, is_offer=True)
                result, early = await self._result(handle, on_ringing)
                if isinstance(result, sip_events.CallAnswered) or result.status not in OTHER_OFFER:
                    break
                logger.info("%s refuses %s: %s", uri.host, offer.media[0].protocol, result.reason or result.status)
            if isinstance(result, sip_events.CallRefused):
                raise DialFailed(result.status, result.reason or str(result.status))
            call = SipCall(handle, uri.host, name, session, holder=Nowhere(), peer=way.aor, user_agent=way.user_agent)
            self._gateway.adopt(call)
            holds = False  # the gateway's from now on
            for event in early:
                self._gateway.handle(event)
            try:
                if result.answer is None:
                    raise SdpError("the answer is missing")
                return Answered(call, session.descriptions.take_answer(result.answer))
            except (SdpError, NotAcceptable) as error:
                self._gateway.drop(call, "The answer to our offer was not usable", "refused")
                raise DialFailed(488, f"Its answer is of no use: {error}") from error
        except SipParseError as error:
            raise DialFailed(404, f"The address cannot be called: {error}") from error
        finally:
            if holds:
                self._gateway.sessions.release(session)

    async def _result(
        self, handle: str, on_ringing: Callable[[], None]
    ) -> tuple[sip_events.CallAnswered | sip_events.CallRefused, list[sip_events.Event]]:
        """How the INVITE ends, and what came after that.

        Cancelled, it is given up, and an answer that crosses that is hung up on.
        """
        way = self._ways[handle] = _Way(on_ringing)
        try:
            return await asyncio.shield(way.result), way.early
        except asyncio.CancelledError:
            if way.result.done():
                outcome = way.result.result()
                if isinstance(outcome, sip_events.CallAnswered):
                    with contextlib.suppress(CallStateError):
                        self._commands.hang_up(handle, "The call was given up")
            else:
                with contextlib.suppress(CallStateError):
                    self._commands.cancel(handle, "The call was given up")
            raise
        finally:
            self._ways.pop(handle, None)

    # Events

    def _take(self, event: sip_events.Event) -> bool:
        """Those about INVITEs of ours that are under way."""
        if not isinstance(event, _OURS) or (way := self._ways.get(event.call)) is None:
            return False
        match event:
            case sip_events.CallProgress(status=status):
                if status in (180, 183):
                    way.on_ringing()
            case sip_events.CallAnswered() | sip_events.CallRefused():
                if not way.result.done():
                    way.result.set_result(event)
            case _:
                # It was answered an instant ago; the gateway gets this once it has the call.
                way.early.append(event)
        return True
