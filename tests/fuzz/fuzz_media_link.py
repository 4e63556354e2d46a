"""Fuzz target: messages between the control process and a media worker, alone and as a stream of frames."""

from __future__ import annotations

import asyncio

from mcu.media.link import LinkError, frame, parse_message, read_message

_LOOP = asyncio.new_event_loop()


def fuzz_one(data: bytes) -> None:
    """Any bytes are a message or LinkError; a message survives the trip to the other end."""
    try:
        message = parse_message(data)
    except LinkError:
        pass
    else:
        wire = frame(message)
        assert frame(parse_message(wire[4:])) == wire
    for stream in (data, len(data).to_bytes(4) + data):
        _read_all(stream)


def _read_all(stream: bytes) -> None:
    reader = asyncio.StreamReader(loop=_LOOP)
    reader.feed_data(stream)
    reader.feed_eof()
    while True:
        try:
            read_message(reader).send(None)
        except StopIteration:
            continue  # a message; the next one
        except LinkError:
            return
        raise AssertionError("it waits for bytes that are there")
