"""Methods and policies that the application adds to the user agent: a registrar, digest challenges, dropped noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sip.core import AgentCore
from sip.flow import Flow
from sip.message import Request, Response
from sip.transactions import ServerTransaction

HeaderLines = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Admit:
    """The request goes on. ``identity``: who it is proven to be from; stands in ``IncomingCall.identity``."""

    identity: str = ""


@dataclass(frozen=True)
class Refuse:
    """The request gets this answer, without being remembered. 401 and 407 bring their challenges as ``headers``."""

    status: int
    reason: str | None = None
    headers: HeaderLines = field(default=(), repr=False)


@dataclass(frozen=True)
class Drop:
    """The request gets no answer at all, as if nobody were here."""


Verdict = Admit | Refuse | Drop

Screener = Callable[[Request, Flow], Verdict]
"""Judges a request outside of any call before anything is remembered of it. Must not wait, must not raise."""


class Responder:
    """The way to answer a request that the application serves: with any provisional responses, then one final one.

    May be kept and used later, from the loop of the user agent. The peer is told 408 by its own timer when no
    answer comes within 32 s.
    """

    def __init__(self, core: AgentCore, transaction: ServerTransaction, to_tag: str) -> None:
        self._core = core
        self._transaction = transaction
        self._to_tag = to_tag

    @property
    def is_answered(self) -> bool:
        """Whether a final response was given, or the time for one is over."""
        return self._transaction.is_answered

    def respond(
        self,
        status: int,
        reason: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        content_type: str = "",
    ) -> None:
        """Answer. ``headers`` are added to those that every response has; after a final response nothing happens."""
        response = self._core.response(self._transaction.request, status, self._to_tag, reason)
        for name, value in headers:
            response.headers.add(name, value)
        if content_type:
            response.headers.add("Content-Type", content_type)
        self._transaction.respond(Response(response.headers, body, status=status, reason=response.reason))


MethodHandler = Callable[[Request, Flow, Responder], None]
"""Serves a request outside of any call. Answers at once or later; must not raise."""


class Serving:
    """What the application has added."""

    def __init__(self, core: AgentCore) -> None:
        self._core = core
        self._handlers: dict[str, MethodHandler] = {}
        self.screener: Screener = lambda request, flow: Admit()
        self.is_ignored: Callable[[Flow], bool] = lambda flow: False
        self.is_noise: Callable[[bytes, Flow], bool] = lambda data, flow: False
        self.on_flow_lost: Callable[[Flow], None] = lambda flow: None

    def add(self, method: str, handler: MethodHandler, extensions: Iterable[str]) -> None:
        """Serve ``method``; it appears in Allow, the option tags in Supported."""
        self._handlers[method] = handler
        if method not in self._core.methods:
            self._core.methods.append(method)
        for tag in extensions:
            if tag not in self._core.extensions:
                self._core.extensions.append(tag)

    def receive(self, request: Request, flow: Flow, transaction: ServerTransaction) -> None:
        """Hand a request to its handler."""
        self._handlers[request.method](request, flow, Responder(self._core, transaction, self._core.ids.tag()))

    def refused(self, request: Request, refuse: Refuse) -> Response:
        """The response of a refusal."""
        response = self._core.stateless_response(request, refuse.status, refuse.reason)
        for name, value in refuse.headers:
            response.headers.add(name, value)
        return response
