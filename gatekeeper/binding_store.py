"""Where registrations are kept, so that they outlive a restart, and the changes that are yet to be written there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Protocol

from gatekeeper.binding import Binding
from gatekeeper.binding_table import BindingChanged
from sip.flow import Flow

BindingKey = tuple[str, str]
"""Account and key of a binding."""


class BindingStore(Protocol):
    """Keeps bindings."""

    async def load(self, now: float) -> list[Binding]:
        """All that have not run out, by account; what has is forgotten."""

    async def save(self, present: Sequence[Binding], gone: Sequence[BindingKey]) -> None:
        """Keep these in place of those with the same account and key, and forget those that are gone; all or none."""


class MemoryBindingStore:
    """``BindingStore`` that forgets when the process ends."""

    def __init__(self) -> None:
        self._bindings: dict[BindingKey, Binding] = {}

    async def load(self, now: float) -> list[Binding]:
        """See ``BindingStore``."""
        self._bindings = {key: one for key, one in self._bindings.items() if one.expires_at > now}
        return [self._bindings[key] for key in sorted(self._bindings)]

    async def save(self, present: Sequence[Binding], gone: Sequence[BindingKey]) -> None:
        """See ``BindingStore``."""
        for key in gone:
            self._bindings.pop(key, None)
        self._bindings.update({(one.account, one.key): one for one in present})


def to_document(binding: Binding) -> str:
    """A binding as JSON in ASCII: devices write addresses in any coding, and one must not spoil the writing of all."""
    return json.dumps(asdict(binding))


def from_document(document: str) -> Binding | None:
    """The binding in JSON; None for one that this version cannot read: its device will register again."""
    try:
        values = json.loads(document)
        flow = values.pop("flow")
        if flow is not None:
            flow |= {"remote": tuple(flow["remote"]), "local": tuple(flow["local"])}
            flow = Flow(**flow)
        return Binding(**values | {"flow": flow, "path": tuple(values["path"])})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


class Unsaved:
    """Changes of bindings since they were last written, the latest of each; ``note`` listens to a ``Registrar``."""

    def __init__(self) -> None:
        self._changes: dict[BindingKey, Binding | None] = {}

    def note(self, change: BindingChanged) -> None:
        """Remember a change."""
        binding = change.binding or change.before
        if binding is not None:
            self._changes[binding.account, binding.key] = change.binding

    def take(self) -> tuple[list[Binding], list[BindingKey]]:
        """What is there and what is gone since the last time; forgets it."""
        changes, self._changes = self._changes, {}
        present = [binding for binding in changes.values() if binding is not None]
        return present, [key for key, binding in changes.items() if binding is None]

    def give_back(self, present: Sequence[Binding], gone: Sequence[BindingKey]) -> None:
        """They could not be written; what has changed since stands."""
        failed: dict[BindingKey, Binding | None] = {(one.account, one.key): one for one in present}
        failed |= dict.fromkeys(gone)
        self._changes = failed | self._changes
