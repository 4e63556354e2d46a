"""Finds the transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3)."""

from __future__ import annotations

from collections.abc import Callable

from sip.flow import Flow
from sip.message import Request, Response
from sip.transactions import ClientTransaction, Failure, ServerTransaction, TransactionContext
from sip.via import Via

# Each holds a few kilobytes for up to 32 s. Beyond this number those that were answered are forgotten early, the oldest
# first: they are kept only for repetitions of their requests. When all wait for an answer, new requests get 503.
MAX_SERVER_TRANSACTIONS = 20_000
# Those that wait for an answer stand between them; so many are looked at, and put behind the others, in one go.
_LOOKED_AT = 16

Key = tuple[str, ...]


class TransactionLayer:
    """All transactions of a user agent."""

    def __init__(self, context: TransactionContext) -> None:
        self._context = context
        self._clients: dict[Key, ClientTransaction] = {}
        self._servers: dict[Key, ServerTransaction] = {}
        self._merge_keys: dict[Key, Key] = {}

    def has_room(self) -> bool:
        """Whether a further request can be served; makes room for it where that is possible."""
        for _ in range(_LOOKED_AT):
            if len(self._servers) < MAX_SERVER_TRANSACTIONS:
                return True
            key = next(iter(self._servers))
            oldest = self._servers[key]
            if oldest.is_only_kept:
                oldest.abandon()
            else:
                self._servers[key] = self._servers.pop(key)
        return len(self._servers) < MAX_SERVER_TRANSACTIONS

    @property
    def pending_clients(self) -> int:
        """How many requests of ours wait for a final response."""
        return sum(1 for transaction in self._clients.values() if transaction.is_pending)

    def request(
        self, request: Request, flow: Flow, on_result: Callable[[Response | Failure], None]
    ) -> ClientTransaction:
        """Start a client transaction. The request has its Via already."""
        transaction = ClientTransaction(self._context, request, flow, on_result)
        key = _client_key(request.via, request.method)
        self._clients[key] = transaction
        transaction.on_terminated = lambda: _forget(self._clients, key)
        transaction.start()
        return transaction

    def receive_response(self, response: Response) -> bool:
        """Hand a response to its transaction; False when it has none (any more)."""
        transaction = self._clients.get(_client_key(response.via, response.cseq.method))
        if transaction is None:
            return False
        transaction.receive_response(response)
        return True

    def absorb(self, request: Request) -> bool:
        """Whether the request belonged to a transaction there is: a retransmission, or an ACK to a response."""
        transaction = self._servers.get(_server_key(request))
        if transaction is None:
            return False
        transaction.receive_request(request)
        return True

    def serve(self, request: Request, flow: Flow) -> ServerTransaction:
        """A new server transaction for a request that was not absorbed."""
        transaction = ServerTransaction(self._context, request, flow)
        key, merge_key = _server_key(request), _merge_key(request)
        self._servers[key] = transaction
        self._merge_keys.setdefault(merge_key, key)
        transaction.on_terminated = lambda: self._end_server(key, merge_key)
        return transaction

    def is_merged(self, request: Request) -> bool:
        """Whether the same request is being served already, come another way (RFC 3261 §8.2.2.2)."""
        return request.to_address.tag is None and _merge_key(request) in self._merge_keys

    def cancelled_by(self, cancel: Request) -> ServerTransaction | None:
        """The INVITE transaction that a CANCEL means (RFC 3261 §9.2), or None."""
        return self._servers.get(_server_key(cancel, "INVITE"))

    def flow_failed(self, flow: Flow) -> None:
        """Requests of ours that were sent on this flow will get no response."""
        for transaction in list(self._clients.values()):
            if transaction.flow == flow:
                transaction.transport_failed()

    def _end_server(self, key: Key, merge_key: Key) -> None:
        _forget(self._servers, key)
        if self._merge_keys.get(merge_key) == key:
            del self._merge_keys[merge_key]


def _forget(table: dict[Key, ClientTransaction] | dict[Key, ServerTransaction], key: Key) -> None:
    table.pop(key, None)


def _client_key(via: Via, method: str) -> Key:
    return via.branch, method


def _server_key(request: Request, method: str | None = None) -> Key:
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    via = request.via
    if via.has_unique_branch:
        return via.branch, via.host.lower(), str(via.port or 5060), method
    # RFC 2543 peers: the branch says nothing, the dialog's identifiers do. To tags differ between INVITE and ACK.
    sender = f"{via.host}:{via.port or 5060};{via.branch}"
    return request.call_id, str(request.cseq.number), request.from_address.tag or "", sender, method


def _merge_key(request: Request) -> Key:
    return request.call_id, str(request.cseq), request.from_address.tag or ""
