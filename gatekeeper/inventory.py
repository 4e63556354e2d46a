"""The inventory: every endpoint that registered or called, what it is, how it is, and what is wrong with it.

Pure: what is learnt comes in with the time at which it was learnt, and what changed is handed out to be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gatekeeper.devices import identify
from gatekeeper.normalisation import Value

MAX_ENDPOINTS = 20_000
"""More than are registered with the largest server; above it those that nobody has seen for longest are forgotten."""

MAX_TEXT = 256
"""Characters kept of anything that a device says of itself."""

MAX_METHODS = 32

LOSS_RAISED = 0.03
"""Share of packets lost in one report from which pictures visibly suffer: the alarm."""

LOSS_CLEARED = 0.01
"""The alarm goes only well below it, so that it does not flicker."""

LEAST_PACKETS = 50
"""A share of fewer packets says nothing."""

SILENCE_RAISED = 5.0
"""Seconds without any packet in a call that is not held."""

SAVE_EVERY = timedelta(minutes=1)
"""An endpoint that was merely seen again is not written to disk more often than this."""


class AlarmKind(StrEnum):
    """What can be wrong with an endpoint."""

    LOSS = "loss"
    SILENT = "silent"
    UNREGISTERED = "unregistered"


class Alarm(Value):
    """Something that is wrong since ``since``. ``figure``: the share lost, or the seconds of silence."""

    kind: AlarmKind
    since: datetime
    figure: float = 0.0


class EndpointState(StrEnum):
    """How an endpoint is: in a call; registered; it was, and did not come back; or only known from calls."""

    IN_CALL = "in_call"
    REGISTERED = "registered"
    UNREGISTERED = "unregistered"
    SEEN = "seen"


class Endpoint(Value):
    """An endpoint as it is known. ``id`` is its address of record without a scheme: ``theatre2@clinic.example``.

    ``methods`` are those that it allows, ``codecs`` those that it offered or answered with last. ``contact`` is where
    it registered, ``registered_until`` until when. ``alarms`` hold now.
    """

    id: str
    name: str = ""
    address: str = ""
    transport: str = ""
    zone: str = ""
    user_agent: str = ""
    maker: str = ""
    model: str = ""
    version: str = ""
    methods: tuple[str, ...] = ()
    codecs: tuple[str, ...] = ()
    contact: str = ""
    registered_until: datetime | None = None
    first_seen: datetime
    last_seen: datetime
    calls: int = 0
    alarms: tuple[Alarm, ...] = ()


@dataclass(frozen=True, slots=True)
class Registration:
    """A binding of the registrar, as the inventory sees it. All of them are made anew each time, so they are light."""

    endpoint: str
    expires_at: datetime
    name: str = ""
    contact: str = ""
    address: str = ""
    transport: str = ""
    zone: str = ""
    user_agent: str = ""


class Sighting(Value):
    """What a device showed of itself in a request or an answer; "" and () for what it did not."""

    name: str = ""
    address: str = ""
    transport: str = ""
    zone: str = ""
    user_agent: str = ""
    methods: tuple[str, ...] = ()
    codecs: tuple[str, ...] = ()
    contact: str = ""


class Inventory:
    """All endpoints. Changes collect in ``take_changed`` and ``take_forgotten`` until somebody writes them down."""

    def __init__(self, endpoints: Iterable[Endpoint] = (), most: int = MAX_ENDPOINTS) -> None:
        self._endpoints = {endpoint.id: endpoint for endpoint in endpoints}
        self._most = most
        self._in_calls: dict[str, int] = {}
        self._saved: dict[str, datetime] = {}
        self._changed: dict[str, None] = {}
        self._forgotten: list[str] = []
        self._listeners: list[Callable[[Endpoint, Alarm, bool], None]] = []

    def on_alarm(self, listener: Callable[[Endpoint, Alarm, bool], None]) -> None:
        """Be told of alarms: True for one that holds (also when its figure changes), False for one that is over."""
        self._listeners.append(listener)

    def __len__(self) -> int:
        return len(self._endpoints)

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._endpoints.values())

    def get(self, endpoint_id: str) -> Endpoint | None:
        """The endpoint with this id."""
        return self._endpoints.get(endpoint_id)

    def state_of(self, endpoint: Endpoint, now: datetime) -> EndpointState:
        """How the endpoint is at ``now``."""
        if endpoint.id in self._in_calls:
            return EndpointState.IN_CALL
        if endpoint.registered_until is None:
            return EndpointState.SEEN
        return EndpointState.REGISTERED if endpoint.registered_until > now else EndpointState.UNREGISTERED

    # What is learnt

    def saw(self, endpoint_id: str, sighting: Sighting, now: datetime) -> Endpoint:
        """The endpoint showed itself: in an admitted call, a registration, an answer to OPTIONS."""
        known = self._endpoints.get(endpoint_id)
        if known is None:
            self._make_room()
            known = Endpoint(id=endpoint_id[:MAX_TEXT], first_seen=now, last_seen=now)
        changes: dict[str, object] = {"last_seen": now}
        for name in ("name", "address", "transport", "zone", "contact"):
            if text := getattr(sighting, name):
                changes[name] = text[:MAX_TEXT]
        if sighting.methods:
            changes["methods"] = sighting.methods[:MAX_METHODS]
        if sighting.codecs:
            changes["codecs"] = sighting.codecs[:MAX_METHODS]
        if sighting.user_agent and sighting.user_agent[:MAX_TEXT] != known.user_agent:
            device = identify(sighting.user_agent)
            changes |= {
                "user_agent": sighting.user_agent[:MAX_TEXT],
                "maker": device.maker,
                "model": device.model,
                "version": device.version,
            }
        return self._put(known, changes, now)

    def registrations(self, bindings: Iterable[Registration], now: datetime) -> None:
        """Everybody who is registered now. Who was and is not any more, without saying good-bye, raises an alarm."""
        here: dict[str, Registration] = {}
        for binding in bindings:
            best = here.get(binding.endpoint)
            if best is None or binding.expires_at > best.expires_at:
                here[binding.endpoint] = binding
        for binding in here.values():
            self._registered(binding, now)
        for endpoint in tuple(self._endpoints.values()):
            until = endpoint.registered_until
            if until is None or endpoint.id in here:
                continue
            if until > now:  # it signed off before its time, as is proper
                self._put(endpoint, {"registered_until": None, "contact": ""}, now)
            elif not _has(endpoint, AlarmKind.UNREGISTERED):
                self._raise(endpoint, AlarmKind.UNREGISTERED, 0.0, now)

    def _registered(self, binding: Registration, now: datetime) -> None:
        known = self._endpoints.get(binding.endpoint)
        if known is not None and known.registered_until == binding.expires_at:
            # No new REGISTER came, but the account may have another name by now, the network another zone.
            name, zone = binding.name or known.name, binding.zone or known.zone
            if (name, zone) != (known.name, known.zone):
                self._put(known, {"name": name, "zone": zone}, now)
            return
        sighting = Sighting(
            name=binding.name,
            contact=binding.contact,
            address=binding.address,
            transport=binding.transport,
            zone=binding.zone,
            user_agent=binding.user_agent,
        )
        known = self.saw(binding.endpoint, sighting, now)
        known = self._put(known, {"registered_until": binding.expires_at}, now)
        self._clear(known, AlarmKind.UNREGISTERED, now)

    def call_began(self, endpoint_id: str, now: datetime) -> None:
        """A call of the endpoint was answered."""
        self._in_calls[endpoint_id] = self._in_calls.get(endpoint_id, 0) + 1
        if (endpoint := self._endpoints.get(endpoint_id)) is not None:
            self._put(endpoint, {"last_seen": now, "calls": endpoint.calls + 1}, now)

    def call_ended(self, endpoint_id: str, now: datetime) -> None:
        """A call of the endpoint is over; what was wrong with it is over too."""
        left = self._in_calls.get(endpoint_id, 0) - 1
        if left > 0:
            self._in_calls[endpoint_id] = left
            return
        self._in_calls.pop(endpoint_id, None)
        if (endpoint := self._endpoints.get(endpoint_id)) is not None:
            endpoint = self._put(endpoint, {"last_seen": now}, now)
            self._clear(endpoint, AlarmKind.LOSS, now)
            self._clear(self._endpoints[endpoint_id], AlarmKind.SILENT, now)

    def restarted(self, now: datetime) -> None:
        """The server has come back: no call goes on, so nothing is wrong with one."""
        for endpoint in tuple(self._endpoints.values()):
            for kind in (AlarmKind.LOSS, AlarmKind.SILENT):
                self._clear(self._endpoints[endpoint.id], kind, now)

    def loss(self, endpoint_id: str, received: int, lost: int, now: datetime) -> None:
        """Packets that came and that did not, of one stream, since the last report."""
        endpoint = self._endpoints.get(endpoint_id)
        if endpoint is None or received + lost < LEAST_PACKETS:
            return
        share = lost / (received + lost)
        if share >= LOSS_RAISED:
            self._raise(endpoint, AlarmKind.LOSS, share, now)
        elif share <= LOSS_CLEARED:
            self._clear(endpoint, AlarmKind.LOSS, now)

    def silent(self, endpoint_id: str, seconds: float, now: datetime) -> None:
        """Nothing has come for so long in a call that is not held."""
        endpoint = self._endpoints.get(endpoint_id)
        if endpoint is not None and seconds >= SILENCE_RAISED:
            self._raise(endpoint, AlarmKind.SILENT, seconds, now)

    def flowing(self, endpoint_id: str, now: datetime) -> None:
        """Packets come (again)."""
        if (endpoint := self._endpoints.get(endpoint_id)) is not None:
            self._clear(endpoint, AlarmKind.SILENT, now)

    def forget(self, endpoint_id: str) -> bool:
        """Take an endpoint out; it comes back when it is seen again. False when there is none."""
        endpoint = self._endpoints.pop(endpoint_id, None)
        if endpoint is None:
            return False
        for alarm in endpoint.alarms:
            self._tell(endpoint, alarm, False)
        self._changed.pop(endpoint_id, None)
        self._saved.pop(endpoint_id, None)
        self._forgotten.append(endpoint_id)
        return True

    # What is to be kept

    def take_changed(self) -> list[Endpoint]:
        """Endpoints to write down, since the last time this was called."""
        changed = [self._endpoints[name] for name in self._changed if name in self._endpoints]
        self._changed.clear()
        for endpoint in changed:
            self._saved[endpoint.id] = endpoint.last_seen
        return changed

    def take_forgotten(self) -> list[str]:
        """Ids of endpoints that are no longer kept, since the last time."""
        forgotten, self._forgotten = self._forgotten, []
        return forgotten

    def _put(self, before: Endpoint, changes: dict[str, object], now: datetime) -> Endpoint:
        after = before.model_copy(update=changes)
        self._endpoints[after.id] = after
        seen_only = after.model_copy(update={"last_seen": before.last_seen}) == before
        saved = self._saved.get(after.id)
        if not seen_only or saved is None or now - saved >= SAVE_EVERY:
            self._changed[after.id] = None
        return after

    def _raise(self, endpoint: Endpoint, kind: AlarmKind, figure: float, now: datetime) -> None:
        """Raise an alarm, or bring the figure of one that is there up to date."""
        since = next((alarm.since for alarm in endpoint.alarms if alarm.kind is kind), now)
        others = tuple(alarm for alarm in endpoint.alarms if alarm.kind is not kind)
        alarm = Alarm(kind=kind, since=since, figure=round(figure, 3))
        self._tell(self._put(endpoint, {"alarms": (*others, alarm)}, now), alarm, True)

    def _clear(self, endpoint: Endpoint, kind: AlarmKind, now: datetime) -> None:
        gone = [alarm for alarm in endpoint.alarms if alarm.kind is kind]
        if gone:
            left = tuple(alarm for alarm in endpoint.alarms if alarm.kind is not kind)
            self._tell(self._put(endpoint, {"alarms": left}, now), gone[0], False)

    def _tell(self, endpoint: Endpoint, alarm: Alarm, holds: bool) -> None:
        for listener in self._listeners:
            listener(endpoint, alarm, holds)

    def _make_room(self) -> None:
        """Before one more: forget the tenth that nobody has seen for longest, at once, so that it is rarely done."""
        if len(self._endpoints) < self._most:
            return
        idle = (endpoint for endpoint in self._endpoints.values() if endpoint.id not in self._in_calls)
        oldest = sorted(idle, key=lambda endpoint: (endpoint.registered_until is not None, endpoint.last_seen))
        for endpoint in oldest[: max(1, self._most // 10)]:
            self.forget(endpoint.id)


def _has(endpoint: Endpoint, kind: AlarmKind) -> bool:
    return any(alarm.kind is kind for alarm in endpoint.alarms)
