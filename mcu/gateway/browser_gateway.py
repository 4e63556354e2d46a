"""Browsers that join over WebRTC: three HTTP operations, and their legs."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gatekeeper.bandwidth import Refusing
from gatekeeper.buckets import TokenBuckets
from mcu.conference.door.joining import JoinCode, JoinRefused, Newcomer, Seat
from mcu.conference.door.throttle import source_group
from mcu.conference.manager import ConferenceManager
from mcu.conference.views import ConferenceView, ParticipantView, conference_view, participant_view
from mcu.gateway.browser_calls import BrowserCalls
from mcu.gateway.browser_sessions import BrowserSessions
from mcu.gateway.call_description import Peer
from mcu.media.facts import Fact, LegSilent
from mcu.media.spec import LegSpec, Pixels, Tiles
from mcu.ports import ActorKind, MediaControl, MediaError, Operation, Problem, actor_of, body_of
from mcu.webrtc.answer import BrowserAnswer, BrowserLocal, PictureSources
from mcu.webrtc.local import MAXIMUM_SLOTS, MAXIMUM_VOICES
from sip.sdp.grammar import SdpError
from sip.sdp.negotiation import NotAcceptable

# A browser's offer with its 22 m-lines is about 34 kB; twice that is not a browser's.
MAX_SDP = 64_000

# A browser checks its path every few seconds (RFC 7675): this much silence and it is gone. Its page has then had time
# to come back by itself.
SILENCE_TIMEOUT = 30.0

# Of one address, which may be the proxy of a whole hospital in the minute before the morning's conferences begin.
QUESTIONS_PER_SECOND, QUESTIONS_AT_ONCE = 5.0, 300.0
JOINS_PER_SECOND, JOINS_AT_ONCE = 2.0, 120.0

MAXIMUM_TILES = 32
"""More than a page has slots: those that it tells of may be changing."""

RETRY_SECONDS = 30
"""After so long a browser may try again for bandwidth that others use now."""

_JOIN_STATUS = {
    JoinCode.UNKNOWN_ROOM: 404,
    JoinCode.WRONG_PIN: 403,
    JoinCode.TOO_MANY_ATTEMPTS: 429,
    JoinCode.FULL: 409,
    JoinCode.LOCKED: 409,
    JoinCode.MEDIA: 503,
    JoinCode.CAPACITY: 503,
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class JoinRequest(_Body):
    """A browser at the door, with its WebRTC offer."""

    name: str = Field(min_length=1, max_length=100, description="shown to the others")
    pin: str | None = Field(
        None, max_length=32, repr=False, description="the room's PIN where it has one, or its chair's"
    )
    sdp: str = Field(min_length=1, max_length=MAX_SDP, repr=False, description="offer with gathered candidates")
    device: str = Field(
        "",
        max_length=64,
        repr=False,
        description="a random name that a browser keeps: whom the chair muted stays muted",
    )


class MediaRequest(_Body):
    """A fresh offer of a participant whose path broke or whose devices changed."""

    sdp: str = Field(min_length=1, max_length=MAX_SDP, repr=False, description="offer with gathered candidates")


class TilesRequest(_Body):
    """How large the page shows what comes in its slots, in pixels of the screen; 0: not at all.

    ``people`` by id of the participant, ``shared`` what is shared; what is left out is as usual. ``hidden``: nothing is
    to be seen, since another window is in front.
    """

    people: dict[str, tuple[Pixels, Pixels]] = Field(default_factory=dict, max_length=MAXIMUM_TILES)
    shared: tuple[Pixels, Pixels] | None = None
    hidden: bool = False


class MediaResponse(_Body):
    """The answer."""

    sdp: str = Field(repr=False, description="answer")


class JoinResponse(_Body):
    """In. ``token`` proves from now on who this participant is; it is shown once."""

    participant: ParticipantView
    conference: ConferenceView
    token: str = Field(repr=False)
    sdp: str = Field(repr=False, description="answer")


class DoorResponse(_Body):
    """What a stranger may know about a number."""

    number: str
    exists: bool
    pin_required: bool
    chair_pin: bool


@dataclass(frozen=True)
class BrowserAddresses:
    """``public_address`` is told to browsers instead of the address that they reached the web server at, and
    ``public_ipv6_address`` likewise or besides. Without ``ipv6`` media go by IPv4 alone.

    ``local_addresses`` are told besides, for browsers that come by another network.
    """

    public_address: str | None
    local_addresses: Sequence[str]
    fingerprint: str
    public_ipv6_address: str | None = None
    ipv6: bool = True


class BrowserGateway:
    """One for the server; implements ``LegOwner`` for browsers, whose call ends by an event on their WebSocket."""

    def __init__(
        self,
        manager: ConferenceManager,
        media: MediaControl,
        addresses: BrowserAddresses,
        ids: Callable[[], int],
        calls: BrowserCalls | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._clock = clock
        self._questions = TokenBuckets(QUESTIONS_PER_SECOND, QUESTIONS_AT_ONCE)
        self._joins = TokenBuckets(JOINS_PER_SECOND, JOINS_AT_ONCE)
        self._manager = manager
        self._media = media
        self._sessions = BrowserSessions(lambda participant: manager.participant(participant) is not None)
        self._addresses = addresses
        self._ids = ids
        self._tasks: set[asyncio.Task[None]] = set()
        media.on_fact(self._handle_fact)

    def operations(self) -> list[Operation]:
        """The HTTP operations for the control API."""
        return [
            Operation(
                "GET", "/conferences/{number}/door", self._door, "What a number is: joinable, and with a PIN or not",
                access="public", response=DoorResponse, tag="joining", errors=(429,),
            ),
            Operation(
                "POST", "/conferences/{number}/join", self._join, "Join from a browser with a WebRTC offer",
                access="public", request=JoinRequest, response=JoinResponse, status=201, tag="joining",
                errors=(403, 404, 406, 409, 429, 503),
            ),
            Operation(
                "PUT", "/participants/{id}/media", self._renew, "Set up a participant's media anew",
                access="participant", request=MediaRequest, response=MediaResponse, tag="joining",
                errors=(403, 404, 406, 503),
            ),
            Operation(
                "PUT", "/participants/{id}/tiles", self._show_tiles, "Tell how large its slots are shown",
                access="participant", request=TilesRequest, status=204, tag="joining", errors=(403, 404),
            ),
        ]  # fmt: skip

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # LegOwner

    async def end(self, leg_id: str, reason: str) -> None:
        """See ``LegOwner``: the page learns of it by its WebSocket, and the worker closes the transport."""

    async def request_key_frame(self, leg_id: str) -> None:
        """See ``LegOwner``: browsers have RTCP for that."""

    # Operations

    async def _door(self, request: web.Request) -> web.Response:
        self._take(self._questions, request)
        door = await self._manager.door(request.match_info["number"])
        response = DoorResponse(
            number=door.number, exists=door.exists, pin_required=door.pin_required, chair_pin=door.chair_pin
        )
        return web.json_response(text=response.model_dump_json())

    async def _join(self, request: web.Request) -> web.Response:
        self._take(self._joins, request)
        body = body_of(request, JoinRequest)
        made: list[BrowserAnswer] = []

        number, seats = request.match_info["number"].lower(), []

        def make_leg(seat: Seat) -> LegSpec:
            limit = None
            if self._calls is not None:
                limit = self._calls.join(seat.participant_id, number, _peer(request, body.name))
            seats.append(seat.participant_id)
            leg, answer = self._answer(request, seat.participant_id, body.name, seat.conference_id, body.sdp, limit)
            made.append(answer)
            return leg

        newcomer = Newcomer(
            name=body.name,
            kind="browser",
            owner=self,
            make_leg=make_leg,
            source=request.remote or "unknown",
            device=body.device,
        )
        try:
            participant = await self._manager.join(request.match_info["number"], newcomer, body.pin)
        except Refusing as refusing:
            retry = None if refusing.shortage.is_per_call else RETRY_SECONDS
            raise Problem(503, "No bandwidth", f"{refusing}.", "no_bandwidth", retry_after=retry) from refusing
        except BaseException as error:
            if self._calls is not None:
                for seat_id in seats:
                    self._calls.failed(seat_id)
            if isinstance(error, JoinRefused):
                raise _join_problem(error) from error
            raise
        if self._calls is not None:
            self._calls.negotiated(participant.leg)
        conference = self._manager.conference_of(participant.id)
        if conference is None:
            raise Problem(409, "Conference ended", "The conference ended while you joined.", "conference_ended")
        response = JoinResponse(
            participant=participant_view(participant, conference),
            conference=conference_view(conference),
            token=self._manager.tokens.issue(participant.id),
            sdp=made[-1].sdp,
        )
        return web.json_response(text=response.model_dump_json(), status=201)

    def _take(self, buckets: TokenBuckets, request: web.Request) -> None:
        """Count a request of a stranger. Raises Problem for one too many from its address."""
        source, now = source_group(request.remote or ""), self._clock()
        if not buckets.take(source, now):
            wait = math.ceil(buckets.wait(source, now))
            raise Problem(
                429, "Too many requests", "Too many requests come from this address.", "too_many_requests",
                retry_after=max(1, wait),
            )  # fmt: skip

    async def _renew(self, request: web.Request) -> web.Response:
        participant_id = request.match_info["id"]
        actor = actor_of(request)
        participant = self._manager.participant(participant_id)
        conference = self._manager.conference_of(participant_id)
        if actor.kind is not ActorKind.PARTICIPANT or actor.id != participant_id:
            raise Problem(403, "Forbidden", "Only a participant itself can set up its media.", "forbidden")
        if participant is None or conference is None:
            raise Problem(404, "Unknown participant", "Nobody with this id is in a conference.", "unknown_participant")
        sdp = body_of(request, MediaRequest).sdp
        limit = None if self._calls is None else self._calls.join_again(participant_id)
        leg, answer = self._answer(request, participant_id, participant.name, conference.id, sdp, limit)
        try:
            await self._manager.replace_leg(participant_id, leg)
        except (MediaError, KeyError) as error:
            self._sessions.forget(participant_id)
            raise Problem(503, "Media failed", f"The media could not be set up: {error}", "media") from error
        if self._calls is not None:
            self._calls.negotiated(leg)
        return web.json_response(text=MediaResponse(sdp=answer.sdp).model_dump_json())

    async def _show_tiles(self, request: web.Request) -> web.Response:
        participant_id, actor = request.match_info["id"], actor_of(request)
        if actor.kind is not ActorKind.PARTICIPANT or actor.id != participant_id:
            raise Problem(403, "Forbidden", "Only a participant itself knows what it shows.", "forbidden")
        conference = self._manager.conference_of(participant_id)
        if conference is None:
            raise Problem(404, "Unknown participant", "Nobody with this id is in a conference.", "unknown_participant")
        tiles = Tiles.model_validate(body_of(request, TilesRequest).model_dump())
        self._media.show_tiles(conference.id, participant_id, tiles)
        return web.Response(status=204)

    def _answer(
        self, request: web.Request, leg_id: str, name: str, conference_id: str, offer: str, limit: int | None
    ) -> tuple[LegSpec, BrowserAnswer]:
        """The leg and the answer to an offer, with pictures of ``limit`` bit/s. Raises Problem when it is no use."""
        port, tcp_port = self._media.browser_port(conference_id), self._media.browser_tcp_port(conference_id)
        addresses = self._candidate_addresses(request)
        local = BrowserLocal(
            ufrag=secrets.token_hex(4),
            password=secrets.token_hex(16),
            fingerprint=("sha-256", self._addresses.fingerprint),
            candidates=tuple((address, port) for address in addresses),
            tcp_candidates=tuple((address, tcp_port) for address in addresses) if tcp_port else (),
            audio_ssrc=self._ids(),
            video=self._sources(),
            content=self._sources(),
            slots=tuple(self._sources() for _ in range(MAXIMUM_SLOTS)),
            shared=self._sources(),
            voices=tuple(self._ids() for _ in range(MAXIMUM_VOICES)),
            cname=leg_id,
            picture_rate=limit,
        )
        try:
            answer = self._sessions.answer(leg_id, offer, local)
        except SdpError as error:
            raise Problem(400, "Malformed session description", str(error), "malformed_sdp") from error
        except NotAcceptable as error:
            raise Problem(406, "Offer not acceptable", error.reason, "offer_not_acceptable") from error
        leg = LegSpec(
            id=leg_id,
            name=name,
            transport=answer.transport,
            audio=answer.audio,
            video=answer.video,
            content=answer.content,
            slots=answer.slots,
            shared=answer.shared,
            voices=answer.voices,
            picture_bitrate=limit,
            receive_bitrate=limit,
        )
        return leg, answer

    def _sources(self) -> PictureSources:
        """Of one picture: it, its repetitions, and repair packets."""
        return PictureSources(self._ids(), self._ids(), self._ids())

    def _candidate_addresses(self, request: web.Request) -> list[str]:
        """Best first: the address by which this browser reached us surely works for its media too."""
        own = self._addresses
        public = [address for address in (own.public_address, own.public_ipv6_address) if address is not None]
        if public:
            return public
        reached = request.transport.get_extra_info("sockname") if request.transport is not None else None
        found = [reached[0].removeprefix("::ffff:")] if reached else []
        both = dict.fromkeys([*found, *own.local_addresses])
        return [address for address in both if own.ipv6 or ":" not in address] or list(both)

    def _handle_fact(self, fact: Fact) -> None:
        if not isinstance(fact, LegSilent) or fact.seconds < SILENCE_TIMEOUT:
            return
        participant = self._manager.participant(fact.leg)
        if participant is not None and participant.kind == "browser":
            task = asyncio.create_task(self._manager.leave(fact.leg, "silent"))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


def _peer(request: web.Request, name: str) -> Peer:
    address = (request.remote or "").removeprefix("::ffff:")
    return Peer(f"sip:browser@{address}", address, name, request.headers.get("User-Agent", ""), "webrtc")


def _join_problem(refusal: JoinRefused) -> Problem:
    titles = {
        JoinCode.UNKNOWN_ROOM: "Unknown room",
        JoinCode.WRONG_PIN: "Wrong PIN",
        JoinCode.TOO_MANY_ATTEMPTS: "Too many attempts",
        JoinCode.FULL: "Full",
        JoinCode.LOCKED: "Locked",
        JoinCode.MEDIA: "Media failed",
        JoinCode.CAPACITY: "No capacity",
    }
    retry_after = None if refusal.retry_after is None else max(1, round(refusal.retry_after))
    return Problem(
        _JOIN_STATUS[refusal.code], titles[refusal.code], str(refusal), refusal.code.value, retry_after=retry_after
    )
