"""Operations, routes, OpenAPI document and docs/api.md tell the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest

from mcu.conference.manager import ConferenceManager
from mcu.gateway.browser_gateway import BrowserAddresses, BrowserGateway
from mcu.ports import Operation
from recorder.store import RecordingStore
from tests.control.conftest import Client, Control
from tests.fakes.media import FakeMedia
from vod.routes import operations as recording_operations

DOCS = Path(__file__).parents[2] / "docs" / "api.md"


async def described(client: Client) -> dict[str, Any]:
    response = await client.get("/api/v1/openapi.json")
    document: dict[str, Any] = await response.json()
    return document


async def test_the_document_is_sound(control: Control) -> None:
    document = await described(await control.stranger())
    assert document["openapi"] == "3.1.0"
    text = json.dumps(document)
    for reference in re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', text):
        assert reference in document["components"]["schemas"]
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    for path, methods in document["paths"].items():
        for operation in methods.values():
            named = [one["name"] for one in operation.get("parameters", []) if one["in"] == "path"]
            assert named == re.findall(r"\{(\w+)\}", path)


async def test_every_route_is_described_and_every_description_is_served(control: Control) -> None:
    client = await control.stranger()
    document = await described(client)
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    served = {
        (route.method, route.resource.canonical)
        for route in client.server.app.router.routes()  # type: ignore[attr-defined]
        if route.resource is not None and route.method != "HEAD" and route.resource.canonical.startswith("/api/v1/")
    }
    assert served - told == {("GET", "/api/v1/openapi.json")}
    assert told <= served


@pytest.fixture
def more_operations(tmp_path: Path) -> list[Operation]:
    """What the server's other folders hand in."""
    browsers = BrowserGateway(
        cast(ConferenceManager, None), FakeMedia(), BrowserAddresses(None, ("192.0.2.1",), "AA:BB"), lambda: 1
    )
    return [*browsers.operations(), *recording_operations(RecordingStore(tmp_path / "recordings"))]


async def test_what_the_docs_say_of_access_is_so(control: Control) -> None:
    document = await described(await control.stranger())
    rows = re.findall(r"^\| ([A-Z]+) \| `(/api/v1[^`]*)` \| .* \| (\w+) \|$", DOCS.read_text("utf-8"), re.MULTILINE)
    assert len(rows) > 20
    words = {
        "For accounts.": "user",
        "For accounts, and for the chair of this conference.": "chair",
        "": "public",
    }
    here = [row for row in rows if row[1] in document["paths"]]  # not those of folders that only a whole server has
    assert len(here) > 20
    for method, path, access in here:
        description = document["paths"][path][method.lower()].get("description", "")
        if path != "/api/v1/events":  # it looks at tokens itself, as the first message may carry one
            assert words.get(description, "participant") == access, (method, path)


async def test_every_event_and_problem_is_in_the_docs() -> None:
    sources = Path(__file__).parents[2] / "mcu"
    text = DOCS.read_text("utf-8")
    events = set(re.findall(r'"type": "(\w+)"', (sources / "control" / "event_views.py").read_text("utf-8")))
    events |= {"participant_joined", "participant_changed"}
    events |= {"recording_started", "recording_progress", "recording_stopped"}
    codes = set(re.findall(r'^    [A-Z_]+ = "(\w+)"$', (sources / "conference" / "commands.py").read_text(), re.M))
    codes |= set(
        re.findall(r'^    [A-Z_]+ = "(\w+)"$', (sources / "conference" / "door" / "joining.py").read_text(), re.M)
    )
    for source in (sources / "control").glob("*.py"):
        codes |= set(re.findall(r'Problem\([^()]*"(\w+)"(?:, retry_after=\S+)?\)', source.read_text("utf-8"), re.S))
    assert len(events) > 10 and len(codes) > 15
    for word in events | codes:
        assert f"`{word}`" in text, word


async def test_the_page_comes_from_the_installation_alone(control: Control) -> None:
    client = await control.stranger()
    page = await client.get("/api/docs")
    html = await page.text()
    assert page.status == 200 and "http" not in html and "<script>" not in html
    for source in re.findall(r'(?:src|href)="([^"]+)"', html):
        answer = await client.get(source)
        assert answer.status == 200 and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (await client.get("/api/docs/swagger-ui.css")).content_type == "text/css"
    for hidden in ("secret.txt", "..%2Fsecret.txt", "%2e%2e", "index.html"):
        assert (await client.get(f"/api/docs/{hidden}")).status == 404
