"""Rooms that dial in: SIP calls become participants, and what happens to a participant reaches its call."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

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
from mcu.conference.joining import JoinRefused, Newcomer, Seat
from mcu.conference.manager import ConferenceManager
from mcu.conference.model import Conference
from mcu.gateway.call_admission import CallAdmission, Peer
from mcu.gateway.dtmf_info import RELAY, digit_of, is_dtmf, relay_body
from mcu.gateway.floor_control import FloorControl
from mcu.gateway.rtp_ports import NoPortsLeft, RtpPorts
from mcu.gateway.sip_call import CallDescriptions, CallSession, SipCall
from mcu.gateway.sip_media import RoomMedia, room_capabilities
from mcu.gateway.sip_replies import Refusal, end_reason, refusal_of
from mcu.media.facts import Fact, LegSilent
from mcu.media.spec import LegSpec
from mcu.ports import MediaControl, MediaError
from sip import events as sip_events
from sip.errors import CallStateError
from sip.once import OncePerSource
from sip.sdp.capabilities import LocalCapabilities
from sip.sdp.grammar import SdpError
from sip.sdp.ice import LocalIce
from sip.sdp.negotiation import NotAcceptable
from sip.sdp.security import Encryption, LocalSecurity
from sip.sdp.session import NegotiatedSession
from sip.warning import Warning

logger = logging.getLogger(__name__)

Joined = TypeVar("Joined")

MEDIA_CONTROL = "application/media_control+xml"

# RFC 5168 section 5: the one command that is in use.
PICTURE_FAST_UPDATE = (
    b'<?xml version="1.0" encoding="utf-8"?>\r\n'
    b"<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></media_control>\r\n"
)

# Somebody will have hung up by then; seconds.
NO_PORTS_RETRY = 60

# The SDES keys of a call come out of this much randomness.
SECRET_OCTETS = 32

# Addresses that mean all of a machine's: no peer can be told them.
_UNSPECIFIED = ("0.0.0.0", "::", "")


class SipCommands(Protocol):
    """What the gateway says to ``sip.agent.UserAgent``. All raise CallStateError when the call has just ended."""

    def accept(self, call: str, sdp: str) -> None: ...
    def reject(
        self,
        call: str,
        status: int,
        reason: str | None = None,
        warning: Warning | str | None = None,
        retry_after: int | None = None,
    ) -> None: ...
    def answer_reoffer(self, call: str, sdp: str) -> None: ...
    def refuse_reoffer(
        self, call: str, status: int, reason: str | None = None, warning: Warning | str | None = None
    ) -> None: ...
    def hang_up(self, call: str, reason: str | None = None) -> None: ...
    def send_info(self, call: str, content_type: str, body: bytes) -> None: ...


class SipGateway:
    """One for the server. ``handle`` takes the user agent's events; it implements ``LegOwner`` for its participants.

    ``public_address`` is told to rooms instead of the address their packets came to. ``ids`` gives random 31-bit
    numbers for sessions and SSRCs, ``secret`` that many random octets for keys. ``fingerprint`` is the SHA-256 one of
    the certificate that the workers show in DTLS; without it there is none. ``admission`` says where calls go and how
    much bandwidth they get; without it only rooms are dialled, and nothing is counted.
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
        encryption: Encryption = Encryption.ALLOWED,
        fingerprint: str | None = None,
        secret: Callable[[int], bytes] = secrets.token_bytes,
        admission: CallAdmission | None = None,
    ) -> None:
        self._commands = commands
        self._manager = manager
        self._media = media
        self._ports = ports
        self._media_host = media_host
        self._public_address = public_address or (media_host if media_host not in _UNSPECIFIED else None)
        self._silence_timeout = silence_timeout
        self._ids = ids
        self._dialing = dialing or DialSettings()
        self._capabilities = room_capabilities(
            bitrate=manager.settings.bitrate, frame_rate=manager.settings.frame_rate, encryption=encryption
        )
        self._fingerprint = None if fingerprint is None else ("sha-256", fingerprint)
        self._secret = secret
        self._calls: dict[str, SipCall] = {}
        self._by_participant: dict[str, SipCall] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._floors = FloorControl(manager)
        self.menu: Callable[[sip_events.IncomingCall], None] | None = None
        """Serves calls that lead to the menu."""
        self.connect: Callable[[sip_events.IncomingCall, AliasDestination], None] | None = None
        """Serves calls that lead to somebody who is registered."""
        self._admission = admission
        if admission is not None:
            admission.policy.use_dialing(self._dialing)
        self._takers: list[Callable[[sip_events.Event], bool]] = []
        self._refused = OncePerSource(logger)
        self.on_refused: Callable[[str, int], None] = lambda source, status: None
        media.on_fact(self._handle_fact)

    def add_taker(self, taker: Callable[[sip_events.Event], bool]) -> None:
        """Let ``taker`` see every event first; it returns True for one that it has dealt with."""
        self._takers.append(taker)

    def handle(self, event: sip_events.Event) -> None:
        """Take one event of the user agent; called on the event loop, never waits."""
        if self._admission is not None:
            self._admission.handle_end(event)
        if any(taker(event) for taker in self._takers):
            return
        match event:
            case sip_events.IncomingCall():
                self._receive_call(event)
            case (
                sip_events.CallConfirmed(call=handle, answer=body)
                | sip_events.ReofferAnswered(call=handle, answer=body)
            ):
                self._in_turn(handle, lambda call, session: self._confirmed(call, session, body))
            case sip_events.ReofferReceived(call=handle, offer=body):
                self._in_turn(handle, lambda call, session: self._reoffered(call, session, body))
            case sip_events.CallCancelled(call=handle) | sip_events.CallEnded(call=handle):
                if (call := self._calls.get(handle)) is not None:
                    self._end(call, "left")
            case sip_events.InfoReceived():
                self._receive_info(event)
            case _:
                logger.debug("SIP: %s", type(event).__name__)

    async def close(self) -> None:
        """Give up what is under way. Called once signalling has stopped."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._floors.close()

    # For callers beside this one: calls out, the menu

    def open_session(
        self,
        seat: Seat,
        name: str,
        local_host: str,
        *,
        peer_address: str = "",
        call: str = "",
        offer: str | None = None,
    ) -> CallSession:
        """Ports, SSRCs and descriptions for a call that is none of a participant's yet. Raises NoPortsLeft.

        ``local_host`` is the address of ours that the peer reaches. Whoever opens one adopts its call, or releases it.
        What is offered fits the bandwidth for ``call``, an incoming one (raises Refusing when there is none), or else
        that at ``peer_address``. What a peer's ``offer`` does not have gets no ports either.
        """
        capabilities = self._capabilities
        if self._admission is not None and (call or peer_address):
            rate = self._admission.reserve(call) if call else self._admission.room_at(peer_address)
            capabilities = _limited(capabilities, rate)
        bind_host, public_host = self._media_hosts(local_host)
        shares, steers = (offer is None or _may_share(offer)), (offer is None or "H224/4800" in offer.upper())
        audio, video, content, floor, camera = self._take_ports(True, True, shares, shares, steers)
        room = RoomMedia(
            bind_host=bind_host,
            public_host=public_host,
            audio_port=audio,
            video_port=video,
            audio_ssrc=self._ids(),
            video_ssrc=self._ids(),
            security=LocalSecurity(self._secret(SECRET_OCTETS), self._fingerprint),
            ice=LocalIce(self._secret(4).hex(), self._secret(16).hex()),
            content_port=content,
            camera_port=camera,
            camera_ssrc=self._ids(),
            content_ssrc=self._ids(),
            floor_port=floor,
            floor_conference=self._ids(),
        )
        descriptions = CallDescriptions(room, capabilities, self._ids())
        return CallSession(seat, name, room, descriptions, on_floor=self._floors.serve)

    def _media_hosts(self, local_host: str) -> tuple[str, str]:
        """The address to bind media sockets to, and the one to tell, for a peer that reaches us at ``local_host``.

        What is configured holds for its own address family; the other one is used only where SIP listens on it.
        """
        is_ipv6 = ":" in local_host
        public = self._public_address
        told = public if public is not None and (":" in public) == is_ipv6 else local_host
        if self._media_host in _UNSPECIFIED:
            # "::" takes IPv4 as well; "0.0.0.0" takes nothing else.
            return "::" if is_ipv6 else self._media_host, told
        return self._media_host if (":" in self._media_host) == is_ipv6 else local_host, told

    def _take_ports(self, *wanted: bool) -> list[int]:
        """The first port of a pair for each one wanted, else 0. Raises NoPortsLeft."""
        taken: list[int] = []
        try:
            for one in wanted:
                taken += [self._ports.take()] if one else [0]
        except NoPortsLeft:
            self._ports.give_back(*taken)
            raise
        return taken

    def adopt(self, call: SipCall) -> None:
        """Serve this call from now on: re-INVITEs, holds, silence, and its end. It has a session."""
        if call.session is None:
            raise ValueError("only a call with a session can be served")
        self._calls[call.handle] = call
        self._by_participant[call.session.seat.participant_id] = call
        if self._admission is not None:
            self._admission.adopt(call.handle, Peer(call.peer or call.source, call.source, call.name, call.user_agent))
            call.session.on_leg = partial(self._admission.negotiated, call.handle)

    def release(self, session: CallSession) -> None:
        """Give its ports back, once: afterwards they may be another call's."""
        if session.holds_ports:
            session.holds_ports = False
            self._ports.give_back(*session.room.ports)
            self._spawn(self._floors.release(session))

    def drop(self, call: SipCall, text: str, reason: str) -> None:
        """End an adopted call from our side; ``text`` is what the room is told, ``reason`` what the conference is."""
        if not call.over:
            self._hang_up(call, text, reason)

    def writer_of(
        self, message: sip_events.MessageReceived | sip_events.SubscriptionRequested | sip_events.TransferRequested
    ) -> str | None:
        """The participant who sent a message, or asks for something.

        By its call, or by sender and address where it came outside of one.
        """
        call = self._calls.get(message.call)
        if call is None and not message.call:
            source, sender = message.source.remote[0], _plain_address(message.from_uri)
            its = [one for one in self._calls.values() if one.source == source and _plain_address(one.peer) == sender]
            call = its[0] if len(its) == 1 else None  # of two calls nobody can tell which is meant
        if call is None or call.over or call.session is None or call.holder is not None:
            return None
        return call.session.seat.participant_id

    def participant_in(self, handle: str) -> str | None:
        """Whose call this is."""
        call = self._calls.get(handle)
        return None if call is None or call.session is None else call.session.seat.participant_id

    def call_of(self, participant_id: str) -> SipCall | None:
        """The call of a participant."""
        return self._by_participant.get(participant_id)

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

    # LegOwner

    async def end(self, leg_id: str, reason: str) -> None:
        """See ``LegOwner``: BYE with the reason."""
        call = self._by_participant.get(leg_id)
        if call is not None and not call.over:
            self._forget(call, reason)
            self._release(call)
            with contextlib.suppress(CallStateError):  # the room was quicker
                self._commands.hang_up(call.handle, end_reason(reason))

    async def request_key_frame(self, leg_id: str) -> None:
        """See ``LegOwner``: INFO (RFC 5168)."""
        call = self._by_participant.get(leg_id)
        if call is not None and not call.over:
            with contextlib.suppress(CallStateError):  # it has just ended
                self._commands.send_info(call.handle, MEDIA_CONTROL, PICTURE_FAST_UPDATE)

    async def send_digits(self, leg_id: str, digits: str) -> None:
        """See ``DigitOwner``: one INFO for each."""
        call = self._by_participant.get(leg_id)
        if call is not None and not call.over:
            with contextlib.suppress(CallStateError):  # it has just ended
                for digit in digits:
                    self._commands.send_info(call.handle, RELAY, relay_body(digit))

    # A call comes in

    def _receive_call(self, event: sip_events.IncomingCall) -> None:
        handle, source = event.call_id, event.source.remote[0]
        place = self._place_of(event.replaces)
        if place is not None:
            # The way to a call is no number that anybody dials; on the books it counts as one to its conference.
            event = replace(event, request_uri=f"sip:{place.number}@{event.source.local[0]}")
        if self._admission is None:
            destination: Routed = resolve(event.request_uri, self._dialing)
        else:
            destination = self._admission.receive(event)
        if isinstance(destination, MenuDestination):
            if self.menu is None:
                self.reject(handle, source, Refusal(404, "There is no menu here"))
            else:
                self.menu(event)
            return
        if isinstance(destination, AliasDestination):
            if self.connect is None:
                self.reject(handle, source, Refusal(480, "Nobody can be called under this address"))
            else:
                self.connect(event, destination)
            return
        if isinstance(destination, Refused):
            self.reject(handle, source, Refusal(destination.status, destination.reason))
            return
        call = self.expect(event)
        if place is None:
            self._spawn(self._join_room(call, event, destination))
        else:
            self._spawn(self._take_place(call, event, place.id))

    def _place_of(self, replaced: str) -> Conference | None:
        """The conference that a call is in, for one that takes its place (RFC 3891); never one of two rooms."""
        call = self._calls.get(replaced)
        if call is None or call.session is None:
            return None
        conference = self._manager.conference_of(call.session.seat.participant_id)
        return None if conference is None or conference.pair else conference

    async def _take_place(self, call: SipCall, event: sip_events.IncomingCall, conference_id: str) -> None:
        # No PIN is asked for: who was in has handed over its place.
        await self.admit(call, event, lambda who: self._manager.bring_in(conference_id, who))

    async def _join_room(self, call: SipCall, event: sip_events.IncomingCall, destination: RoomDestination) -> None:
        await self.admit(call, event, lambda who: self._manager.join(destination.number, who, destination.pin))

    def expect(self, event: sip_events.IncomingCall) -> SipCall:
        """An incoming call, known before anything is waited for: a CANCEL may be the very next event."""
        name = event.from_name or _user_part(event.from_uri)
        call = self._calls[event.call_id] = SipCall(event.call_id, event.source.remote[0], name, peer=event.from_uri)
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
            session = call.session = self.open_session(
                seat, call.name, event.source.local[0], call=call.handle, offer=event.offer
            )
            if self._admission is not None:
                session.on_leg = partial(self._admission.negotiated, call.handle)
            if event.offer is not None:
                negotiated = session.descriptions.answer(event.offer)
            self._by_participant[seat.participant_id] = call
            session.leg = session.make_leg(negotiated)
            return session.leg

        newcomer = Newcomer(name=call.name, kind="sip", owner=self, make_leg=make_leg, source=call.source)
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
            self._forget(call, "refused")
            self._release(call)

    # A call changes

    async def _confirmed(self, call: SipCall, session: CallSession, body: str | None) -> None:
        """The peer has answered our offer, or just confirmed; only the former changes anything."""
        if not session.descriptions.awaits_answer:
            return
        try:
            if body is not None:
                await self._use(call, session, session.descriptions.take_answer(body))
            elif not session.has_media:
                # RFC 3261 section 13.2.2.4: an offer in a 2xx is answered in the ACK.
                raise SdpError("the ACK brought none")
        except (SdpError, NotAcceptable, MediaError, KeyError) as error:
            if not call.over:
                logger.info("call %s ends: the answer to our offer is of no use: %s", call.handle, error)
                self._hang_up(call, "The answer to our offer was not usable", "media_failed")

    async def _reoffered(self, call: SipCall, session: CallSession, body: str | None) -> None:
        """Hold, resume, new address or codecs (RFC 3261 section 14); the call goes on as it was if we cannot."""
        try:
            self._ask_for_bandwidth(call, session)
            if body is None:
                offer = session.descriptions.offer()
                self._commands.answer_reoffer(call.handle, str(offer))
                session.descriptions.sent(offer, is_offer=True)
                return
            negotiated = session.descriptions.answer(body)
            await self._use(call, session, negotiated)
            self._commands.answer_reoffer(call.handle, str(negotiated.description))
            session.descriptions.sent(negotiated.description, is_offer=False)
        except (SdpError, NotAcceptable) as error:
            refusal = refusal_of(error)
            self._commands.refuse_reoffer(call.handle, refusal.status, refusal.phrase, refusal.warning)
        except (MediaError, KeyError) as error:
            logger.info("call %s: a new offer could not be followed: %s", call.handle, error)
            self._commands.refuse_reoffer(call.handle, 500, "The media could not be changed")

    async def _use(self, call: SipCall, session: CallSession, negotiated: NegotiatedSession) -> None:
        """Let the leg be as negotiated. A refresh that changes nothing (RFC 4028) stays between us and the peer."""
        leg = session.make_leg(negotiated)
        if leg != session.leg:
            await (call.holder or self._manager).replace_leg(leg.id, leg)
            session.leg = leg

    def _ask_for_bandwidth(self, call: SipCall, session: CallSession) -> None:
        """A call that was lowered may get more by now, one that is in keeps what it has."""
        if self._admission is not None and (rate := self._admission.negotiate_again(call.handle)) is not None:
            session.descriptions.capabilities = _limited(self._capabilities, rate)

    def _receive_info(self, event: sip_events.InfoReceived) -> None:
        call = self._calls.get(event.call)
        if call is None or call.session is None:
            return
        if event.content_type.lower().startswith(MEDIA_CONTROL) and b"picture_fast_update" in event.body:
            seat = call.session.seat
            self._media.request_key_frame(seat.conference_id, seat.participant_id)
        elif is_dtmf(event.content_type) and (digit := digit_of(event.body)) is not None:
            self._manager.press(call.session.seat.participant_id, digit, "info")

    def _handle_fact(self, fact: Fact) -> None:
        if isinstance(fact, LegSilent) and fact.seconds >= self._silence_timeout:
            call = self._by_participant.get(fact.leg)
            leg = None if call is None or call.session is None else call.session.leg
            if call is not None and leg is not None and not leg.held:
                logger.info("call %s ends: no packet for %.0f s", call.handle, fact.seconds)
                self._hang_up(call, "No media was received", "silent")

    # A call ends

    def _hang_up(self, call: SipCall, text: str, reason: str) -> None:
        self._end(call, reason)
        with contextlib.suppress(CallStateError):  # it has just ended
            self._commands.hang_up(call.handle, text)

    def _end(self, call: SipCall, reason: str) -> None:
        """The call is over; its participant leaves, and then its ports are free."""
        self._forget(call, reason)
        self._spawn(self._leave(call, reason))

    async def _leave(self, call: SipCall, reason: str) -> None:
        try:
            if call.session is not None:
                await (call.holder or self._manager).leave(call.session.seat.participant_id, reason)
        finally:
            self._release(call)

    def _forget(self, call: SipCall, reason: str) -> None:
        call.over = True
        if call.on_over is not None:
            call.on_over()
        if self._admission is not None:
            self._admission.ended(call.handle, reason)
        self._calls.pop(call.handle, None)
        if call.session is not None:
            self._by_participant.pop(call.session.seat.participant_id, None)

    def _release(self, call: SipCall) -> None:
        if call.session is not None:
            self.release(call.session)

    # Tasks

    def _in_turn(self, handle: str, action: Callable[[SipCall, CallSession], Awaitable[None]]) -> None:
        """Change a call's session, one change after the other."""
        call = self._calls.get(handle)
        if call is None:
            return

        async def run() -> None:
            async with call.turn:
                if not call.over and call.session is not None:
                    with contextlib.suppress(CallStateError):  # it ended meanwhile; its event is dealt with apart
                        await action(call, call.session)

        self._spawn(run())

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("SIP gateway", exc_info=error)


def _limited(capabilities: LocalCapabilities, rate: int) -> LocalCapabilities:
    """The capabilities with at most this rate of picture each way."""
    return replace(
        capabilities,
        receive_bitrate=min(capabilities.receive_bitrate, rate),
        send_bitrate=min(capabilities.send_bitrate, rate),
    )


def _may_share(offer: str) -> bool:
    """Whether a description may have a second picture: most rooms' have none, and need no ports for it."""
    return "BFCP" in offer or "content:" in offer


def _plain_address(uri: str) -> str:
    """``user@host`` of a SIP URI, in lower case, for comparing."""
    return uri.partition(":")[2].partition(";")[0].partition("?")[0].lower()


def _user_part(uri: str) -> str:
    """The readable part of a SIP URI, for the tile of a room that gives no display name."""
    return uri.partition(":")[2].partition("@")[0] or uri
