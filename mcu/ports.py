"""The seams between the conference, its media, its signalling and the services around it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, runtime_checkable

from aiohttp import web

if TYPE_CHECKING:
    from datetime import datetime

    from mcu.media.facts import Fact
    from mcu.media.spec import CameraRequest, ConferenceSpec, Tiles


class MediaError(Exception):
    """The media side could not make a change so. ``legs`` maps a leg's id to what was wrong with it."""

    def __init__(self, message: str, legs: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.legs = legs or {}


class MediaControl(Protocol):
    """Desired state down, facts up: all that the control side knows of media workers."""

    async def apply(self, spec: ConferenceSpec) -> None:
        """Make it so and return once ports are bound. Raises MediaError; with no worker alive it waits for the next."""

    async def remove(self, conference_id: str) -> None:
        """Forget the conference; its recordings are closed before this returns."""

    def request_key_frame(self, conference_id: str, leg_id: str) -> None:
        """The peer of this leg asked over signalling for a key frame of what it receives (RFC 5168)."""

    def send_digits(self, conference_id: str, leg_id: str, digits: str) -> None:
        """Play digits to the peer of this leg as telephone events (RFC 4733)."""

    def control_camera(self, conference_id: str, leg_id: str, request: CameraRequest) -> None:
        """Ask the peer of this leg to move its camera (H.281)."""

    def show_tiles(self, conference_id: str, leg_id: str, tiles: Tiles) -> None:
        """How large this leg shows what comes in its slots, until it says otherwise; lost when a worker is replaced."""

    def browser_port(self, conference_id: str) -> int:
        """The UDP port of the worker that holds, or will hold, this conference."""

    def browser_tcp_port(self, conference_id: str) -> int:
        """The TCP port of that worker, for browsers whose network lets no UDP through; 0 for none."""

    def on_fact(self, listener: Callable[[Fact], None]) -> None:
        """Register a listener for facts; called on the event loop."""

    def on_restart(self, listener: Callable[[Sequence[str]], None]) -> None:
        """Register a listener told, after a worker was replaced, which conferences came back with it."""


class PortMeter(Protocol):
    """What pictures cost, in ports of 1080p30, and how many ports there are."""

    def total(self) -> float | None:
        """The ports of this installation; None where they are not known and nothing is refused for want of them."""

    def cost(self, spec: ConferenceSpec) -> float:
        """The ports that a conference so described takes."""

    def source(self, width: int, height: int) -> float:
        """The ports that one more picture of this size takes which comes in and is shown."""


class LegOwner(Protocol):
    """Signalling behind a participant: whoever can end its call or answer for it."""

    async def end(self, leg_id: str, reason: str) -> None:
        """End the call behind this leg properly (BYE, close). Never raises for a call that is gone already."""

    async def request_key_frame(self, leg_id: str) -> None:
        """Ask the peer for a key frame over signalling, where that exists (RFC 5168); else do nothing."""


@runtime_checkable
class DigitOwner(Protocol):
    """A leg's owner that can send digits over signalling, for legs without telephone events."""

    async def send_digits(self, leg_id: str, digits: str) -> None:
        """Press these keys of the keypad towards the peer. Never raises for a call that is gone already."""


class RecordingRegister(Protocol):
    """Where recordings are entered before the media worker writes them."""

    async def open(self, recording_id: str, number: str, title: str, started_at: datetime) -> str:
        """Enter a new recording of the conference and return its folder. Raises OSError when there is no place."""

    async def close(self, recording_id: str) -> None:
        """The recording is over, as wished or not. Never raises for one that is not there."""


class Problem(Exception):
    """What an operation of the HTTP API raises to be answered with problem details (RFC 9457).

    ``status`` is the HTTP status, ``title`` says what kind of problem it is (always the same words for one ``code``),
    ``detail`` what is wrong this time and what to do about it. ``code`` is for programs: lower case with underscores,
    stable over versions. ``retry_after`` (seconds) becomes the header of that name.
    """

    def __init__(self, status: int, title: str, detail: str, code: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.code = code
        self.retry_after = retry_after


class ActorKind(Enum):
    """As whom somebody acts: the server itself, a person with an account, a participant, or nobody we know."""

    SYSTEM = "system"
    USER = "user"
    PARTICIPANT = "participant"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True)
class Actor:
    """Who asks for something. ``name`` goes to the audit; ``id`` is the account's or the participant's.

    ``chairs``: the id of the conference that a participant steers as its chair, else empty. The command layer
    looks for itself how that stands when a command comes.
    """

    kind: ActorKind
    id: str = ""
    name: str = ""
    source: str = ""
    chairs: str = ""

    @property
    def is_user(self) -> bool:
        """Whether this is a logged-in account (or the server itself), which may steer every conference."""
        return self.kind in (ActorKind.USER, ActorKind.SYSTEM)


ANONYMOUS: Final = Actor(ActorKind.ANONYMOUS)
SYSTEM: Final = Actor(ActorKind.SYSTEM, "system", "system")

_ACTOR_KEY: Final = web.RequestKey("actor", Actor)


def set_actor(request: web.BaseRequest, actor: Actor) -> None:
    """Note on the request who asks; only the control API's access check calls this."""
    request[_ACTOR_KEY] = actor


def actor_of(request: web.BaseRequest) -> Actor:
    """Who asks, for the handler of any operation; ANONYMOUS where nobody is logged in."""
    actor: Actor = request.get(_ACTOR_KEY, ANONYMOUS)
    return actor


_BODY_KEY: Final = web.RequestKey("body", object)
_Body = TypeVar("_Body")


def set_body(request: web.BaseRequest, body: object) -> None:
    """Keep the checked body of a request; only the control API calls this."""
    request[_BODY_KEY] = body


def body_of(request: web.BaseRequest, model: type[_Body]) -> _Body:
    """The body of an operation that declared ``request=model``: parsed and checked before its handler is called."""
    body = request[_BODY_KEY]
    if not isinstance(body, model):
        raise TypeError(f"the operation declares another body than {model.__name__}")
    return body


@dataclass(frozen=True)
class Query:
    """A query parameter, as the API's documentation shows it. Handlers read it from ``request.query``."""

    name: str
    description: str


@dataclass(frozen=True)
class Operation:
    """One HTTP operation that a folder hands to the control API, with what its documentation needs.

    ``path`` is below ``/api/v1`` unless it starts with ``//`` (then it is taken from the root, less one slash).
    ``access``: "public" (nobody logged in), "participant" (the token of a joined participant, or a login), "chair"
    (that of one with this role, or a login), "user".
    ``request`` and ``response`` are pydantic models or None; ``errors`` are the problem statuses it may answer with,
    besides those that any operation may (400 and 413 with a body, 401 and 403 unless public). A declared ``request``
    is parsed and checked before ``handler`` is called, which gets it by ``body_of``. ``produces`` is the media type
    of what is answered where that is not JSON.
    """

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    summary: str
    access: str = "user"
    request: type[Any] | None = None
    response: type[Any] | None = None
    status: int = 200
    tag: str = "other"
    errors: tuple[int, ...] = field(default=())
    query: tuple[Query, ...] = field(default=())
    produces: str = "application/json"
