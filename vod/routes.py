"""The HTTP operations of recordings: list, particulars, playlists, media, thumbnail, deletion."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from aiohttp import web

from mcu.ports import Operation, Problem, Query
from recorder.errors import RecorderError, RecordingBusy, RecordingNotFound
from recorder.store import Recording, RecordingState, RecordingStore
from vod.playlists import media_playlist, multivariant_playlist, playable
from vod.thumbnails import make_thumbnail
from vod.views import RecordingsView, RecordingView, recording_view

THUMBNAIL_LIMIT = 2
"""Thumbnails made at once: decoding must not take the cores that conferences need."""

PLAYLIST_LIMIT = 32
"""Recordings whose playlists are kept in memory; of an hour they have 200 kilobytes."""

_PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
_TAG = "recordings"
_Result = TypeVar("_Result")


def operations(store: RecordingStore) -> list[Operation]:
    """All operations on the recordings of a store, for the control API. Every one of them is for logged-in users."""
    routes = _Routes(store)
    one = "/recordings/{id}"
    return [
        Operation("GET", "/recordings", routes.list, "All recordings, newest first", response=RecordingsView, tag=_TAG),
        Operation("GET", one, routes.show, "One recording", response=RecordingView, tag=_TAG, errors=(404,)),
        Operation("DELETE", one, routes.delete, "Delete with all its files", status=204, tag=_TAG, errors=(404, 409)),
        *(
            Operation("GET", f"{one}/{name}", handler, summary, tag=_TAG, errors=(404,), produces=produces)
            for name, handler, summary, produces in (
                ("playlist.m3u8", routes.playlist, "HLS multivariant playlist", _PLAYLIST_TYPE),
                ("media.m3u8", routes.media, "HLS media playlist", _PLAYLIST_TYPE),
                ("thumbnail.jpg", routes.thumbnail, "A picture that stands for it", "image/jpeg"),
            )
        ),
        Operation(
            "GET",
            f"{one}/parts/{{part}}.mp4",
            routes.part,
            "Media of one part, whole or by byte ranges",
            tag=_TAG,
            errors=(404, 416),
            query=(Query("download", "1: as a file to save, with a readable name"),),
            produces="video/mp4",
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Playlists:
    multivariant: str
    media: str


def _make_playlists(store: RecordingStore, recording: Recording) -> _Playlists:
    growing = recording.state is RecordingState.RECORDING
    parts = store.index(recording)
    if not playable(parts, growing):
        raise RecordingNotFound("nothing of this recording can be played yet")
    return _Playlists(multivariant_playlist(parts), media_playlist(parts, growing))


class _Routes:
    def __init__(self, store: RecordingStore) -> None:
        self._store = store
        self._playlists: dict[Recording, _Playlists] = {}
        self._making = asyncio.Lock()
        self._thumbnails = asyncio.Semaphore(THUMBNAIL_LIMIT)

    async def list(self, request: web.Request) -> web.Response:
        recordings = await _in_thread(self._store.recordings)
        view = RecordingsView(recordings=[recording_view(recording) for recording in recordings])
        return web.json_response(text=view.model_dump_json())

    async def show(self, request: web.Request) -> web.Response:
        return web.json_response(text=recording_view(await self._open(request)).model_dump_json())

    async def delete(self, request: web.Request) -> web.Response:
        await _in_thread(lambda: self._store.delete(request.match_info["id"]))
        return web.Response(status=204)

    async def playlist(self, request: web.Request) -> web.Response:
        return _text((await self._playlists_of(request)).multivariant)

    async def media(self, request: web.Request) -> web.Response:
        return _text((await self._playlists_of(request)).media)

    async def part(self, request: web.Request) -> web.FileResponse:
        number = request.match_info["part"]
        if not re.fullmatch("[0-9]{4}", number):
            raise _not_found("a part's number has four digits")
        recording_id = request.match_info["id"]
        path = await _in_thread(lambda: self._store.part_file(recording_id, int(number)))
        closed = await _in_thread(lambda: self._store.is_closed(recording_id, int(number)))
        # A browser that has kept ranges of a file cuts a later range off where the file ended then, and asks with
        # If-Range, which gets it all of a file that has grown (RFC 9110 section 13.1.5). Nothing of it may be kept.
        headers = {"Content-Type": "video/mp4", "Cache-Control": "private, no-cache" if closed else "no-store"}
        if request.query.get("download") == "1":
            recording = await self._open(request)
            headers["Content-Disposition"] = _attachment(recording, int(number))
        return web.FileResponse(path, headers=headers)

    async def thumbnail(self, request: web.Request) -> web.Response:
        recording_id = request.match_info["id"]
        picture = await _in_thread(lambda: self._store.read_thumbnail(recording_id))
        if picture is None:
            async with self._thumbnails:
                picture = await _in_thread(lambda: self._make_thumbnail(recording_id))
        if picture is None:
            raise _not_found("this recording shows nothing yet")
        return web.Response(body=picture, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=60"})

    def _make_thumbnail(self, recording_id: str) -> bytes | None:
        kept = self._store.read_thumbnail(recording_id)
        if kept is not None:
            return kept  # somebody else was quicker
        recording = self._store.open(recording_id)
        indexed = self._store.index(recording)
        if not indexed:
            return None
        part = indexed[0]
        made = make_thumbnail(self._store.part_file(recording_id, part.number), part)
        if made is None:
            return None
        picture, good = made
        if good or recording.state is not RecordingState.RECORDING:
            self._store.keep_thumbnail(recording_id, picture)
        return picture

    async def _open(self, request: web.Request) -> Recording:
        return await _in_thread(lambda: self._store.open(request.match_info["id"]))

    async def _playlists_of(self, request: web.Request) -> _Playlists:
        """Kept while the recording stays as it is, for a hall full of viewers who start together."""
        recording = await self._open(request)
        async with self._making:  # one makes them, the others wait and take what it made
            kept = self._playlists.get(recording)
            if kept is None:
                kept = await _in_thread(lambda: _make_playlists(self._store, recording))
                while len(self._playlists) >= PLAYLIST_LIMIT:
                    del self._playlists[next(iter(self._playlists))]
                self._playlists[recording] = kept
        return kept


async def _in_thread(work: Callable[[], _Result]) -> _Result:
    """Work that waits for the disk, its errors turned into problems."""
    try:
        return await asyncio.to_thread(work)
    except RecordingNotFound as trouble:
        raise _not_found(str(trouble)) from trouble
    except RecordingBusy as trouble:
        raise Problem(409, "Recording in progress", f"{trouble}; stop it first", "recording_in_progress") from trouble
    except RecorderError as trouble:
        raise Problem(500, "Recording storage failed", str(trouble), "recording_storage_failed") from trouble


def _not_found(detail: str) -> Problem:
    return Problem(404, "No such recording", detail, "unknown_recording")


def _text(playlist: str) -> web.Response:
    return web.Response(text=playlist, content_type=_PLAYLIST_TYPE, headers={"Cache-Control": "no-store"})


def _attachment(recording: Recording, part: int) -> str:
    """Content-Disposition with a readable name, in any script (RFC 6266, RFC 8187)."""
    stamp = recording.started.strftime("%Y-%m-%d_%H%M")
    tail = f"-{part}" if len(recording.parts) > 1 else ""
    words = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]+', " ", recording.title or recording.conference).strip()[:80]
    name = f"{words or 'recording'} {stamp}{tail}.mp4"
    plain = f"recording-{recording.id}{tail}.mp4"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
