"""HTTP operations of the inventory and of call records."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from gatekeeper.call_records import CallRecord
from gatekeeper.inventory import Endpoint, EndpointState
from gatekeeper.normalisation import Value
from gatekeeper.reports import call_headings, call_lines, use_table
from gatekeeper.stores import CallRecordStore
from mcu.gateway.call_log import CallLog
from mcu.ports import Operation, Problem, Query

_T = TypeVar("_T")

PAGE = 50
MAX_PAGE = 500

TABLE = "text/csv"

_COUNT: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=1, le=MAX_PAGE)])
_TIME: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


class EndpointView(Endpoint):
    """An endpoint, and how it is now."""

    state: EndpointState


class EndpointList(Value):
    """The inventory, by id."""

    endpoints: list[EndpointView]


class CallRecordView(CallRecord):
    """A call record. ``duration`` in seconds, up to now for a call that goes on; ``loss`` is the share of packets."""

    duration: float
    loss: float


class CallRecordList(Value):
    """Call records, newest first; ``more`` when there are older ones."""

    calls: list[CallRecordView]
    more: bool


class UseView(Value):
    """How much an endpoint was used. ``seconds`` in calls; ``loss`` is the share of packets of all of them."""

    endpoint: str
    name: str
    calls: int
    answered: int
    failed: int
    seconds: float
    loss: float


class UseReport(Value):
    """The use of all endpoints in a span of time, most used first."""

    since: datetime
    until: datetime
    devices: list[UseView]


class EndpointOperations:
    """Serves the inventory and the records. ``now`` is the time of day."""

    def __init__(self, log: CallLog, records: CallRecordStore, now: Callable[[], datetime]) -> None:
        self._log = log
        self._records = records
        self._now = now

    def operations(self) -> list[Operation]:
        """What this class serves."""
        tag = "endpoints"
        since = Query("since", "time from which calls count, with its zone; a week ago without it")
        of_one = Query("endpoint", "only calls of this endpoint")
        until = Query("until", "time up to which calls count; now without it")
        return [
            Operation("GET", "/endpoints", self._endpoints, "Every endpoint that registered or called",
                      response=EndpointList, tag=tag),
            Operation("DELETE", "/endpoints/{id}", self._forget, "Forget an endpoint until it is seen again",
                      status=204, tag=tag, errors=(404,)),
            Operation("GET", "/call-records", self._calls, "Call records, newest first",
                      response=CallRecordList, tag=tag, errors=(422,),
                      query=(of_one,
                             Query("before", "only calls that began before this time"),
                             Query("count", f"how many, up to {MAX_PAGE}; {PAGE} without it"))),
            Operation("GET", "/call-records/use", self._use, "Use of each endpoint: calls, time, loss, failures",
                      response=UseReport, tag=tag, errors=(422,), query=(since, until)),
            Operation("GET", "/call-records.csv", self._calls_table, "Call records as a table for spreadsheets",
                      tag=tag, errors=(422,), produces=TABLE, query=(since, until, of_one)),
            Operation("GET", "/call-records/use.csv", self._use_table, "Use of each endpoint as a table",
                      tag=tag, errors=(422,), produces=TABLE, query=(since, until)),
        ]  # fmt: skip

    async def _endpoints(self, request: web.Request) -> web.Response:
        now, inventory = self._now(), self._log.inventory
        views = [
            EndpointView(**dict(endpoint), state=inventory.state_of(endpoint, now))
            for endpoint in sorted(inventory, key=lambda endpoint: endpoint.id)
        ]
        return _answer(EndpointList(endpoints=views))

    async def _forget(self, request: web.Request) -> web.Response:
        if not self._log.inventory.forget(request.match_info["id"]):
            raise Problem(404, "No such endpoint", "The inventory has no endpoint with this id.", "unknown_endpoint")
        await self._log.save()
        return web.Response(status=204)

    async def _calls(self, request: web.Request) -> web.Response:
        endpoint = request.query.get("endpoint")
        before = _query(request, "before", _TIME, None)
        count = _query(request, "count", _COUNT, PAGE) or PAGE
        kept = await self._records.calls(count + 1, endpoint=endpoint, before=before)
        newer = {
            record.id: record
            for record in self._log.unwritten()
            if (endpoint is None or record.endpoint == endpoint) and (before is None or record.began_at < before)
        }
        merged = {record.id: record for record in kept} | newer
        newest = sorted(merged.values(), key=lambda record: (record.began_at, record.id), reverse=True)
        views = [self._view(record) for record in newest[:count]]
        return _answer(CallRecordList(calls=views, more=len(newest) > count))

    async def _calls_table(self, request: web.Request) -> web.StreamResponse:
        """Page by page, so that a year of calls is never in memory as a whole."""
        since, until = self._span(request)
        endpoint = request.query.get("endpoint")
        await self._log.save()
        response = web.StreamResponse(headers=_download("calls", since, until))
        response.content_type, response.charset = TABLE, "utf-8"
        await response.prepare(request)
        await response.write(call_headings().encode())
        after: CallRecord | None = None
        while page := await self._records.calls_of_span(since, until, MAX_PAGE, endpoint=endpoint, after=after):
            after = page[-1]
            running = {record.id: record for record in self._log.running()}
            await response.write(call_lines(running.get(record.id, record) for record in page).encode())
        await response.write_eof()
        return response

    async def _use_table(self, request: web.Request) -> web.Response:
        since, until = self._span(request)
        await self._log.save()
        names = {endpoint.id: endpoint.name for endpoint in self._log.inventory}
        text = use_table(await self._records.use(since, until), names)
        return web.Response(text=text, content_type=TABLE, headers=_download("use", since, until))

    def _span(self, request: web.Request) -> tuple[datetime, datetime]:
        """The span of time that is asked for. Raises Problem."""
        now = self._now()
        until = _query(request, "until", _TIME, now) or now
        return _query(request, "since", _TIME, None) or until - timedelta(days=7), until

    async def _use(self, request: web.Request) -> web.Response:
        since, until = self._span(request)
        names = {endpoint.id: endpoint.name for endpoint in self._log.inventory}
        devices = [
            UseView(
                endpoint=use.endpoint,
                name=names.get(use.endpoint, ""),
                calls=use.calls,
                answered=use.answered,
                failed=use.failed,
                seconds=round(use.seconds, 1),
                loss=round(use.loss, 5),
            )
            for use in await self._records.use(since, until)
        ]
        return _answer(UseReport(since=since, until=until, devices=devices))

    def _view(self, record: CallRecord) -> CallRecordView:
        seconds = record.seconds
        if record.ended_at is None and record.answered_at is not None:
            seconds = max(0.0, (self._now() - record.answered_at).total_seconds())
        received = sum(stream.packets_received for stream in record.streams)
        lost = sum(stream.packets_lost for stream in record.streams)
        loss = lost / (received + lost) if received + lost else 0.0
        return CallRecordView(**dict(record), duration=round(seconds, 1), loss=round(loss, 5))


def _download(what: str, since: datetime, until: datetime) -> dict[str, str]:
    name = f"{what}-{since:%Y%m%d}-{until:%Y%m%d}.csv"
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}


def _query(request: web.Request, name: str, kind: TypeAdapter[_T], default: _T | None) -> _T | None:
    text = request.query.get(name)
    if text is None:
        return default
    try:
        return kind.validate_python(text)
    except ValidationError as error:
        what = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise Problem(422, "Invalid value", f"{name}: {what}.", "invalid") from None


def _answer(view: Value) -> web.Response:
    return web.Response(text=view.model_dump_json(), content_type="application/json")
