"""Rooms that dial in: SIP calls become participants, and what happens to a participant reaches its call."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from gatekeeper.dialing import DialSettings
from mcu.conference.manager import ConferenceManager
from mcu.gateway.call_admission import CallAdmission
from mcu.gateway.call_changes import CallChanges
from mcu.gateway.call_description import Peer
from mcu.gateway.call_endings import CallEndings
from mcu.gateway.call_entrance import CallEntrance
from mcu.gateway.call_info import CallInfo
from mcu.gateway.call_rates import CallRates
from mcu.gateway.call_sessions import CallSessions
from mcu.gateway.call_table import CallTable
from mcu.gateway.floor_control import FloorControl
from mcu.gateway.media_addresses import MediaAddresses
from mcu.gateway.rtp_ports import RtpPorts
from mcu.gateway.sip_call import SipCall
from mcu.gateway.sip_commands import SipCommands
from mcu.gateway.sip_media import room_capabilities
from mcu.gateway.tasks import Tasks
from mcu.gateway.tls_stream import TlsIdentity
from mcu.media.facts import Fact, LegSilent
from mcu.ports import MediaControl
from sip import events as sip_events
from sip.sdp.security import Encryption

logger = logging.getLogger(__name__)


class SipGateway:
    """One for the server. ``handle`` takes the user agent's events; it implements ``LegOwner`` for its participants.

    What it does is in its parts: ``entrance`` lets calls in, ``sessions`` gives them ports and keys, ``calls`` knows
    them. ``fingerprint``, ``ids`` and ``secret`` as in ``CallSessions``. ``admission`` says where calls go and how much
    bandwidth they get; without it only rooms are dialled, and nothing is counted. ``identity`` is the certificate of
    that fingerprint, for floor control. ``silence_timeout`` in seconds. ``sends_g729``: there is an encoder for it.
    """

    def __init__(
        self,
        commands: SipCommands,
        manager: ConferenceManager,
        media: MediaControl,
        ports: RtpPorts,
        *,
        addresses: MediaAddresses,
        silence_timeout: float,
        ids: Callable[[], int],
        dialing: DialSettings | None = None,
        encryption: Encryption = Encryption.ALLOWED,
        fingerprint: str | None = None,
        secret: Callable[[int], bytes] = secrets.token_bytes,
        admission: CallAdmission | None = None,
        identity: TlsIdentity | None = None,
        sends_g729: bool = False,
    ) -> None:
        self._silence_timeout = silence_timeout
        self._admission = admission
        self._floors = FloorControl(manager, identity=identity)
        self._takers: list[Callable[[sip_events.Event], bool]] = []
        dialing = dialing or DialSettings()
        if admission is not None:
            admission.policy.use_dialing(dialing)
        self.tasks = tasks = Tasks("SIP gateway")
        self.calls = calls = CallTable()
        self.sessions = CallSessions(
            ports,
            addresses,
            room_capabilities(
                bitrate=manager.settings.bitrate,
                frame_rate=manager.settings.frame_rate,
                encryption=encryption,
                sends_g729=sends_g729,
            ),
            self._floors,
            tasks,
            ids=ids,
            secret=secret,
            fingerprint=fingerprint,
            admission=admission,
        )
        self._endings = CallEndings(commands, manager, calls, self.sessions, tasks, admission)
        self._changes = CallChanges(commands, manager, calls, self.sessions, self._endings, tasks)
        self._info = CallInfo(commands, manager, media, calls)
        self.entrance = CallEntrance(
            commands, manager, calls, self.sessions, self._endings, tasks, self, dialing, admission
        )
        if admission is not None:
            rates = CallRates(commands, manager, calls, self.sessions, tasks, self.drop)
            admission.steer_by(rates)
            self.add_taker(rates.take)
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
                self.entrance.receive(event)
            case (
                sip_events.CallConfirmed(call=handle, answer=body)
                | sip_events.ReofferAnswered(call=handle, answer=body)
            ):
                self._changes.confirmed(handle, body)
            case sip_events.ReofferReceived(call=handle, offer=body):
                self._changes.reoffered(handle, body)
            case sip_events.CallCancelled(call=handle) | sip_events.CallEnded(call=handle):
                if (call := self.calls.get(handle)) is not None:
                    self._endings.ended(call, "left")
            case sip_events.InfoReceived():
                self._info.receive(event)
            case _:
                logger.debug("SIP: %s", type(event).__name__)

    async def close(self) -> None:
        """Give up what is under way. Called once signalling has stopped."""
        await self.tasks.give_up()
        await self._floors.close()

    # For calls out

    def adopt(self, call: SipCall) -> None:
        """Serve this call from now on: re-INVITEs, holds, silence, and its end. It has a session."""
        if call.session is None:
            raise ValueError("only a call with a session can be served")
        self.calls.add(call)
        if self._admission is not None:
            self._admission.adopt(call.handle, Peer(call.peer or call.source, call.source, call.name, call.user_agent))
            self.sessions.count(call.handle, call.session)

    def drop(self, call: SipCall, text: str, reason: str) -> None:
        """End a call from our side; ``text`` is what the room is told, ``reason`` what the conference is."""
        self._endings.hang_up(call, text, reason)

    # LegOwner

    async def end(self, leg_id: str, reason: str) -> None:
        """See ``LegOwner``: BYE with the reason."""
        if (call := self.calls.of_participant(leg_id)) is not None:
            self._endings.left(call, reason)

    async def request_key_frame(self, leg_id: str) -> None:
        """See ``LegOwner``: INFO (RFC 5168)."""
        self._info.ask_for_key_frame(leg_id)

    async def send_digits(self, leg_id: str, digits: str) -> None:
        """See ``DigitOwner``: INFO."""
        self._info.press(leg_id, digits)

    def _handle_fact(self, fact: Fact) -> None:
        if isinstance(fact, LegSilent) and fact.seconds >= self._silence_timeout:
            call = self.calls.of_participant(fact.leg)
            leg = None if call is None or call.session is None else call.session.leg
            if call is not None and leg is not None and not leg.held:
                logger.info("call %s ends: no packet for %.0f s", call.handle, fact.seconds)
                self._endings.hang_up(call, "No media was received", "silent")
