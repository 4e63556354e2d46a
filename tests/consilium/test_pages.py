"""Browsers get our pages and the few vendored files that they need, and nothing else of the disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from consilium.pages import PAGES, VENDOR_FILES, WEB_CLIENT, add_pages

Client = TestClient[web.Request, web.Application]
# RFC 9239 made the former the only name; machines' tables still have the latter.
SCRIPT = ("text/javascript", "application/javascript")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    vendor = tmp_path / "node_modules"
    for name in VENDOR_FILES.values():
        (vendor / name).parent.mkdir(parents=True, exist_ok=True)
        (vendor / name).write_text("vendored")
    (tmp_path / "secret.js").write_text("not for the web")
    application = web.Application()
    add_pages(application, vendor)
    async with TestClient(TestServer(application)) as client:
        yield client


@pytest.mark.parametrize("path", PAGES)
async def test_pages(client: Client, path: str) -> None:
    response = await client.get(path)
    assert response.status == 200 and response.content_type == "text/html"
    assert response.headers["Cache-Control"] == "no-cache"
    assert (await response.read()) == (WEB_CLIENT / PAGES[path]).read_bytes()


@pytest.mark.parametrize(
    ("path", "content_types"),
    [("join.js", SCRIPT), ("css/base.css", ("text/css",)), ("i18n/zh.js", SCRIPT)],
)
async def test_our_files(client: Client, path: str, content_types: tuple[str, ...]) -> None:
    response = await client.get(f"/static/{path}")
    assert response.status == 200 and response.content_type in content_types
    etag = response.headers["ETag"]
    assert (await client.get(f"/static/{path}", headers={"If-None-Match": etag})).status == 304


@pytest.mark.parametrize("name", VENDOR_FILES)
async def test_files_of_others(client: Client, name: str) -> None:
    response = await client.get(f"/vendor/{name}")
    assert response.status == 200 and await response.text() == "vendored"
    assert "max-age" in response.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/.",
        "/static/..",
        "/static/css",
        "/static/nothing.js",
        "/static/../pyproject.toml",
        "/static/../consilium/config.py",
        "/static/%2e%2e/consilium/config.py",
        "/static/..%2fpackage.json",
        "/static/%2e%2e%2fpackage.json",
        "/static/..%5cpackage.json",
        "/static/%2e%2e%2ftests%2fweb_client%2fprotocol.test.mjs",
        "/static/css/../../package.json",
        "/static//etc/hostname.json",
        "/static/%2fetc%2fpasswd",
        "/static/join.js%00",
        "/static/%00.js",
        "/static/" + "a" * 300 + ".js",
        "/static/" + "a/" * 3000 + "b.js",
        "/static/%ff%fe.js",
        "/static/join.js/x.js",
        "/vendor/..%2f..%2fsecret.js",
        "/vendor/%2e%2e%2fsecret.js",
        "/vendor/hls.js",
        "/vendor/hls.min.js/x",
        "/vendor/",
    ],
)
async def test_nothing_else(client: Client, path: str) -> None:
    # By hand: a client would tidy the path up first.
    assert client.port is not None
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {client.host}\r\nConnection: close\r\n\r\n".encode())
    status_line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert status_line.split()[1] == b"404"


async def test_a_link_that_leads_out_of_the_folder_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "web_client"
    folder.mkdir()
    (tmp_path / "secret.js").write_text("not for the web")
    (folder / "inside.js").write_text("ours")
    (folder / "link.js").symlink_to(tmp_path / "secret.js")
    monkeypatch.setattr("consilium.pages.WEB_CLIENT", folder)
    application = web.Application()
    add_pages(application, tmp_path)
    async with TestClient(TestServer(application)) as client:
        assert (await client.get("/static/inside.js")).status == 200
        assert (await client.get("/static/link.js")).status == 404
        (folder / "inside.js").unlink()
        assert (await client.get("/static/inside.js")).status == 404


async def test_a_package_that_is_not_installed_is_not_found(tmp_path: Path) -> None:
    application = web.Application()
    add_pages(application, tmp_path)
    async with TestClient(TestServer(application)) as client:
        assert (await client.get(f"/vendor/{next(iter(VENDOR_FILES))}")).status == 404


def test_no_file_for_browsers_is_of_a_kind_that_is_not_served() -> None:
    from consilium.pages import _SERVED

    kinds = {path.suffix for path in WEB_CLIENT.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert kinds <= _SERVED | {".md", ".py"}, "add_pages would answer 404 for it"
