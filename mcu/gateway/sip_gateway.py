"""Rooms that dial in: SIP calls become participants, and what happens to a participant reaches its call."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Protocol

from gatekeeper.dialing import DialSettings, Refused, RoomDestination, resolve

from mcu.conference.joining import JoinCode, JoinRefused, Newcomer, Seat
from mcu.conference.manager import ConferenceManager
from mcu.gateway.rtp_ports import NoPortsLeft, RtpPorts
from mcu.gateway.sip_media import RoomMedia, local_media, room_capabilities, sip_leg
from mcu.media.facts import Fact, LegSilent
from mcu.media.spec import LegSpec, PlainTransport
from mcu.ports import MediaControl, MediaError
from sip import events as sip_events
from sip.errors import CallStateError
from sip.sdp.grammar import SdpError, SessionDescription, parse
from sip.sdp.negotiation import NotAcceptable, accept_answer, answer, make_offer
from sip.sdp.session import NegotiatedSession

logger = logging.getLogger(__name__)

MEDIA_CONTROL = "application/media_control+xml"

# RFC 5168 section 5: the one command that is in use.
PICTURE_FAST_UPDATE = (
    b'<?xml version="1.0" encoding="utf-8"?>\r\n'
    b"<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></media_control>\r\n"
)

# Why the conference turned a caller away, as SIP says it.
_REFUSALS = {
    JoinCode.UNKNOWN_ROOM: 404,
    JoinCode.WRONG_PIN: 403,
    JoinCode.TOO_MANY_ATTEMPTS: 403,
    JoinCode.FULL: 486,
    JoinCode.LOCKED: 480,
    JoinCode.MEDIA: 503,
}


class SipCommands(Protocol):
    """What the gateway says to ``sip.agent.UserAgent``. All raise CallStateError when the call has just ended."""

    def accept(self, call: str, sdp: str) -> None: ...
    def reject(
        self,
        call: str,
        status: int,
        reason: str | None = None,
        warning: str | None = None,
        retry_after: int | None = None,
    ) -> None: ...
    def answer_reoffer(self, call: str, sdp: str) -> None: ...
    def refuse_reoffer(self, call: str, status: int, reason: str | None = None, warning: str | None = None) -> None: ...
    def hang_up(self, call: str, reason: str | None = None) -> None: ...
    def send_info(self, call: str, content_type: str, body: bytes) -> None: ...


@dataclass
class _Call:
    """A room's call. ``over`` once it is cancelled, ended or refused: what is still under way must then be undone."""

    handle: str
    room: RoomMedia
    session_id: int
    version: int = 1
    seat: Seat | None = None
    name: str = ""
    offered: SessionDescription | None = field(default=None, repr=False)
    over: bool = False


