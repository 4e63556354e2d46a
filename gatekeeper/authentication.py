"""Who a request is from: digests checked against the directory, alike for accounts that exist and that do not. Pure."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gatekeeper.challenging import Challenging, Client
from gatekeeper.digest import Algorithm, DigestCredentials, challenge, is_right, parse_authorization
from gatekeeper.nonces import Nonces, NonceState
from gatekeeper.protection import Protection
from gatekeeper.users import Directory, account_name
from sip.errors import SipParseError

ALGORITHMS = (Algorithm.SHA_256, Algorithm.MD5)

MAXIMUM_HEADERS = 4
"""Authorization headers looked at in one request: one for each realm on the way, and proxies have taken theirs off."""


@dataclass(frozen=True)
class Proven:
    """The request is from this account."""

    account: str


@dataclass(frozen=True)
class Unproven:
    """Not proven (yet): answer with 401 and these WWW-Authenticate headers."""

    challenges: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class Locked:
    """Too many wrong passwords: answer with 403; ``retry_after`` in whole seconds."""

    retry_after: int


Outcome = Proven | Unproven | Locked


class Authenticator:
    """Digest authentication for one realm.

    An account that does not exist has a made-up H(A1), so it costs the same time and gets the same answers.
    """

    def __init__(
        self,
        realm: str,
        directory: Directory,
        nonces: Nonces,
        protection: Protection,
        secret: bytes,
        algorithms: Sequence[Algorithm] = ALGORITHMS,
    ) -> None:
        self.realm = realm
        self._directory = directory
        self._nonces = nonces
        self._protection = protection
        self._secret = secret
        self._algorithms = tuple(algorithms)
        self._challenging = Challenging(self._algorithms)

    def claimed(self, authorizations: Sequence[str]) -> DigestCredentials | None:
        """The credentials for our realm, the strongest we know; None without any."""
        found: list[DigestCredentials] = []
        for text in authorizations[:MAXIMUM_HEADERS]:
            try:
                credentials = parse_authorization(text)
            except SipParseError:
                continue  # as if it were not there: the answer is a fresh challenge
            if credentials.realm == self.realm and credentials.algorithm in self._algorithms:
                found.append(credentials)
        order = {algorithm: rank for rank, algorithm in enumerate(self._algorithms)}
        return min(found, key=lambda one: order[one.algorithm or Algorithm.MD5], default=None)

    def authenticate(
        self, method: str, client: Client, now: float, device_of: Callable[[str], str] = lambda account: ""
    ) -> Outcome:
        """Judge a request by its Authorization headers. ``device_of``: for an account, see ``Protection.wait``."""
        credentials = self.claimed(client.authorizations)
        if credentials is None or credentials.algorithm is None:
            return self._unproven(client, now)
        self._challenging.answered(client)
        state = self._nonces.state(credentials.nonce, now)
        if state is not NonceState.FRESH:
            # With a nonce of ours that is only old, the client repeats the request without asking its user again.
            return self._unproven(client, now, stale=state is NonceState.STALE)
        account = account_name(credentials.user)
        device = device_of(account)
        wait = self._protection.wait(account, client.flow, device, now)
        if wait > 0:
            return Locked(math.ceil(wait))
        if not self._is_right(credentials, credentials.algorithm, account, method):
            self._protection.failed(account, client.flow, device, now)
            return self._unproven(client, now)
        if not self._nonces.use(credentials.nonce, credentials.count, now):
            # The right password with a count that was used: a replay, or a client that counts wrongly.
            return self._unproven(client, now, stale=True)
        self._protection.proved(account, client.flow)
        return Proven(account)

    def _is_right(self, credentials: DigestCredentials, algorithm: Algorithm, account: str, method: str) -> bool:
        decoy = hmac.new(self._secret, b"decoy" + account.encode("utf-8", "surrogateescape"), hashlib.sha256)
        user = self._directory.find(account)
        ha1 = user.ha1(algorithm) if user is not None else ""
        return is_right(credentials, algorithm, ha1 or decoy.hexdigest(), method) and bool(ha1)

    def _unproven(self, client: Client, now: float, *, stale: bool = False) -> Unproven:
        """A fresh challenge."""
        algorithms = self._challenging.offer(client)
        return Unproven(tuple(challenge(self.realm, self._nonces.make(now), algorithms, stale=stale)))
