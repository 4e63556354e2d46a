"""What every answer carries against attacks through browsers, and the refusal of requests from foreign pages."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from mcu.ports import Problem

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
    "Server": "Consilium",
}

_COMMON = "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
_HOST = re.compile(r"[A-Za-z0-9.\[\]:_-]{1,260}")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def page_policy(host: str) -> str:
    """The content security policy of our pages. ``host`` is the Host header: WebSockets may go there and nowhere else.

    hls.js keeps what it plays in ``blob:`` and works in a ``blob:`` worker.
    """
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return (
        f"default-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; img-src 'self' data: blob:; "
        f"connect-src 'self'{sockets}; {_COMMON}"
    )


DOCUMENTATION_POLICY = (
    f"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; {_COMMON}"
)
"""For the API's documentation page alone: swagger-ui writes styles into its elements."""


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler for every answer, errors and WebSockets too. What a handler has set itself stays."""
    for name, value in _HEADERS.items():
        if name == "Server":
            response.headers[name] = value
        else:
            response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", page_policy(request.host))
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")


def is_own_origin(request: web.Request, allowed: tuple[str, ...]) -> bool:
    """Whether the request comes from our own pages, or from no page at all.

    Browsers name the page's origin on every request that could change something and on every WebSocket. Programs
    send none. The host must be the one that was asked; the scheme may differ behind a proxy that ends TLS.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
    if origin in allowed:
        return True
    try:
        return urlsplit(origin).netloc.lower() == request.host.lower()
    except ValueError:
        return False


def origin_check(allowed: tuple[str, ...]) -> Middleware:
    """Refuses changes and WebSockets that a foreign page asks for in its visitor's name."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        upgrade = "Upgrade" in request.headers
        if (request.method not in SAFE_METHODS or upgrade) and not is_own_origin(request, allowed):
            raise Problem(403, "Foreign origin", "This request comes from a page of another site.", "foreign_origin")
        return await handler(request)

    return check
