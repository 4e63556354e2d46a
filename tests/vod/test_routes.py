from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urljoin

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from recorder.formats import VideoFormat
from recorder.layout import index_file, thumbnail_file
from recorder.store import RecordingStore
from recorder.writer import RecordingWriter
from tests.recorder.material import pictures
from tests.recorder.playback import decode
from tests.recorder.writing import feed, record
from tests.vod.application import application
from tests.vod.conftest import STARTED
from vod.routes import operations

BASE = "/api/v1/recordings"


@pytest.fixture
async def client(recorded: RecordingStore) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    async with TestClient(TestServer(application(operations(recorded)))) as client:
        yield client


@pytest.fixture
async def fresh(empty_store: RecordingStore) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    async with TestClient(TestServer(application(operations(empty_store)))) as client:
        yield client


async def code(response: ClientResponse) -> tuple[int, str]:
    return response.status, (await response.json())["code"]


def test_every_operation_needs_a_login(empty_store: RecordingStore) -> None:
    assert {operation.access for operation in operations(empty_store)} == {"user"}


async def test_a_list_tells_all_that_a_page_shows(client: TestClient) -> None:  # type: ignore[type-arg]
    listed = (await (await client.get(BASE)).json())["recordings"]
    assert len(listed) == 1
    shown = listed[0]
    assert (shown["id"], shown["number"], shown["title"]) == ("two-parts", "1000", "会诊 / ward round")
    assert shown["state"] == "finished"
    assert shown["duration"] == pytest.approx(10.5, abs=0.01)
    assert shown["started_at"] == "2026-03-04T05:06:07Z"
    assert [part["address"] for part in shown["parts"]] == ["parts/0001.mp4", "parts/0002.mp4"]
    assert await (await client.get(f"{BASE}/two-parts")).json() == shown


async def test_newest_comes_first(fresh: TestClient, empty_store: RecordingStore) -> None:  # type: ignore[type-arg]
    for number, hours in (("a", 1), ("b", 3), ("c", 2)):
        empty_store.create(number, "1000", "", STARTED + timedelta(hours=hours))
    listed = (await (await fresh.get(BASE)).json())["recordings"]
    assert [recording["id"] for recording in listed] == ["b", "c", "a"]
    assert {recording["state"] for recording in listed} == {"empty"}


async def test_a_player_that_follows_the_playlists_gets_every_picture(client: TestClient) -> None:  # type: ignore[type-arg]
    address = f"{BASE}/two-parts/playlist.m3u8"
    response = await client.get(address)
    assert response.content_type == "application/vnd.apple.mpegurl"
    address = urljoin(address, (await response.text()).splitlines()[-1])
    init, span, count = b"", "", 0
    for line in (await (await client.get(address)).text()).splitlines():
        if match := re.fullmatch(r'#EXT-X-MAP:URI="(.+)",BYTERANGE="(\d+)@0"', line):
            headers = {"Range": f"bytes=0-{int(match[2]) - 1}"}
            init = await (await client.get(urljoin(address, match[1]), headers=headers)).read()
        elif match := re.fullmatch(r"#EXT-X-BYTERANGE:(\d+)@(\d+)", line):
            span = f"bytes={match[2]}-{int(match[2]) + int(match[1]) - 1}"
        elif not line.startswith("#"):
            part = await client.get(urljoin(address, line), headers={"Range": span})
            assert part.status == 206 and part.content_type == "video/mp4"
            count += len(decode(init + await part.read()).pictures)
    assert count == 195 + 120


async def test_a_download_has_a_readable_name_in_any_script(client: TestClient) -> None:  # type: ignore[type-arg]
    response = await client.get(f"{BASE}/two-parts/parts/0002.mp4?download=1")
    assert response.headers["Content-Disposition"] == (
        'attachment; filename="recording-two-parts-2.mp4"; '
        "filename*=UTF-8''%E4%BC%9A%E8%AF%8A%20%20%20ward%20round%202026-03-04_0506-2.mp4"
    )
    assert len(decode(await response.read()).pictures) == 120


async def test_only_a_closed_part_may_be_kept_by_browsers(
    client: TestClient,  # type: ignore[type-arg]
    fresh: TestClient,  # type: ignore[type-arg]
    empty_store: RecordingStore,
) -> None:
    closed = await client.get(f"{BASE}/two-parts/parts/0001.mp4")
    assert closed.headers["Cache-Control"] == "private, no-cache"
    directory = empty_store.create("cut-off", "1000", "", STARTED)
    record(directory, pictures([n / 30 for n in range(60)]))
    index = index_file(directory, 1)
    index.write_bytes(index.read_bytes()[:-5])
    growing = await fresh.get(f"{BASE}/cut-off/parts/0001.mp4")
    assert growing.headers["Cache-Control"] == "no-store"


async def test_a_range_beyond_the_end_is_refused(client: TestClient) -> None:  # type: ignore[type-arg]
    response = await client.get(f"{BASE}/two-parts/parts/0001.mp4", headers={"Range": "bytes=99999999-"})
    assert response.status == 416


async def test_the_thumbnail_shows_a_picture_and_is_kept(client: TestClient, recorded: RecordingStore) -> None:  # type: ignore[type-arg]
    response = await client.get(f"{BASE}/two-parts/thumbnail.jpg")
    assert response.content_type == "image/jpeg"
    body = await response.read()
    assert Image.open(io.BytesIO(body)).size == (320, 180)
    assert thumbnail_file(recorded.root / "two-parts").read_bytes() == body
    assert await (await client.get(f"{BASE}/two-parts/thumbnail.jpg")).read() == body


@pytest.mark.parametrize(
    "path",
    [
        "nobody",
        "nobody/playlist.m3u8",
        "nobody/media.m3u8",
        "nobody/thumbnail.jpg",
        "nobody/parts/0001.mp4",
        "two-parts/parts/0003.mp4",
        "two-parts/parts/1.mp4",
        "two-parts/parts/..%2F0001.mp4",
        "..%2F..%2Fetc",
        "%2E%2E",
        "a%00b",
    ],
)
async def test_what_is_not_there_is_not_found(client: TestClient, path: str) -> None:  # type: ignore[type-arg]
    response = await client.get(f"{BASE}/{path}")
    assert response.status == 404


async def test_an_unknown_recording_has_a_code_for_programs(client: TestClient) -> None:  # type: ignore[type-arg]
    assert await code(await client.get(f"{BASE}/nobody")) == (404, "unknown_recording")
    assert await code(await client.delete(f"{BASE}/nobody")) == (404, "unknown_recording")


async def test_a_recording_in_progress_can_be_watched_but_not_deleted(
    fresh: TestClient,  # type: ignore[type-arg]
    empty_store: RecordingStore,
) -> None:
    directory = empty_store.create("live", "1000", "", STARTED)
    progress: list[float] = []
    writer = RecordingWriter(directory, VideoFormat(), on_progress=lambda seconds, _: progress.append(seconds))
    assert await code(await fresh.get(f"{BASE}/live/playlist.m3u8")) == (404, "unknown_recording")
    feed(writer, pictures([n / 30 for n in range(150)]), [])
    try:
        assert (await (await fresh.get(f"{BASE}/live")).json())["state"] == "recording"
        assert await code(await fresh.delete(f"{BASE}/live")) == (409, "recording_in_progress")
    finally:
        writer.close()
    assert (await fresh.get(f"{BASE}/live/playlist.m3u8")).status == 200
    assert (await fresh.delete(f"{BASE}/live")).status == 204
    assert not directory.exists()
    assert (await (await fresh.get(BASE)).json()) == {"recordings": []}
