"""Logging a trouble once per source, so that a scanner cannot fill the log."""

from __future__ import annotations

import logging

# Remembered sources; when more are seen the oldest are forgotten and may be logged once more.
MAX_SOURCES = 1024


class OncePerSource:
    """Passes the first message of each source on to a logger."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._seen: dict[str, None] = {}

    def warning(self, source: str, message: str, *arguments: object) -> None:
        """Log for a source that was not heard of yet."""
        if source in self._seen:
            return
        if len(self._seen) >= MAX_SOURCES:
            del self._seen[next(iter(self._seen))]
        self._seen[source] = None
        self._logger.warning(message, *arguments)
