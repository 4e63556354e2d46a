"""What a call comes to, for comparing two that should come to the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcu.media.rtp.errors import RtpError


def outcome(call: Callable[..., Any], *arguments: Any) -> tuple[str, Any]:
    """What a call gives, or the documented error that it raises, by name and words."""
    try:
        return "value", call(*arguments)
    except RtpError as error:
        return type(error).__name__, str(error)
