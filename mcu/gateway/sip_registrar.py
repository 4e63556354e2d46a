"""Joins the SIP user agent to the gatekeeper: REGISTER is served, requests are judged, noise is dropped unread."""

from __future__ import annotations

import logging
from collections.abc import Callable

from gatekeeper.authentication import Authenticator, Locked, Outcome, Proven
from gatekeeper.challenging import Client
from gatekeeper.networks import CallerPolicy, CallerRules
from gatekeeper.protection import Protection, Traffic
from gatekeeper.registrar import Registrar, Registration
from gatekeeper.users import account_name
from sip.agent import UserAgent
from sip.flow import Flow
from sip.grammar import printable
from sip.message import Request
from sip.once import OncePerSource
from sip.serving import Admit, Refuse, Responder, Verdict

logger = logging.getLogger(__name__)

# Requests outside of calls that make the server do something for the sender. OPTIONS only asks.
_GUARDED = frozenset({"INVITE", "MESSAGE", "REFER", "SUBSCRIBE", "PUBLISH"})

# Such answers get callers who try numbers (not found, ambiguous, incomplete) or PINs (forbidden).
_IN_VAIN = frozenset({403, 404, 484, 485, 604})

# Names of devices are shown on pages; a longer one is cut.
_MAXIMUM_USER_AGENT = 200


class SipRegistrar:
    """The screener, and the handler of REGISTER. ``clock`` gives Unix time.

    A caller counts as registered when its INVITE comes over the very flow of a registration. Whoever could send from
    there could as well take over the connection, or (UDP) is on the path and could read the call.
    """

    def __init__(
        self,
        registrar: Registrar,
        authenticator: Authenticator,
        protection: Protection,
        callers: CallerRules,
        clock: Callable[[], float],
    ) -> None:
        self._registrar = registrar
        self._authenticator = authenticator
        self._protection = protection
        self._callers = callers
        self._clock = clock
        self._noisy = OncePerSource(logger)
        self.zone_policy: Callable[[str], CallerPolicy | None] = lambda source: None
        """What the zone of an address says of callers that are not registered; None: what the settings say."""
        self.on_locked_out: Callable[[str, str], None] = lambda source, why: None
        """Told, for every message, of an address that is not served for now, and why; must be quick."""

    def attach(self, agent: UserAgent) -> None:
        """Take up work."""
        agent.serve_method("REGISTER", self.register, ("path", "outbound", "gruu"))
        agent.screen_requests(self.screen)
        agent.ignore_messages(self.is_noise)
        agent.watch_flows(self.flow_lost)

    def is_noise(self, data: bytes, flow: Flow) -> bool:
        """Whether the source has used up its rate."""
        if not self._protection.is_noise(data, flow, self._clock()):
            return False
        self._noisy.warning(flow.remote[0], "%s sends more than it may: messages are dropped", flow.remote[0])
        self.on_locked_out(flow.remote[0], "messages are dropped: too many")
        return True

    def screen(self, request: Request, flow: Flow) -> Verdict:
        """Who the request is from, and whether that will do. Nothing is remembered of a request that is refused."""
        if request.method == "REGISTER":
            return self._verdict(self._authenticate(request, flow), flow, Traffic.REGISTER)
        if request.method not in _GUARDED:
            return Admit()
        traffic = Traffic.CALL if request.method == "INVITE" else Traffic.REGISTER
        account = self._registrar.account_of(flow, self._clock())
        if account:
            return Admit(account)
        policy = self.zone_policy(flow.remote[0]) or self._callers.policy(flow.remote[0])
        if policy is CallerPolicy.ALLOW and self._protection.tries_numbers(flow.remote[0], self._clock()):
            policy = CallerPolicy.CHALLENGE
            self.on_locked_out(flow.remote[0], "strangers must show a password: too many calls led nowhere")
        match policy:
            case CallerPolicy.ALLOW:
                return Admit()
            case CallerPolicy.REFUSE:
                return self._refuse(flow, 403, "Calls from this network are not taken")
            case CallerPolicy.CHALLENGE:
                return self._verdict(self._authenticate(request, flow), flow, traffic)

    def register(self, request: Request, flow: Flow, responder: Responder) -> None:
        """Serve a REGISTER that ``screen`` has let in."""
        credentials = self._authenticator.claimed(request.headers.get_all("Authorization"))
        registration = Registration(
            account="" if credentials is None else account_name(credentials.user),
            to=request.to_address.uri,
            call_id=request.call_id,
            cseq=request.cseq.number,
            flow=flow,
            contacts=request.headers.get_all("Contact"),
            expires=request.headers.get("Expires"),
            path=request.headers.get_all("Path"),
            supported=frozenset(tag.lower() for tag in request.headers.tokens("Supported")),
            user_agent=_user_agent(request),
            hops=len(request.vias),
        )
        reply = self._registrar.register(registration, self._clock())
        responder.respond(reply.status, reply.reason, reply.headers)

    def call_refused(self, source: str, status: int) -> None:
        """A call from this address was turned away by the application."""
        if status in _IN_VAIN:
            self._protection.called_in_vain(source, self._clock())

    def flow_lost(self, flow: Flow) -> None:
        """A connection closed."""
        self._registrar.flow_lost(flow)
        self._protection.forget_flow(flow)

    def _authenticate(self, request: Request, flow: Flow) -> Outcome:
        def device_of(account: str) -> str:
            return request.call_id if self._registrar.knows_device(account, request.call_id) else ""

        client = Client(
            flow=flow,
            user_agent=_user_agent(request),
            call_id=request.call_id,
            cseq=request.cseq.number,
            authorizations=tuple(request.headers.get_all("Authorization")),
        )
        return self._authenticator.authenticate(request.method, client, self._clock(), device_of)

    def _verdict(self, outcome: Outcome, flow: Flow, traffic: Traffic) -> Verdict:
        match outcome:
            case Proven(account=account):
                self._protection.succeeded(flow, traffic, account, self._clock())
                return Admit(account)
            case Locked(retry_after=seconds):
                self.on_locked_out(flow.remote[0], "no password is tried: too many wrong ones")
                return self._refuse(flow, 403, "Too many wrong passwords", seconds)
        return Refuse(401, None, tuple(("WWW-Authenticate", value) for value in outcome.challenges))

    def _refuse(self, flow: Flow, status: int, reason: str, retry_after: int | None = None) -> Refuse:
        self._noisy.warning(f"{flow.remote[0]} {reason}", "%s is refused: %s", flow.remote[0], reason)
        headers = (("Retry-After", str(retry_after)),) if retry_after is not None else ()
        return Refuse(status, reason, headers)


def _user_agent(request: Request) -> str:
    return printable(request.headers.get("User-Agent") or "")[:_MAXIMUM_USER_AGENT]
