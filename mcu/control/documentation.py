"""The page that shows the OpenAPI document, by swagger-ui from the installation itself."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from mcu.control.security import DOCUMENTATION_POLICY
from mcu.ports import Problem

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Consilium API</title>
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
"""

_START = """SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
});
"""

_FILES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}


def add_documentation(application: web.Application, directory: Path | None) -> None:
    """Serve the page and the two files of swagger-ui that it needs, and no other file of that folder."""

    async def page(request: web.Request) -> web.Response:
        if directory is None:
            raise Problem(404, "Not Found", "This installation has no documentation page.", "not_found")
        return web.Response(
            text=_PAGE, content_type="text/html", headers={"Content-Security-Policy": DOCUMENTATION_POLICY}
        )

    async def start(request: web.Request) -> web.Response:
        return web.Response(text=_START, content_type="text/javascript")

    async def file(request: web.Request) -> web.StreamResponse:
        name = request.match_info["file"]
        if directory is None or name not in _FILES or not (directory / name).is_file():
            raise web.HTTPNotFound
        return web.FileResponse(
            directory / name, headers={"Content-Type": _FILES[name], "Cache-Control": "max-age=3600"}
        )

    application.router.add_get("/api/docs", page)
    application.router.add_get("/api/docs/start.js", start)
    application.router.add_get("/api/docs/{file}", file)
