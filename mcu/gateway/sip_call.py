"""One room's call: its ports and SSRCs, and what offers and answers have come to. No I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from mcu.conference.door.joining import Seat
from mcu.gateway.sip_media import RoomMedia, local_media, sip_leg
from mcu.media.spec import AudioSpec, LegSpec, PlainTransport, VideoSpec
from sip.sdp.capabilities import LocalCapabilities
from sip.sdp.floor import NegotiatedFloor
from sip.sdp.grammar import SessionDescription, parse
from sip.sdp.negotiation import accept_answer, answer, make_offer
from sip.sdp.session import NegotiatedSession

Stream = TypeVar("Stream", AudioSpec, VideoSpec)


class CallDescriptions:
    """Our side of a call's offers and answers (RFC 3264), as often as they are exchanged.

    ``answer`` and ``offer`` only draft; ``sent`` notes what really went out, so that a draft that came to nothing
    neither raises the version nor becomes what the next offer must agree with. ``awaits_answer``: the last one sent was
    an offer, and the peer's answer is still to come. ``capabilities`` may change between exchanges.
    """

    def __init__(self, room: RoomMedia, capabilities: LocalCapabilities, session_id: int) -> None:
        self._room = room
        self.capabilities = capabilities
        self._session_id = session_id
        self._last: SessionDescription | None = None
        self.awaits_answer = False

    def answer(self, offer: str) -> NegotiatedSession:
        """Our answer to the peer's offer. Raises SdpError and NotAcceptable."""
        session = answer(
            parse(offer), self.capabilities, local_media(self._room), session_id=self._session_id, version=1
        )
        return replace(session, description=self._numbered(session.description))

    def offer(self) -> SessionDescription:
        """Our offer to a peer that sent none: all that we speak, with every m-line so far in its place (section 8)."""
        return self._numbered(
            make_offer(
                self.capabilities,
                local_media(self._room),
                session_id=self._session_id,
                version=1,
                previous=self._last,
                full=True,
            )
        )

    def first_offer(self, capabilities: LocalCapabilities) -> SessionDescription:
        """Our offer for a call of ours, with these capabilities; one that was refused before is forgotten."""
        self._last = None
        return make_offer(capabilities, local_media(self._room), session_id=self._session_id, version=1)

    def sent(self, description: SessionDescription, *, is_offer: bool) -> None:
        """This description went out."""
        self._last = description
        self.awaits_answer = is_offer

    def take_answer(self, body: str) -> NegotiatedSession:
        """The peer's answer to the offer that was sent last. Raises SdpError and NotAcceptable."""
        if self._last is None or not self.awaits_answer:
            raise ValueError("no offer of ours waits for an answer")
        self.awaits_answer = False
        return accept_answer(self._last, parse(body), self.capabilities)

    def _numbered(self, draft: SessionDescription) -> SessionDescription:
        """The draft with its version: the last one's when it says the same, else one more (section 8)."""
        if self._last is None:
            return draft
        version = self._last.origin.version
        same = replace(draft, origin=replace(draft.origin, version=version))
        return same if same == self._last else replace(draft, origin=replace(draft.origin, version=version + 1))


@dataclass(eq=False)
class CallSession:
    """What a call has once the conference has let it in: its seat, its ports and SSRCs, its descriptions, its leg.

    ``holds_ports`` until they are given back. ``on_leg`` is told of every leg that was negotiated, ``on_floor`` of the
    floor control that goes with it.
    """

    seat: Seat
    name: str
    room: RoomMedia
    descriptions: CallDescriptions
    leg: LegSpec | None = None
    holds_ports: bool = True
    on_leg: Callable[[LegSpec], None] | None = None
    on_floor: Callable[[CallSession, NegotiatedFloor | None], None] | None = None

    @property
    def has_media(self) -> bool:
        """Whether offer and answer have been exchanged."""
        return self.leg is not None and (self.leg.audio is not None or self.leg.video is not None)

    def make_leg(self, negotiated: NegotiatedSession | None) -> LegSpec:
        """The leg as negotiated; without that, a seat without media until the peer answers our offer."""
        if negotiated is not None:
            leg = sip_leg(negotiated, leg_id=self.seat.participant_id, name=self.name, room=self.room)
            if self.leg is not None:
                leg = still_hearing(self.leg, leg)
            if self.on_leg is not None:
                self.on_leg(leg)
            if self.on_floor is not None:
                self.on_floor(self, negotiated.floor)
            return leg
        return LegSpec(
            id=self.seat.participant_id, name=self.name, transport=PlainTransport(local_host=self.room.bind_host)
        )


def still_hearing(before: LegSpec, leg: LegSpec) -> LegSpec:
    """The leg with what it heard before, where all that was agreed on now is among that.

    A payload type keeps its meaning as long as the call lasts (RFC 3264 section 8.3.2), so nothing is lost by hearing
    more; and streams that change begin anew, which costs a moment, and a DTLS handshake that is under way.
    """
    return leg.model_copy(
        update={
            "audio": None if leg.audio is None else _with_formats_of(before.audio, leg.audio),
            "video": None if leg.video is None else _with_formats_of(before.video, leg.video),
            "content": None if leg.content is None else _with_formats_of(before.content, leg.content),
        }
    )


def _with_formats_of(before: Stream | None, stream: Stream) -> Stream:
    if before is None or any(codec not in before.receive_codecs for codec in stream.receive_codecs):
        return stream
    return stream.model_copy(update={"receive_codecs": before.receive_codecs})


class LegHolder(Protocol):
    """Where the leg of a call is: with a conference, or wherever it waits before it comes into one."""

    async def replace_leg(self, participant_id: str, leg: LegSpec) -> None:
        """The leg was negotiated anew. Raises MediaError (the old one stands) or KeyError (it is not here)."""

    async def leave(self, participant_id: str, reason: str = "left") -> None:
        """The call has ended."""


@dataclass(eq=False)
class SipCall:
    """A call from its INVITE on. ``holder`` None: its leg is with the conferences. ``on_over`` is called at its end.

    ``over`` once it is cancelled, ended or refused: what is still under way must then be undone. ``turn`` is held by
    whoever changes the session, so that a re-INVITE waits for what the ACK before it has begun. ``peer`` and
    ``user_agent``: URI and product of the other end, where they are known.
    """

    handle: str
    source: str
    name: str
    session: CallSession | None = None
    over: bool = False
    holder: LegHolder | None = None
    on_over: Callable[[], None] | None = None
    peer: str = ""
    user_agent: str = ""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
