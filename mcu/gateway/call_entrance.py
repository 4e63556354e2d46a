"""Calls that come in: where they lead, who lets them in, and how they are refused."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from gatekeeper.bandwidth import Refusing
from gatekeeper.dialing import (
    AliasDestination,
    DialSettings,
    MenuDestination,
    Refused,
    RoomDestination,
    Routed,
    resolve,
)
from mcu.conference.door.joining import JoinRefused, Newcomer, Seat
from mcu.conference.manager import ConferenceManager
from mcu.conference.model import Conference
from mcu.gateway.call_admission import CallAdmission
from mcu.gateway.call_endings import CallEndings
from mcu.gateway.call_sessions import CallSessions
from mcu.gateway.call_table import CallTable
from mcu.gateway.rtp_ports import NoPortsLeft
from mcu.gateway.sip_call import SipCall
from mcu.gateway.sip_commands import SipCommands
from mcu.gateway.sip_replies import Refusal, refusal_of
from mcu.gateway.tasks import Tasks
from mcu.media.spec import LegSpec
from mcu.ports import LegOwner
from sip import events as sip_events
from sip.errors import CallStateError
from sip.once import OncePerSource
from sip.sdp.grammar import SdpError
from sip.sdp.negotiation import NotAcceptable
from sip.sdp.session import NegotiatedSession

logger = logging.getLogger(__name__)

Joined = TypeVar("Joined")

# Somebody will have hung up by then; seconds.
NO_PORTS_RETRY = 60


class CallEntrance:
    """One for the server. ``owner`` answers for the legs of those who come in.

    ``dialing`` says where calls go unless ``admission`` does. ``menu`` serves calls that lead to the menu, ``connect``
    those that lead to somebody who is registered; ``on_refused`` is told source and status of refusals.
    """

    def __init__(
        self,
        commands: SipCommands,
        manager: ConferenceManager,
        table: CallTable,
        sessions: CallSessions,
        endings: CallEndings,
        tasks: Tasks,
        owner: LegOwner,
        dialing: DialSettings,
        admission: CallAdmission | None,
    ) -> None:
        self._commands = commands
        self._manager = manager
        self._table = table
        self._sessions = sessions
        self._endings = endings
        self._tasks = tasks
        self._owner = owner
        self.dialing = dialing
        self._admission = admission
        self._refused = OncePerSource(logger)
        self.menu: Callable[[sip_events.IncomingCall], None] | None = None
        self.connect: Callable[[sip_events.IncomingCall, AliasDestination], None] | None = None
        self.on_refused: Callable[[str, int], None] = lambda source, status: None

    def receive(self, event: sip_events.IncomingCall) -> None:
        """Send a call where it leads; never waits."""
        handle, source = event.call_id, event.source.remote[0]
        place = self._place_of(event.replaces)
        if place is not None and place.pair:
            if self._admission is not None:
                self._admission.take_place(event, place.number)
            self._tasks.start(self._take_place(self.expect(event), event, place.id))
            return
        if place is not None:
            # The way to a call is no number that anybody dials; on the books it counts as one to its conference.
            event = replace(event, request_uri=f"sip:{place.number}@{event.source.local[0]}")
        if self._admission is None:
            destination: Routed = resolve(event.request_uri, self.dialing)
        else:
            destination = self._admission.receive(event)
        match destination:
            case MenuDestination():
                if self.menu is None:
                    self.reject(handle, source, Refusal(404, "There is no menu here"))
                else:
                    self.menu(event)
            case AliasDestination():
                if self.connect is None:
                    self.reject(handle, source, Refusal(480, "Nobody can be called under this address"))
                else:
                    self.connect(event, destination)
            case Refused():
                self.reject(handle, source, Refusal(destination.status, destination.reason))
            case _ if place is not None:
                self._tasks.start(self._take_place(self.expect(event), event, place.id))
            case RoomDestination():
                self._tasks.start(self._join_room(self.expect(event), event, destination))

    def _place_of(self, replaced: str) -> Conference | None:
        """The conference that a call is in, for one that takes its place (RFC 3891)."""
        participant = self._table.participant_in(replaced)
        return None if participant is None else self._manager.conference_of(participant)

    async def _take_place(self, call: SipCall, event: sip_events.IncomingCall, conference_id: str) -> None:
        # No PIN is asked for: who was in has handed over its place.
        await self.admit(call, event, lambda who: self._manager.bring_in(conference_id, who))

    async def _join_room(self, call: SipCall, event: sip_events.IncomingCall, destination: RoomDestination) -> None:
        await self.admit(call, event, lambda who: self._manager.join(destination.number, who, destination.pin))

    def expect(self, event: sip_events.IncomingCall) -> SipCall:
        """An incoming call, known before anything is waited for: a CANCEL may be the very next event."""
        name = event.from_name or _user_part(event.from_uri)
        call = SipCall(event.call_id, event.source.remote[0], name, peer=event.from_uri)
        self._table.add(call)
        return call

    async def admit(
        self, call: SipCall, event: sip_events.IncomingCall, join: Callable[[Newcomer], Awaitable[Joined]]
    ) -> Joined | None:
        """Join a conference, then answer; without an offer of the caller's, ours goes out. None: it is turned away."""
        negotiated: NegotiatedSession | None = None

        def make_leg(seat: Seat) -> LegSpec:
            # Only now that the conference lets the call in: whoever dials at random takes no ports.
            nonlocal negotiated
            if call.over:
                raise CallStateError(f"{call.handle} was given up at the door")
            session = call.session = self._sessions.open(
                seat, call.name, event.source.local[0], event.source.remote[0], call=call.handle, offer=event.offer
            )
            if event.offer is not None:
                negotiated = session.descriptions.answer(event.offer)
            self._table.add(call)
            session.leg = session.make_leg(negotiated)
            return session.leg

        newcomer = Newcomer(
            name=call.name, kind="sip", owner=self._owner, make_leg=make_leg, source=call.source, device=call.peer
        )
        try:
            participant = await join(newcomer)
            if not call.over and call.session is not None:  # else its leaving is under way
                descriptions = call.session.descriptions
                description = negotiated.description if negotiated is not None else descriptions.offer()
                self._commands.accept(call.handle, str(description))
                descriptions.sent(description, is_offer=negotiated is None)
            return participant
        except CallStateError:
            return None  # given up a moment ago; that is dealt with when its event comes
        except (JoinRefused, SdpError, NotAcceptable, Refusing) as error:
            self.turn_away(call, refusal_of(error))
        except NoPortsLeft as error:
            logger.error("%s (settings media.rtp_port_first and media.rtp_port_last)", error)
            self.turn_away(call, Refusal(503, "No media ports are left", retry_after=NO_PORTS_RETRY))
        except BaseException:
            self.turn_away(call, Refusal(500, "Server error"))
            raise
        return None

    def turn_away(self, call: SipCall, refusal: Refusal) -> None:
        """Refuse a call that was expected; nothing for one that is over."""
        if not call.over:
            self.reject(call.handle, call.source, refusal)
            self._endings.give_up(call, "refused")

    def reject(self, handle: str, source: str, refusal: Refusal) -> None:
        """Refuse an incoming call of ``source``."""
        if self._admission is not None:
            self._admission.ended(handle, "refused", refusal.status, refusal.phrase)
        # Once per source and kind: whoever scans for rooms must not fill the log.
        self._refused.warning(
            f"{source} {refusal.status}", "call from %s refused with %d: %s", source, refusal.status, refusal.phrase
        )
        self.on_refused(source, refusal.status)
        with contextlib.suppress(CallStateError):  # the caller gave up in the same instant
            self._commands.reject(handle, refusal.status, refusal.phrase, refusal.warning, refusal.retry_after)


def _user_part(uri: str) -> str:
    """The readable part of a SIP URI, for the tile of a room that gives no display name."""
    return uri.partition(":")[2].partition("@")[0] or uri
