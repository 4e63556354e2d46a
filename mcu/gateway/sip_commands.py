"""What the gateway says to the SIP user agent about calls that are there."""

from __future__ import annotations

from typing import Protocol

from sip.warning import Warning


class SipCommands(Protocol):
    """``sip.agent.UserAgent``, as far as it is needed. All raise CallStateError when the call has just ended."""

    def accept(self, call: str, sdp: str) -> None: ...
    def reject(
        self,
        call: str,
        status: int,
        reason: str | None = None,
        warning: Warning | str | None = None,
        retry_after: int | None = None,
    ) -> None: ...
    def reoffer(self, call: str, sdp: str) -> None: ...
    def answer_reoffer(self, call: str, sdp: str) -> None: ...
    def refuse_reoffer(
        self, call: str, status: int, reason: str | None = None, warning: Warning | str | None = None
    ) -> None: ...
    def hang_up(self, call: str, reason: str | None = None) -> None: ...
    def send_info(self, call: str, content_type: str, body: bytes) -> None: ...
