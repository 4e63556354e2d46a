"""A request of ours with its repetitions: what was challenged or refused for a detail is sent again, put right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sip.dialog import Dialog
from sip.digest import Credentials, authorization, choose_challenge
from sip.flow import Flow
from sip.headers import Headers
from sip.identifiers import Identifiers
from sip.message import Request, Response
from sip.sending import Sending
from sip.transactions import Failure
from sip.uri import Uri

CredentialsOf = Callable[[str], Credentials | None]
"""Our account in a realm, or None."""

Result = Response | Failure
Launch = Callable[[Request, Flow, Callable[[Result], None], Callable[[Flow], None]], Sending]

# A server that goes on calling our nonce stale would keep us busy for ever.
MAX_CHALLENGES = 4

_ANSWERED_BY = {401: ("WWW-Authenticate", "Authorization"), 407: ("Proxy-Authenticate", "Proxy-Authorization")}


class Outgoing:
    """Sent on being made; ``on_result`` gets what a ``Sending`` hands up, but for challenges it could answer.

    ``dialog`` numbers repetitions; None for a request outside of any, which is numbered on from its own CSeq.
    """

    def __init__(
        self,
        launch: Launch,
        authenticator: Authenticator,
        request: Request,
        flow: Flow,
        on_result: Callable[[Result], None],
        on_moved: Callable[[Flow], None],
        dialog: Dialog | None,
    ) -> None:
        self._launch = launch
        self._authenticator = authenticator
        self._on_result = on_result
        self._on_moved = on_moved
        self._dialog = dialog
        self._challenges: dict[str, int] = {}
        self._given_up = False
        self._sending = launch(request, flow, self._receive, on_moved)

    @property
    def sent(self) -> Request:
        """The request as it was last sent, with its Via."""
        return self._sending.request

    @property
    def request(self) -> Request:
        """The request as it was last sent, without what every sending adds."""
        kept = Headers((name, value) for name, value in self.sent.headers if name not in ("Via", "User-Agent"))
        return replace(self.sent, headers=kept)

    @property
    def flow(self) -> Flow:
        """Where it was last sent."""
        return self._sending.flow

    @property
    def may_be_cancelled(self) -> bool:
        """See ``Sending``."""
        return self._sending.may_be_cancelled

    def give_up(self) -> None:
        """It is not wanted any more: no further tries, no answers to challenges."""
        self._given_up = True
        self._sending.give_up()

    def repeat(self, headers: Headers, uri: Uri | None = None, flow: Flow | None = None) -> None:
        """Send the request again, as a new one: with these headers, perhaps to somebody else."""
        request = self.request
        number = request.cseq.number + 1
        if self._dialog is not None:
            number = self._dialog.local_cseq = self._dialog.local_cseq + 1
        headers.replace_first("CSeq", f"{number} {request.method}")
        request = replace(request, headers=headers, uri=uri or request.uri)
        self._sending = self._launch(request, flow or self.flow, self._receive, self._on_moved)

    def _receive(self, result: Result) -> None:
        if isinstance(result, Response) and result.status in _ANSWERED_BY and not self._given_up:
            headers = self._authenticator.answer(self.request, result, self._challenges)
            if headers is not None:
                self.repeat(headers)
                return
        self._on_result(result)


class Authenticator:
    """Answers challenges to our requests."""

    def __init__(self, identifiers: Identifiers) -> None:
        self._ids = identifiers
        self.credentials: CredentialsOf = lambda realm: None

    def answer(self, request: Request, response: Response, seen: dict[str, int]) -> Headers | None:
        """The headers of the repetition, or None when the challenge cannot be answered.

        ``seen`` counts the answers given for this request by realm: the same realm asking again means that the
        password is wrong, unless it says that only its nonce was stale.
        """
        asked_in, answered_in = _ANSWERED_BY[response.status]
        challenge = choose_challenge(response.headers.get_all(asked_in))
        if challenge is None:
            return None
        count = seen.get(challenge.realm, 0)
        credentials = self.credentials(challenge.realm)
        if credentials is None or (count and not challenge.is_stale) or count >= MAX_CHALLENGES:
            return None
        seen[challenge.realm] = count + 1
        value = authorization(
            challenge, credentials, request.method, str(request.uri), request.body, cnonce=self._ids.tag()
        )
        return _with_authorization(request.headers, answered_in, challenge.realm, value)


def _with_authorization(headers: Headers, name: str, realm: str, value: str) -> Headers:
    """Headers with this answer; answers for other realms, of other proxies on the way, are kept."""
    from_realm = f'realm="{realm}"'
    kept = Headers((key, old) for key, old in headers if key.lower() != name.lower() or from_realm not in old)
    kept.add(name, value)
    return kept


def credentials_of(request: Request) -> list[tuple[str, str]]:
    """The header lines that prove who sent a request: the ACK to its 2xx repeats them (RFC 3261 §22.1)."""
    names = ("authorization", "proxy-authorization")
    return [(name, value) for name, value in request.headers if name.lower() in names]
