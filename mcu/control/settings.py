"""What an installation decides about its HTTP API."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ControlSettings:
    """Limits and places of the API. Sizes in bytes, times in seconds.

    ``cookie_name`` tells servers on the same host apart, whose cookies browsers share whatever the port.
    ``allowed_origins`` (as ``https://meet.example``) are our own pages' addresses where a proxy hides them from us.
    ``swagger_directory`` holds the files of swagger-ui-dist; None leaves the documentation page out.
    """

    maximum_body: int = 128 * 1024
    body_seconds: float = 15.0
    cookie_name: str = "consilium_session"
    allowed_origins: tuple[str, ...] = ()
    swagger_directory: Path | None = None
    first_message_seconds: float = 5.0
    heartbeat_seconds: float = 20.0
    maximum_event_sockets: int = 500
