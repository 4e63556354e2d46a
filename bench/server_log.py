"""When a server said something, by its log."""

from __future__ import annotations

import datetime
import re

_LINE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) ")


def instants_of(log: str, words: str) -> list[float]:
    """The instants, in seconds since the epoch, of the lines that have these words."""
    found = []
    for line in log.splitlines():
        match = _LINE.match(line)
        if match and words in line:
            found.append(datetime.datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp())
    return found
