"""What a user agent tells its application. ``call`` is our handle of the call, not its Call-ID.

Every call ends with exactly one of CallCancelled, CallRefused and CallEnded, except an incoming one that the
application itself rejected: it knows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sip.flow import Flow


@dataclass(frozen=True)
class IncomingCall:
    """A peer calls. Answer with ``accept`` or ``reject``; ``ring`` meanwhile. ``offer`` None: the peer wants ours.

    ``identity``: the account the caller proved to be, as ``serving.Admit`` named it; "" when nobody asked.
    ``replaces``: a call of ours whose place this one takes (RFC 3891); accepting this one ends that one.
    """

    call_id: str
    request_uri: str = field(repr=False)  # may hold a PIN
    from_uri: str
    from_name: str
    to_uri: str = field(repr=False)
    user_agent: str
    offer: str | None = field(repr=False)
    source: Flow
    identity: str = ""
    replaces: str = ""

    @property
    def call(self) -> str:
        """The handle under the name it has in the other events."""
        return self.call_id


@dataclass(frozen=True)
class CallCancelled:
    """The caller gave up before we answered; it got its 487."""

    call: str
    reason: str = ""


@dataclass(frozen=True)
class CallConfirmed:
    """The ACK to our 2xx came. ``answer`` is there when the offer was ours."""

    call: str
    answer: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class CallEnded:
    """An answered call is over, by either side. ``reason`` is a sentence; ``status``: of the failure, if one."""

    call: str
    reason: str
    status: int | None = None


@dataclass(frozen=True)
class CallProgress:
    """A provisional response (101–199) to a call of ours."""

    call: str
    status: int


@dataclass(frozen=True)
class CallAnswered:
    """A call of ours was answered; the ACK is on its way."""

    call: str
    answer: str | None = field(repr=False)


@dataclass(frozen=True)
class CallRefused:
    """A call of ours was not answered. 408: nobody replied; 503: could not be reached; 487: cancelled by us."""

    call: str
    status: int
    reason: str
    warning: str = ""


@dataclass(frozen=True)
class ReofferReceived:
    """The peer changes the session. ``offer`` None: it asks for a new offer of ours."""

    call: str
    offer: str | None = field(repr=False)


@dataclass(frozen=True)
class ReofferAnswered:
    """The peer answered an offer of ours: of ``reoffer``, or one given with ``answer_reoffer``."""

    call: str
    answer: str | None = field(repr=False)


@dataclass(frozen=True)
class ReofferRefused:
    """The peer did not take our new offer; the session goes on as it was (RFC 3261 §14.1)."""

    call: str
    status: int
    reason: str


@dataclass(frozen=True)
class InfoReceived:
    """An INFO in a call: DTMF, or a key-frame request (RFC 5168). It was answered already."""

    call: str
    content_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class MessageReceived:
    """A short text (RFC 3428), answered already. ``call`` "": it came outside of calls, to ``request_uri``.

    ``identity``: see ``IncomingCall``; for a message in a call it is the call's.
    """

    call: str
    request_uri: str = field(repr=False)  # may hold a PIN
    from_uri: str
    from_name: str
    text: str = field(repr=False)
    source: Flow
    identity: str = ""


@dataclass(frozen=True)
class MessageDelivered:
    """A message of ours was taken. ``message`` is the handle that sending it gave."""

    message: str


@dataclass(frozen=True)
class MessageRefused:
    """A message of ours was not taken."""

    message: str
    status: int
    reason: str


@dataclass(frozen=True)
class TransferRequested:
    """A peer wants us to call ``target`` (RFC 3515). Answer with ``accept_transfer`` or ``refuse_transfer``.

    ``call``: the one that it wants to hand over, or "" when it asked outside of calls. The target goes to ``invite``
    as it is: for an attended transfer it holds what replaces the other call there. ``replaces``: that other call, where
    it is one of ours too; there is nobody to invite then, only two calls of ours to be joined.
    """

    transfer: str
    call: str
    target: str = field(repr=False)
    target_name: str
    request_uri: str = field(repr=False)
    from_uri: str
    source: Flow
    identity: str = ""
    replaces: str = ""


@dataclass(frozen=True)
class TransferProgress:
    """How the call goes that the peer makes for us after ``transfer``. ``is_over``: nothing follows."""

    call: str
    status: int
    reason: str
    is_over: bool


@dataclass(frozen=True)
class TransferRefused:
    """The peer does not let itself be sent elsewhere."""

    call: str
    status: int
    reason: str


@dataclass(frozen=True)
class SubscriptionRequested:
    """Somebody wants to watch ``request_uri``. Answer with ``accept_subscription`` or ``reject_subscription``.

    Asked again and again while it lasts, which the core answers by itself. ``expires`` 0: once is enough. ``call``:
    the one in whose dialog it came, or "".
    """

    subscription: str
    package: str
    request_uri: str = field(repr=False)
    from_uri: str
    expires: int
    source: Flow
    identity: str = ""
    call: str = ""


@dataclass(frozen=True)
class SubscriptionEnded:
    """Nobody watches any more: the time is over, or the subscriber gone."""

    subscription: str
    reason: str


@dataclass(frozen=True)
class OptionsReceived:
    """Someone asked what we can do, and was answered."""

    from_uri: str
    source: Flow


@dataclass(frozen=True)
class CapabilitiesTold:
    """A peer answered what it is and can do. ``description``: SDP, where it sent one (RFC 3261 §11.2)."""

    question: str
    product: str
    methods: tuple[str, ...]
    description: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class CapabilitiesRefused:
    """A peer did not tell. 408: it does not answer at all."""

    question: str
    status: int
    reason: str


Event = (
    IncomingCall
    | CallCancelled
    | CallConfirmed
    | CallEnded
    | CallProgress
    | CallAnswered
    | CallRefused
    | ReofferReceived
    | ReofferAnswered
    | ReofferRefused
    | InfoReceived
    | MessageReceived
    | MessageDelivered
    | MessageRefused
    | TransferRequested
    | TransferProgress
    | TransferRefused
    | SubscriptionRequested
    | SubscriptionEnded
    | OptionsReceived
    | CapabilitiesTold
    | CapabilitiesRefused
)
