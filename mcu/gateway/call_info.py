"""INFO requests within a call: requests for key frames (RFC 5168) and keys, both ways."""

from __future__ import annotations

import contextlib

from mcu.conference.manager import ConferenceManager
from mcu.gateway.call_table import CallTable
from mcu.gateway.dtmf_info import RELAY, digit_of, is_dtmf, relay_body
from mcu.gateway.sip_commands import SipCommands
from mcu.ports import MediaControl
from sip import events as sip_events
from sip.errors import CallStateError

MEDIA_CONTROL = "application/media_control+xml"

# RFC 5168 section 5: the one command that is in use.
PICTURE_FAST_UPDATE = (
    b'<?xml version="1.0" encoding="utf-8"?>\r\n'
    b"<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></media_control>\r\n"
)


class CallInfo:
    """One for the server."""

    def __init__(
        self, commands: SipCommands, manager: ConferenceManager, media: MediaControl, table: CallTable
    ) -> None:
        self._commands = commands
        self._manager = manager
        self._media = media
        self._table = table

    def receive(self, event: sip_events.InfoReceived) -> None:
        """A key frame that is asked for, or a key that was pressed; anything else says nothing to us."""
        call = self._table.get(event.call)
        if call is None or call.session is None:
            return
        if event.content_type.lower().startswith(MEDIA_CONTROL) and b"picture_fast_update" in event.body:
            seat = call.session.seat
            self._media.request_key_frame(seat.conference_id, seat.participant_id)
        elif is_dtmf(event.content_type) and (digit := digit_of(event.body)) is not None:
            self._manager.press(call.session.seat.participant_id, digit, "info")

    def ask_for_key_frame(self, participant_id: str) -> None:
        """Ask a participant's room."""
        self._send(participant_id, MEDIA_CONTROL, PICTURE_FAST_UPDATE)

    def press(self, participant_id: str, digits: str) -> None:
        """Press keys in a participant's room: one INFO for each."""
        self._send(participant_id, RELAY, *map(relay_body, digits))

    def _send(self, participant_id: str, content_type: str, *bodies: bytes) -> None:
        call = self._table.of_participant(participant_id)
        if call is not None and not call.over:
            with contextlib.suppress(CallStateError):  # it has just ended
                for body in bodies:
                    self._commands.send_info(call.handle, content_type, body)
