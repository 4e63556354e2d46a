"""Messages between control process and worker survive the trip; anything else ends the link with LinkError."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media.facts import LegFailed, LegStatistics, SpeakerChanged
from mcu.media.link import (
    MAX_FRAME,
    Apply,
    ControlCamera,
    Done,
    LinkError,
    Message,
    Ping,
    Pong,
    Remove,
    Report,
    RequestKeyFrame,
    SendDigits,
    ShowTiles,
    Start,
    frame,
    parse_message,
    read_message,
)
from mcu.media.spec import CameraRequest, ConferenceSpec, RecordingSpec, Tiles, WorkerSettings
from tests.fakes.media import browser_leg, room_leg

SPEC = ConferenceSpec(
    id="c",
    revision=3,
    legs=(room_leg("a", "手术室"), browser_leg("b")),
    recordings=(RecordingSpec(id="r", directory="/r"),),
)
SETTINGS = WorkerSettings(
    index=1, browser_host="::", browser_port=8444, certificate_file="a", private_key_file="b", font_file="c"
)
MESSAGES: list[Message] = [
    Start(settings=SETTINGS, generation=4),
    Apply(request=1, spec=SPEC),
    Remove(request=2, conference="c"),
    RequestKeyFrame(conference="c", leg="a"),
    SendDigits(conference="c", leg="a", digits="1#"),
    ShowTiles(conference="c", leg="a", tiles=Tiles(people={"b": (640, 360)}, hidden=True)),
    ControlCamera(conference="c", leg="a", request=CameraRequest(action="move", pan=-1, seconds=0.5)),
    Ping(),
    Done(request=1, legs={"a": "UDP port 20000 for audio: Address already in use"}),
    Pong(),
    Report(facts=(SpeakerChanged(conference="c", leg=None), LegFailed(conference="c", leg="a", reason="x"))),
]


async def read(*parts: bytes) -> list[Message]:
    """All messages of a stream that comes in these parts; raises as reading does, but not for its proper end."""
    reader = asyncio.StreamReader()
    for part in parts:
        reader.feed_data(part)
    reader.feed_eof()
    messages = []
    while not reader.at_eof():
        messages.append(await read_message(reader))
    return messages


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.kind)
async def test_a_message_arrives_as_it_was_sent(message: Message) -> None:
    assert await read(frame(message)) == [message]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 400), max_size=12))
async def test_frames_may_be_cut_anywhere(sizes: list[int]) -> None:
    stream = b"".join(frame(message) for message in MESSAGES)
    parts, at = [], 0
    for size in sizes:
        parts.append(stream[at : at + size])
        at += size
    assert await read(*parts, stream[at:]) == MESSAGES


def test_the_whole_description_survives() -> None:
    again = parse_message(frame(Apply(request=1, spec=SPEC))[4:])
    assert isinstance(again, Apply) and again.spec == SPEC
    assert again.spec.legs[0].video is not None and again.spec.legs[0].name == "手术室"


def test_a_measured_value_that_went_wrong_does_not_cost_the_link() -> None:
    statistics = LegStatistics(conference="c", leg="a", media="audio", jitter_ms=math.inf, round_trip_ms=math.nan)
    report = parse_message(frame(Report(facts=(statistics,)))[4:])
    assert isinstance(report, Report)
    (fact,) = report.facts
    assert isinstance(fact, LegStatistics) and fact.jitter_ms == math.inf


@pytest.mark.parametrize(
    "stream",
    [
        b"\0\0",
        b"\0\0\0\5{",
        b"\0\0\0\0",
        b"\0\0\0\2{}",
        b'\0\0\0\x0f{"kind":"nope"}',
        b'\0\0\0\x16{"kind":"ping","x":"y"}',
        b'\0\0\0\x17{"kind":"done","legs":1}',
        b"\0\0\0\3\xff\xfe\xfd",
        (MAX_FRAME + 1).to_bytes(4) + b"x",
    ],
)
async def test_anything_else_is_one_error(stream: bytes) -> None:
    with pytest.raises(LinkError):
        await read(stream)


async def test_a_frame_that_is_too_long_is_refused_before_it_is_read() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data((MAX_FRAME + 1).to_bytes(4))
    with pytest.raises(LinkError, match="exceeds"):
        await read_message(reader)


def test_a_message_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(LinkError, match="exceeds"):
        frame(Done(request=1, error="x" * MAX_FRAME))
