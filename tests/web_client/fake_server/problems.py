"""Refusals as the API gives them (RFC 9457)."""

from __future__ import annotations

import json

from aiohttp import web


def problem(status: int, code: str) -> web.HTTPException:
    kinds: dict[int, type[web.HTTPException]] = {
        401: web.HTTPUnauthorized,
        403: web.HTTPForbidden,
        404: web.HTTPNotFound,
        409: web.HTTPConflict,
        422: web.HTTPUnprocessableEntity,
        503: web.HTTPServiceUnavailable,
    }
    body = json.dumps({"type": "about:blank", "title": code, "status": status, "code": code, "detail": code})
    return kinds[status](text=body, content_type="application/problem+json")
