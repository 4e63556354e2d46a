"""What becomes of calls and endpoints, written down: call records and the inventory, from signalling and from facts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from gatekeeper.alarms import AlarmBook, AlarmTopic
from gatekeeper.call_records import CallRecord, Codecs, Figures, Medium, RunningCall
from gatekeeper.inventory import (
    LEAST_PACKETS,
    LOSS_CLEARED,
    LOSS_RAISED,
    Alarm,
    Endpoint,
    Inventory,
    Registration,
    Sighting,
)
from gatekeeper.stores import CallRecordStore, EndpointStore
from mcu.conference.clock import Clock
from mcu.media.facts import Fact, LegFlowing, LegSilent, LegStatistics
from mcu.media.spec import AudioSpec, LegSpec, VideoSpec

logger = logging.getLogger(__name__)

SAVE_SECONDS = 5.0
"""How often changes of the inventory are written: many of them come together."""

PRUNE_SECONDS = 3600.0

MAX_REFUSED = 6
"""Refused calls of one address that are recorded in REFUSED_SPAN: whoever scans must not fill the disk."""

REFUSED_SPAN = timedelta(minutes=10)

_RECORDED: Mapping[str, Medium] = {"audio": "audio", "video": "video", "content": "content"}
"""Media that people hear and see; the steering of cameras is none."""

MAX_SOURCES = 1000
"""Addresses whose refused calls are counted at once."""


class CallLog:
    """One for the server. ``load`` first, then ``run`` until the end, then ``close``.

    ``registrations`` gives all bindings of the registrar; ``retention`` is how long call records are kept.
    """

    def __init__(
        self,
        endpoints: EndpointStore,
        records: CallRecordStore,
        clock: Clock,
        ids: Callable[[], str],
        *,
        retention: timedelta = timedelta(days=365),
        registrations: Callable[[], Iterable[Registration]] | None = None,
    ) -> None:
        self._endpoint_store = endpoints
        self._records = records
        self._clock = clock
        self._ids = ids
        self._retention = retention
        self._registrations = registrations
        self.inventory = Inventory()
        self.inventory.on_alarm(self._alarmed)
        self.alarms = AlarmBook()
        self._calls: dict[str, RunningCall] = {}
        self._by_leg: dict[str, str] = {}
        self._refused: dict[str, list[datetime]] = {}
        self._to_save: dict[str, CallRecord] = {}

    async def load(self) -> None:
        """Read the inventory, and end the records that a server that died has left open."""
        self.inventory = Inventory(await self._endpoint_store.endpoints())
        self.inventory.restarted(self._clock.wall())
        self.inventory.on_alarm(self._alarmed)
        for endpoint in self.inventory:
            for alarm in endpoint.alarms:
                self._alarmed(endpoint, alarm, True)
        left = await self._records.close_open_calls(self._clock.wall(), "server_stopped")
        if left:
            logger.info("%d call records were left open by a server that did not stop properly", left)

    # Calls

    def began(self, handle: str, record: CallRecord) -> None:
        """A call comes in or goes out."""
        self._calls[handle] = RunningCall(record)

    def new_record(self, endpoint: str, **fields: object) -> CallRecord:
        """A record of a call that begins now."""
        return CallRecord.model_validate(
            {"id": self._ids(), "endpoint": endpoint, "began_at": self._clock.wall(), **fields}
        )

    def note(self, handle: str, **fields: object) -> None:
        """Put more into the record of a call."""
        if (call := self._calls.get(handle)) is not None:
            call.record = call.record.model_copy(update=fields)

    def negotiated(self, handle: str, leg: LegSpec, sighting: Sighting | None) -> None:
        """Offer and answer have come to this leg; with the first one the call counts as answered.

        Without a ``sighting`` the endpoint is none for the inventory, which has no place for browsers.
        """
        call = self._calls.get(handle)
        if call is None:
            return
        now = self._clock.wall()
        codecs = _codecs(leg)
        call.negotiated(codecs)
        call.is_held = leg.held
        names = tuple(dict.fromkeys(name for each in codecs.values() for name in (each.received, each.sent)))
        if sighting is not None:
            self.inventory.saw(call.record.endpoint, sighting.model_copy(update={"codecs": names}), now)
        self._by_leg[leg.id] = handle
        if call.record.answered_at is None:
            call.record = call.record.model_copy(update={"answered_at": now})
            if sighting is not None:
                self.inventory.call_began(call.record.endpoint, now)
            self._save(call.record)

    def came_into(self, handle: str, room: str) -> None:
        """A call has come into a room: at once, out of the menu, or since the server called it."""
        call = self._calls.get(handle)
        if call is not None and call.record.room != room:
            call.record = call.record.model_copy(update={"room": room})
            if call.record.answered_at is not None:
                self._save(call.record)

    def call_of(self, leg: str) -> str | None:
        """The call that a leg belongs to."""
        return self._by_leg.get(leg)

    def record_of(self, handle: str) -> CallRecord | None:
        """The record so far of a call that is not over."""
        call = self._calls.get(handle)
        return None if call is None else call.record

    def ended(self, handle: str, reason: str, status: int | None = None, detail: str = "") -> None:
        """The call is over, or never was. May be called again: the first reason counts."""
        call = self._calls.pop(handle, None)
        if call is None:
            return
        now = self._clock.wall()
        record = call.end(now, reason, status).model_copy(update={"detail": detail})
        for leg in [leg for leg, owner in self._by_leg.items() if owner == handle]:
            del self._by_leg[leg]
        if record.answered_at is not None:
            if record.kind == "sip":
                self.inventory.call_ended(record.endpoint, now)
            else:
                self.alarms.right(AlarmTopic.LOSS, record.endpoint, now)
        elif not self._may_record(record.address, now):
            return
        self._save(record)

    def running(self) -> list[CallRecord]:
        """The records of calls that go on, with their figures so far."""
        now = self._clock.wall()
        return [call.snapshot(now) for call in self._calls.values() if call.record.answered_at is not None]

    def unwritten(self) -> list[CallRecord]:
        """What is newer than the store's records: ended calls that are still to be written, and calls that go on."""
        return [*self._to_save.values(), *self.running()]

    def now(self) -> datetime:
        """The time of day."""
        return self._clock.wall()

    def handles(self) -> frozenset[str]:
        """All calls that are not over."""
        return frozenset(self._calls)

    def _may_record(self, address: str, now: datetime) -> bool:
        """Whether one more refused call of an address is worth a record."""
        times = [time for time in self._refused.pop(address, ()) if now - time < REFUSED_SPAN]
        may = len(times) < MAX_REFUSED
        self._refused[address] = [*times, now] if may else times
        while len(self._refused) > MAX_SOURCES:
            del self._refused[next(iter(self._refused))]
        return may

    # Facts

    def handle_fact(self, fact: Fact) -> None:
        """Take what a media worker reports of a leg."""
        if not isinstance(fact, LegStatistics | LegSilent | LegFlowing):
            return
        handle = self._by_leg.get(fact.leg)
        call = None if handle is None else self._calls.get(handle)
        if call is None:
            return
        now, endpoint = self._clock.wall(), call.record.endpoint
        if isinstance(fact, LegStatistics):
            medium = _RECORDED.get(fact.media)
            if medium is not None:
                received, lost = call.count(medium, _figures(fact))
                if call.record.kind == "sip":
                    self.inventory.loss(endpoint, received, lost, now)
                else:
                    self._loss_of_browser(call.record, received, lost)
        elif isinstance(fact, LegSilent):
            if not call.is_held:
                self.inventory.silent(endpoint, fact.seconds, now)
        else:
            self.inventory.flowing(endpoint, now)

    def _loss_of_browser(self, record: CallRecord, received: int, lost: int) -> None:
        if received + lost < LEAST_PACKETS:
            return
        share, now = lost / (received + lost), self._clock.wall()
        if share >= LOSS_RAISED:
            self.alarms.wrong(AlarmTopic.LOSS, record.endpoint, now, name=record.name, figure=share)
        elif share <= LOSS_CLEARED:
            self.alarms.right(AlarmTopic.LOSS, record.endpoint, now)

    def _alarmed(self, endpoint: Endpoint, alarm: Alarm, holds: bool) -> None:
        topic, now = AlarmTopic(alarm.kind.value), self._clock.wall()
        if holds:
            self.alarms.wrong(topic, endpoint.id, now, name=endpoint.name, figure=alarm.figure)
        else:
            self.alarms.right(topic, endpoint.id, now)

    # Writing down

    async def run(self) -> None:
        """Write down what changes, and forget what is old, until cancelled."""
        pruned: float | None = None
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            try:
                await self.save()
                if pruned is None or self._clock.monotonic() - pruned >= PRUNE_SECONDS:
                    pruned = self._clock.monotonic()
                    await self.prune()
            except Exception:
                logger.exception("Call records and inventory could not be written")

    async def save(self) -> None:
        """Write down what has changed since the last time."""
        if self._registrations is not None:
            self.inventory.registrations(self._registrations(), self._clock.wall())
        for record in tuple(self._to_save.values()):
            await self._records.save_call(record)
            if self._to_save.get(record.id) is record:
                del self._to_save[record.id]
        changed, forgotten = self.inventory.take_changed(), self.inventory.take_forgotten()
        if changed or forgotten:
            await self._endpoint_store.save_endpoints(changed, forgotten)

    async def prune(self) -> None:
        """Remove call records that are older than they are to be kept."""
        removed = await self._records.remove_calls_before(self._clock.wall() - self._retention)
        if removed:
            logger.info("%d old call records removed", removed)

    async def close(self) -> None:
        """End what is open, and write everything down."""
        for handle in tuple(self._calls):
            self.ended(handle, "server_stopping")
        await self.save()

    def _save(self, record: CallRecord) -> None:
        self._to_save[record.id] = record


def _codecs(leg: LegSpec) -> dict[Medium, Codecs]:
    found: dict[Medium, Codecs] = {}
    media: tuple[tuple[Medium, AudioSpec | VideoSpec | None], ...] = (
        ("audio", leg.audio), ("video", leg.video), ("content", leg.content),
    )  # fmt: skip
    for medium, spec in media:
        if spec is not None:
            received = spec.receive_codecs[0].name if spec.receive_codecs else ""
            found[medium] = Codecs(
                sent=spec.send_codec.name,
                received=received,
                bitrate=spec.max_bitrate if isinstance(spec, VideoSpec) else None,
            )
    return found


def _figures(fact: LegStatistics) -> Figures:
    return Figures(
        packets_received=fact.packets_received,
        packets_lost=fact.packets_lost,
        packets_sent=fact.packets_sent,
        bytes_received=fact.bytes_received,
        bytes_sent=fact.bytes_sent,
        jitter_ms=fact.jitter_ms,
        round_trip_ms=fact.round_trip_ms,
        remote_loss=fact.remote_fraction_lost,
    )
