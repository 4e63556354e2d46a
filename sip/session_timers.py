"""Session timers (RFC 4028): a call whose other side vanished without BYE ends by itself."""

from __future__ import annotations

from collections.abc import Callable

from sip.call import Call
from sip.core import AgentCore
from sip.hanging_up import HangingUp
from sip.headers import Headers
from sip.message import Request, Response
from sip.session_expires import Refresher, SessionExpires, min_session_expires, session_expires

# For whoever wants no session timers itself and gets asked for one; a day.
LONGEST = 86400
# A refresh that was refused for a passing reason is tried again after this part of the interval.
RETRY = 1 / 20


class SessionTimers:
    """Negotiates who refreshes a call and when. ``refresh`` sends the request; its owner sets it."""

    def __init__(self, core: AgentCore, hanging_up: HangingUp) -> None:
        self._core = core
        self._hanging_up = hanging_up
        self.refresh: Callable[[Call], None] = lambda call: None

    def ask(self, headers: Headers, call: Call | None = None) -> None:
        """What an INVITE or UPDATE of ours says: the call's interval and roles go on as they were (§7.4)."""
        wanted = self._core.settings.session_expires
        if wanted == 0:
            return
        role = None
        if call is not None and call.session_interval:
            wanted = call.session_interval
            role = Refresher.UAC if call.we_refresh else Refresher.UAS
        headers.add("Session-Expires", str(SessionExpires(wanted, role)))
        headers.add("Min-SE", str(self._core.settings.min_session_expires))

    def ask_longer(self, request: Request, response: Response) -> Headers | None:
        """Headers for the repetition of a request that got 422 (§7.3), or None when it is of no use."""
        asked = session_expires(request)
        least = min_session_expires(response, self._core.settings.min_session_expires)
        if asked is None or least <= asked.seconds or "Min-SE" not in response.headers:
            return None
        headers = request.headers.copy()
        headers.replace_first("Session-Expires", str(SessionExpires(least, asked.refresher)))
        headers.replace_first("Min-SE", str(least))
        return headers

    def answer(self, call: Call, request: Request, response: Response) -> None:
        """Agree in our 2xx to an INVITE or UPDATE (§9), and start over."""
        settings, asked = self._core.settings, session_expires(request)
        has_timer = "timer" in request.headers.tokens("Supported") + request.headers.tokens("Require")
        if asked is None and not (has_timer and settings.session_expires):
            self._stop(call)
            return
        # We may shorten what was asked for, but not below what somebody on the way needs.
        least = min_session_expires(request, settings.min_session_expires)
        interval = max(settings.session_expires or LONGEST, least)
        if asked is not None:
            interval = max(min(asked.seconds, interval), settings.min_session_expires)
        role = (asked.refresher if asked else None) or Refresher.UAC
        if not has_timer:
            role = Refresher.UAS  # a proxy asked, and the peer does not know how to refresh
        response.headers.add("Session-Expires", str(SessionExpires(interval, role)))
        if has_timer:
            response.headers.add("Require", "timer")
        self._start(call, interval, role is Refresher.UAS)

    def taken(self, call: Call, response: Response) -> None:
        """A 2xx to an INVITE or UPDATE of ours (§7.2)."""
        agreed = session_expires(response)
        if agreed is None:
            self._stop(call)
        else:
            # A missing parameter means us, who sent the request.
            we_refresh = agreed.refresher is not Refresher.UAS
            self._start(call, max(agreed.seconds, self._core.settings.min_session_expires), we_refresh)

    def failed(self, call: Call) -> None:
        """A refresh did not come through for a passing reason; it is tried again until the session expires."""
        call.refresh_timer.put(self._core.timers.start(RETRY * call.session_interval, lambda: self.refresh(call)))

    def _start(self, call: Call, interval: int, we_refresh: bool) -> None:
        call.session_interval, call.we_refresh = interval, we_refresh
        timers = self._core.timers
        # §10: the end comes a little before the peer's own, so that one BYE is enough.
        left = interval - min(32.0, interval / 3)
        call.expiry_timer.put(timers.start(left, lambda: self._expired(call)))
        refresh = timers.start(interval / 2, lambda: self.refresh(call)) if we_refresh else None
        call.refresh_timer.put(refresh)

    def _stop(self, call: Call) -> None:
        call.session_interval = 0
        call.expiry_timer.put(None)
        call.refresh_timer.put(None)

    def _expired(self, call: Call) -> None:
        self._hanging_up.send_bye(call, "the session was not refreshed in time", 408)
