"""All bindings, found by account, by flow and by the id in temporary GRUUs, and forgotten in time. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

from gatekeeper.binding import Binding
from sip.flow import Flow

# Refreshes leave their former deadlines behind; they are cleared away when they outnumber the valid ones by this.
_STALE_DEADLINES = 4
_FEW_DEADLINES = 1000


@dataclass(frozen=True)
class BindingChanged:
    """A binding is there (``binding``) or is gone (``binding`` None, ``before`` what it was).

    ``reason`` of its going: "unregistered", "expired", "connection_lost", "removed".
    """

    account: str
    binding: Binding | None
    before: Binding | None
    reason: str = ""


class BindingTable:
    """``listeners`` are told of every change, a refresh too."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[BindingChanged], None]] = []
        self._accounts: dict[str, dict[str, Binding]] = {}
        self._by_flow: dict[Flow, dict[tuple[str, str], None]] = {}
        self._by_temporary_id: dict[str, tuple[str, str]] = {}
        self._deadlines: list[tuple[float, str, str]] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def accounts(self) -> int:
        """How many accounts have a binding."""
        return len(self._accounts)

    def all(self) -> list[Binding]:
        """All bindings by account."""
        return [binding for name in sorted(self._accounts) for binding in self._accounts[name].values()]

    def of(self, account: str) -> list[Binding]:
        """The bindings of an account, oldest first."""
        return list(self._accounts.get(account, {}).values())

    def get(self, account: str, key: str) -> Binding | None:
        """One binding."""
        return self._accounts.get(account, {}).get(key)

    def on_flow(self, flow: Flow) -> list[Binding]:
        """The bindings whose endpoint is reached by this flow."""
        return [self._accounts[account][key] for account, key in self._by_flow.get(flow, ())]

    def instance_of(self, temporary_id: str) -> tuple[str, str] | None:
        """Account and instance that an id of temporary GRUUs belongs to."""
        return self._by_temporary_id.get(temporary_id)

    def put(self, binding: Binding) -> None:
        """Keep a binding in place of the one with its key."""
        bindings = self._accounts.setdefault(binding.account, {})
        before = bindings.get(binding.key)
        if before is None:
            self._size += 1
        else:
            self._unlink(before)
        bindings[binding.key] = binding
        if binding.flow is not None:
            self._by_flow.setdefault(binding.flow, {})[binding.account, binding.key] = None
        if binding.temporary_id:
            self._by_temporary_id[binding.temporary_id] = (binding.account, binding.instance)
        if before is None or before.expires_at != binding.expires_at:
            self._remember_deadline(binding)
        self._tell(BindingChanged(binding.account, binding, before))

    def drop(self, binding: Binding, reason: str) -> None:
        """Forget a binding that is there."""
        bindings = self._accounts[binding.account]
        del bindings[binding.key]
        self._size -= 1
        self._unlink(binding)
        if not bindings:
            del self._accounts[binding.account]
        self._tell(BindingChanged(binding.account, None, binding, reason))

    def expire(self, now: float) -> None:
        """Forget what has run out."""
        while self._deadlines and self._deadlines[0][0] <= now:
            _, account, key = heapq.heappop(self._deadlines)
            binding = self.get(account, key)
            if binding is not None and binding.expires_at <= now:
                self.drop(binding, "expired")

    def next_deadline(self) -> float | None:
        """When ``expire`` may have something to do."""
        return self._deadlines[0][0] if self._deadlines else None

    def _unlink(self, binding: Binding) -> None:
        if binding.flow is not None and binding.flow in self._by_flow:
            shared = self._by_flow[binding.flow]
            shared.pop((binding.account, binding.key), None)
            if not shared:
                del self._by_flow[binding.flow]
        others = (other for other in self.of(binding.account) if other.key != binding.key)
        if all(other.temporary_id != binding.temporary_id for other in others):
            self._by_temporary_id.pop(binding.temporary_id, None)

    def _remember_deadline(self, binding: Binding) -> None:
        heapq.heappush(self._deadlines, (binding.expires_at, binding.account, binding.key))
        if len(self._deadlines) > _FEW_DEADLINES + _STALE_DEADLINES * self._size:
            self._deadlines = [(one.expires_at, one.account, one.key) for one in self.all()]
            heapq.heapify(self._deadlines)

    def _tell(self, change: BindingChanged) -> None:
        for listener in self.listeners:
            listener(change)