class SipGateway:
    """One for the server. ``handle`` takes the user agent's events; it implements ``LegOwner`` for its participants.

    ``public_address`` is told to rooms instead of the address their packets came to. ``ids`` gives random 31-bit
    numbers for sessions and SSRCs.
    """

    def __init__(
        self,
        commands: SipCommands,
        manager: ConferenceManager,
        media: MediaControl,
        ports: RtpPorts,
        *,
        media_host: str,
        public_address: str | None,
        silence_timeout: float,
        ids: Callable[[], int],
        dialing: DialSettings | None = None,
    ) -> None:
        self._commands = commands
        self._manager = manager
        self._media = media
        self._ports = ports
        self._media_host = media_host
        self._public_address = public_address
        self._silence_timeout = silence_timeout
        self._ids = ids
        self._dialing = dialing or DialSettings()
        self._capabilities = room_capabilities(bitrate=manager.settings.bitrate, frame_rate=manager.settings.frame_rate)
        self._calls: dict[str, _Call] = {}
        self._by_participant: dict[str, _Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        media.on_fact(self._handle_fact)

    def handle(self, event: sip_events.Event) -> None:
        """Take one event of the user agent; called on the event loop, never waits."""
        match event:
            case sip_events.IncomingCall():
                self._spawn(self._receive_call(event))
            case sip_events.CallConfirmed(call=handle, answer=body):
                self._with_call(handle, lambda call: self._confirmed(call, body))
            case sip_events.CallCancelled(call=handle) | sip_events.CallEnded(call=handle):
                self._with_call(handle, lambda call: self._ended(call, "left"))
            case sip_events.ReofferReceived(call=handle, offer=body):
                self._with_call(handle, lambda call: self._reoffered(call, body))
            case sip_events.ReofferAnswered(call=handle, answer=body):
                self._with_call(handle, lambda call: self._confirmed(call, body))
            case sip_events.InfoReceived():
                self._receive_info(event)
            case _:
                logger.debug("SIP: %s", type(event).__name__)

    async def close(self) -> None:
        """Wait for what is under way."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # LegOwner

    async def end(self, leg_id: str, reason: str) -> None:
        """See ``LegOwner``: BYE with the reason."""
        call = self._by_participant.get(leg_id)
        if call is not None and not call.over:
            call.over = True
            self._forget(call)
            with contextlib.suppress(CallStateError):  # the room was quicker
                self._commands.hang_up(call.handle, reason)

    async def request_key_frame(self, leg_id: str) -> None:
        """See ``LegOwner``: INFO (RFC 5168)."""
        call = self._by_participant.get(leg_id)
        if call is not None and not call.over:
            with contextlib.suppress(CallStateError):  # it has just ended
                self._commands.send_info(call.handle, MEDIA_CONTROL, PICTURE_FAST_UPDATE)

    # Calls

    async def _receive_call(self, event: sip_events.IncomingCall) -> None:
        destination = resolve(event.request_uri, self._dialing)
        if isinstance(destination, Refused):
            logger.info("call from %s refused: %s", event.source.remote[0], destination.reason)
            self._commands.reject(event.call_id, destination.status, destination.reason)
            return
        try:
            call = self._open_call(event)
        except NoPortsLeft as error:
            logger.error("call from %s refused: %s", event.source.remote[0], error)
            self._commands.reject(event.call_id, 503, "No media ports are left", retry_after=60)
            return
        self._calls[call.handle] = call
        try:
            session = self._first_session(call, event.offer)
            await self._join(call, event, destination, session)
        except (SdpError, NotAcceptable, JoinRefused) as refusal:
            self._refuse(call, refusal)
            return
        except BaseException:
            self._refuse(call, None)
            raise
        if call.over:  # cancelled while the media was being set up
            assert call.seat is not None
            await self._manager.leave(call.seat.participant_id, "cancelled")
            return
        description = session.description if session is not None else call.offered
        self._commands.accept(call.handle, str(description))

    def _open_call(self, event: sip_events.IncomingCall) -> _Call:
        audio = self._ports.take()
        try:
            video = self._ports.take()
        except NoPortsLeft:
            self._ports.give_back(audio)
            raise
        return _Call(
            handle=event.call_id,
            room=RoomMedia(
                bind_host=self._media_host,
                public_host=self._public_address or event.source.local[0],
                audio_port=audio,
                video_port=video,
                audio_ssrc=self._ids(),
                video_ssrc=self._ids(),
            ),
            session_id=self._ids(),
            name=event.from_name or _user_part(event.from_uri),
        )

    def _first_session(self, call: _Call, offer: str | None) -> NegotiatedSession | None:
        """The answer to the caller's offer, or None when it sent none and ours goes out instead."""
        if offer is None:
            call.offered = make_offer(
                self._capabilities, local_media(call.room), session_id=call.session_id, version=call.version
            )
            return None
        return answer(
            parse(offer),
            self._capabilities,
            local_media(call.room),
            session_id=call.session_id,
            version=call.version,
        )

    async def _join(
        self,
        call: _Call,
        event: sip_events.IncomingCall,
        destination: RoomDestination,
        session: NegotiatedSession | None,
    ) -> None:
        def make_leg(seat: Seat) -> LegSpec:
            call.seat = seat
            self._by_participant[seat.participant_id] = call
            return self._leg(call, session)

        newcomer = Newcomer(name=call.name, kind="sip", owner=self, make_leg=make_leg, source=event.source.remote[0])
        await self._manager.join(destination.number, newcomer, destination.pin)

    def _leg(self, call: _Call, session: NegotiatedSession | None) -> LegSpec:
        assert call.seat is not None
        if session is not None:
            return sip_leg(session, leg_id=call.seat.participant_id, name=call.name, room=call.room)
        # The caller's answer to our offer is still to come: a seat without media until then.
        return LegSpec(
            id=call.seat.participant_id,
            name=call.name,
            transport=PlainTransport(local_host=call.room.bind_host),
        )

    def _refuse(self, call: _Call, refusal: Exception | None) -> None:
        self._forget(call)
        if call.over:
            return
        call.over = True
        match refusal:
            case SdpError():
                status, reason, warning = 400, "Malformed session description", f"399 {refusal}"
            case NotAcceptable():
                status, reason, warning = 488, "Not acceptable here", f"{refusal.warning} {refusal.reason}"
            case JoinRefused():
                status, reason, warning = _REFUSALS[refusal.code], str(refusal), ""
            case _:
                status, reason, warning = 500, "Server error", ""
        retry_after = refusal.retry_after if isinstance(refusal, JoinRefused) else None
        logger.info("call %s refused with %d: %s", call.handle, status, refusal)
        self._commands.reject(
            call.handle, status, reason, warning or None, None if retry_after is None else round(retry_after)
        )

    async def _confirmed(self, call: _Call, body: str | None) -> None:
        """The peer has answered our offer, or just confirmed; only the former changes anything."""
        if body is None or call.offered is None or call.seat is None:
            return
        try:
            session = accept_answer(call.offered, parse(body), self._capabilities)
            await self._manager.replace_leg(call.seat.participant_id, self._leg(call, session))
        except (SdpError, NotAcceptable, MediaError, KeyError) as error:
            logger.info("call %s ended: its answer was not usable: %s", call.handle, error)
            self._forget(call)
            self._commands.hang_up(call.handle, "The answer to our offer was not usable")
            await self._manager.leave(call.seat.participant_id, "media_failed")

    async def _reoffered(self, call: _Call, body: str | None) -> None:
        """Hold, resume, new address or codecs (RFC 3261 section 14); the call goes on as it was if we cannot."""
        if call.seat is None:
            self._commands.refuse_reoffer(call.handle, 491)
            return
        call.version += 1
        try:
            if body is None:
                call.offered = make_offer(
                    self._capabilities, local_media(call.room), session_id=call.session_id, version=call.version
                )
                self._commands.answer_reoffer(call.handle, str(call.offered))
                return
            session = answer(
                parse(body),
                self._capabilities,
                local_media(call.room),
                session_id=call.session_id,
                version=call.version,
            )
            await self._manager.replace_leg(call.seat.participant_id, self._leg(call, session))
        except SdpError as error:
            self._commands.refuse_reoffer(call.handle, 400, "Malformed session description", f"399 {error}")
        except NotAcceptable as error:
            self._commands.refuse_reoffer(call.handle, 488, "Not acceptable here", f"{error.warning} {error.reason}")
        except (MediaError, KeyError):
            self._commands.refuse_reoffer(call.handle, 500, "The media could not be changed")
        else:
            self._commands.answer_reoffer(call.handle, str(session.description))

    async def _ended(self, call: _Call, reason: str) -> None:
        call.over = True
        self._forget(call)
        if call.seat is not None:
            await self._manager.leave(call.seat.participant_id, reason)

    def _receive_info(self, event: sip_events.InfoReceived) -> None:
        call = self._calls.get(event.call)
        if call is None or call.seat is None:
            return
        if event.content_type.lower().startswith(MEDIA_CONTROL) and b"picture_fast_update" in event.body:
            self._media.request_key_frame(call.seat.conference_id, call.seat.participant_id)

    def _handle_fact(self, fact: Fact) -> None:
        if isinstance(fact, LegSilent) and fact.seconds >= self._silence_timeout:
            call = self._by_participant.get(fact.leg)
            participant = self._manager.participant(fact.leg)
            if call is not None and not call.over and participant is not None and not participant.leg.held:
                logger.info("call %s: no packet for %.0f s", call.handle, fact.seconds)
                with contextlib.suppress(CallStateError):  # it has just ended
                    self._commands.hang_up(call.handle, "No media was received")
                self._spawn(self._ended(call, "silent"))

    def _forget(self, call: _Call) -> None:
        if self._calls.pop(call.handle, None) is not None:
            self._ports.give_back(call.room.audio_port, call.room.video_port)
        if call.seat is not None:
            self._by_participant.pop(call.seat.participant_id, None)

    def _with_call(self, handle: str, action: Callable[[_Call], Coroutine[None, None, None]]) -> None:
        call = self._calls.get(handle)
        if call is not None:
            self._spawn(action(call))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, CallStateError):
            logger.debug("the call had ended already: %s", error)  # its CallEnded is dealt with on its own
        elif error is not None:
            logger.error("SIP gateway", exc_info=error)


def _user_part(uri: str) -> str:
    """The readable part of a SIP URI, for the tile of a room that gives no display name."""
    return uri.partition(":")[2].partition("@")[0] or uri
