"""What accounts are told besides the events of conferences, such as alarms."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Notice = Mapping[str, object]
"""A message of JSON values with ``type`` and ``at``, as it goes out."""


class NoticeHub:
    """Hands every notice to all who listen, never waiting for any."""

    def __init__(self) -> None:
        self._listeners: set[Callable[[Notice], None]] = set()

    def listen(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Be told from now on; what is returned ends it, and may be called again."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def publish(self, notice: Notice) -> None:
        """Tell all."""
        for listener in tuple(self._listeners):
            listener(notice)
