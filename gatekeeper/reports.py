"""Call records and the use of devices as tables for spreadsheets (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from gatekeeper.call_records import CallRecord, DeviceUse, StreamRecord

BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it spreadsheets take UTF-8 for the coding of their country, and Chinese names come out wrong."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_CALL_COLUMNS: Final = (
    "began_at", "answered_at", "ended_at", "seconds", "kind", "direction", "endpoint", "name", "dialled",
    "destination", "room", "zone", "device_class", "address", "user_agent", "reason", "status", "detail", "important",
    "lowered",
)  # fmt: skip
_STREAM_COLUMNS: Final = (
    "codec_received", "codec_sent", "rate_received", "rate_sent", "packets_received", "packets_lost", "loss",
    "jitter_ms", "worst_jitter_ms", "round_trip_ms", "remote_loss",
)  # fmt: skip
_MEDIA: Final = ("audio", "video", "content")


def call_headings() -> str:
    """The first line of a table of calls, with the byte order mark."""
    columns = [*_CALL_COLUMNS, *(f"{medium}_{column}" for medium in _MEDIA for column in _STREAM_COLUMNS)]
    return BYTE_ORDER_MARK + _lines([columns])


def call_lines(records: Iterable[CallRecord]) -> str:
    """A line for each call. Times are UTC, rates bit/s, losses shares of 1."""
    return _lines([_call(record) for record in records])


def use_table(uses: Iterable[DeviceUse], names: dict[str, str]) -> str:
    """The use of each device, with headings."""
    columns = ("endpoint", "name", "calls", "answered", "failed", "hours", "packets", "lost", "loss")
    rows = [
        (
            use.endpoint, names.get(use.endpoint, ""), use.calls, use.answered, use.failed,
            f"{use.seconds / 3600:.2f}", use.packets, use.lost, f"{use.loss:.5f}",
        )
        for use in uses
    ]  # fmt: skip
    return BYTE_ORDER_MARK + _lines([columns, *rows])


def _call(record: CallRecord) -> list[object]:
    row: list[object] = []
    for column in _CALL_COLUMNS:
        value = getattr(record, column)
        row.append(value.isoformat(timespec="seconds") if column.endswith("_at") and value is not None else value)
    for medium in _MEDIA:
        row += _stream(getattr(record, medium))
    return row


def _stream(stream: StreamRecord | None) -> list[object]:
    if stream is None:
        return [""] * len(_STREAM_COLUMNS)
    return [round(value, 5) if isinstance(value := getattr(stream, column), float) else value
            for column in _STREAM_COLUMNS]  # fmt: skip


def _lines(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([_plain(value) for value in row] for row in rows)
    return text.getvalue()


def _plain(value: object) -> object:
    """Text that a spreadsheet shows and never computes: names are chosen by whoever calls."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
