"""The pages and the files that they need: ours from ``web_client``, others' from the npm packages."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

# A folder of files for browsers, beside our packages; it holds no Python.
WEB_CLIENT = Path(__file__).resolve().parent.parent / "web_client"
PAGES = {
    "/": "index.html",
    "/recordings": "recordings.html",
    "/control": "control.html",
    "/endpoints": "endpoints.html",
}

# Served under /vendor/: the only files of the npm packages that a browser can get.
VENDOR_FILES = {
    "hls.min.js": "hls.js/dist/hls.min.js",
    "NotoSansSC_400Regular.ttf": "@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf",
}
FONT = VENDOR_FILES["NotoSansSC_400Regular.ttf"]
API_PAGE = "swagger-ui-dist"

# Files of a browser's kinds only.
_SERVED = {".js", ".css", ".svg", ".png", ".html", ".json", ".ico", ".webmanifest"}


def add_pages(application: web.Application, vendor: Path) -> None:
    """Add the pages to the control API's application; ``vendor`` is the folder of installed npm packages."""

    def page(name: str) -> None:
        async def handler(request: web.Request) -> web.FileResponse:
            return web.FileResponse(WEB_CLIENT / PAGES[name], headers={"Cache-Control": "no-cache"})

        application.router.add_get(name, handler)

    files = _files(WEB_CLIENT)

    async def static(request: web.Request) -> web.FileResponse:
        found = files.get(request.match_info["path"])
        if found is None or not found.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(found, headers={"Cache-Control": "no-cache"})

    async def vendor_file(request: web.Request) -> web.FileResponse:
        found = VENDOR_FILES.get(request.match_info["name"])
        if found is None or not (vendor / found).is_file():
            raise web.HTTPNotFound
        return web.FileResponse(vendor / found, headers={"Cache-Control": "max-age=604800"})

    for name in PAGES:
        page(name)
    application.router.add_get("/static/{path:.+}", static)
    application.router.add_get("/vendor/{name}", vendor_file)


def _files(folder: Path) -> dict[str, Path]:
    """What is served of a folder, by its path in URLs. A name is looked up here, so no name can lead out of it."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.suffix in _SERVED and path.is_file() and path.resolve().is_relative_to(folder.resolve())
    }
