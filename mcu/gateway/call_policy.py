"""Number plan, zones and classes that hold now: kept in a store, changed entry by entry, asked for each call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from gatekeeper.bandwidth import BandwidthLedger, Granted, Refusing, Usage, Wish
from gatekeeper.dialing import DialSettings, RoomDestination
from gatekeeper.networks import CallerPolicy
from gatekeeper.number_plan import NumberPlan, PlanError, Rule
from gatekeeper.routing import Router, Routing
from gatekeeper.stores import PlanStore
from gatekeeper.zones import DEFAULT_ZONE, Budget, DeviceClass, Zone, ZoneMap

SOUND_RATE = 64_000
"""What the sound of a call is counted as before it is known, in bit/s: that of G.711 and G.722."""


class PolicyError(ValueError):
    """An entry cannot be; nothing was changed. The message says why."""


@dataclass(frozen=True)
class DryRun:
    """What would become of a call: its way, and the bandwidth it would get (None where it leads to no room)."""

    zone: Zone
    device_class: DeviceClass | None
    routing: Routing
    granted: Granted | Refusing | None
    wished: int


class CallPolicy:
    """One for the server. ``load`` before the first call. ``picture_rate`` is what a call wishes for, in bit/s."""

    def __init__(
        self,
        store: PlanStore,
        dialing: DialSettings,
        picture_rate: int,
        is_registered: Callable[[str], bool] = lambda alias: False,
    ) -> None:
        self._store = store
        self._turn = asyncio.Lock()
        self.picture_rate = picture_rate
        self.router = Router(NumberPlan(), dialing, is_registered)
        self.zones = ZoneMap()
        self.ledger = BandwidthLedger()

    async def load(self) -> None:
        """Read what is kept. Raises PolicyError for what an older version took and this one does not."""
        try:
            plan = NumberPlan(await self._store.rules())
            self.zones = ZoneMap(await self._store.zones(), await self._store.classes())
        except ValueError as error:
            raise PolicyError(f"the number plan cannot be used: {error}") from error
        self.router = replace(self.router, plan=plan)

    def use_dialing(self, dialing: DialSettings) -> None:
        """What the settings say on addresses."""
        self.router = replace(self.router, dialing=dialing)

    def route(self, request_uri: str, address: str) -> Routing:
        """Where this address leads a caller at ``address``. Never raises."""
        return self.router.route(request_uri, self.zones.zone_of(address))

    def of_strangers(self, address: str) -> CallerPolicy | None:
        """What the zone of this address says of callers that are not registered; None: nothing."""
        return self.zones.zone_of(address).unregistered

    def leads_to_important_room(self, number: str, address: str) -> bool:
        """Whether calls to this room by its own number, from this address, are important."""
        domain = min(self.router.dialing.domains, default="localhost")
        routing = self.router.route(f"sip:{number}@{domain}", self.zones.zone_of(address))
        is_there = isinstance(routing.destination, RoomDestination) and routing.destination.number == number.lower()
        return number.lower() in self.router.plan.important_rooms or (routing.is_important and is_there)

    def try_out(self, request_uri: str, address: str = "", zone: str | None = None, user_agent: str = "") -> DryRun:
        """What would become of a call, with nothing booked. Raises PolicyError for a zone that there is not."""
        place = self.zones.zone_of(address)
        if zone is not None:
            named = self.zones.named(zone)
            if named is None:
                raise PolicyError(f"There is no zone {zone}.")
            place = named
        sort = self.zones.class_of(user_agent)
        routing = self.router.route(request_uri, place)
        wish = Wish(place, sort, SOUND_RATE, self.picture_rate, routing.is_important)
        granted: Granted | Refusing
        try:
            granted = self.ledger.look(wish)
        except Refusing as refusing:
            granted = refusing
        return DryRun(place, sort, routing, granted, wish.total)

    def budgets(self) -> list[tuple[str, str, Budget, Usage]]:
        """All budgets with what is used of them: "zone" or "class", and the name."""
        zones = [("zone", zone.name, zone.budget, self.ledger.of_zone(zone.name)) for zone in self.zones.zones]
        return zones + [
            ("class", sort.name, sort.budget, self.ledger.of_class(sort.name)) for sort in self.zones.classes
        ]

    def budget_of(self, kind: str, name: str) -> tuple[Budget, Usage]:
        """One of them; without any limit where there is none by this name any more."""
        return next(
            ((budget, usage) for sort, one, budget, usage in self.budgets() if (sort, one) == (kind, name)),
            (Budget(), Usage()),
        )

    # Changing

    async def put_rule(self, rule: Rule) -> None:
        """Make a rule, or replace the one with its id. Raises PolicyError."""
        async with self._turn:
            rules = {known.id: known for known in self.router.plan.rules} | {rule.id: rule}
            unknown = [zone for zone in rule.zones if self.zones.named(zone) is None]
            if unknown:
                raise PolicyError(f"There is no zone {unknown[0]}.")
            try:
                plan = NumberPlan(rules.values())
            except PlanError as error:
                raise PolicyError(str(error)) from error
            await self._store.put_rule(rule)
            self.router = replace(self.router, plan=plan)

    async def remove_rule(self, rule_id: str) -> bool:
        """Forget a rule; False when there is none."""
        async with self._turn:
            found = await self._store.remove_rule(rule_id)
            self.router = replace(
                self.router, plan=NumberPlan(rule for rule in self.router.plan.rules if rule.id != rule_id)
            )
            return found

    async def put_zone(self, zone: Zone) -> None:
        """Make a zone, or replace the one with its name. Raises PolicyError."""
        async with self._turn:
            zones = {known.name: known for known in self.zones.zones} | {zone.name: zone}
            for other in zones.values():
                if other.name != zone.name and (shared := set(other.networks) & set(zone.networks)):
                    raise PolicyError(f"{min(shared)} belongs to zone {other.name} already.")
            changed = self._zone_map(list(zones.values()), list(self.zones.classes))
            await self._store.put_zone(zone)
            self.zones = changed

    async def remove_zone(self, name: str) -> bool:
        """Forget a zone; the default one only loses its settings. Raises PolicyError while a rule names it."""
        async with self._turn:
            naming = [rule.id for rule in self.router.plan.rules if name in rule.zones]
            if naming and name != DEFAULT_ZONE:
                raise PolicyError(f"Rule {naming[0]} holds in this zone; change it first.")
            found = await self._store.remove_zone(name)
            left = [zone for zone in self.zones.zones if zone.name != name]
            self.zones = self._zone_map(left, list(self.zones.classes))
            return found

    async def put_class(self, sort: DeviceClass) -> None:
        """Make a class of devices, or replace the one with its name. Raises PolicyError."""
        async with self._turn:
            sorts = {known.name: known for known in self.zones.classes} | {sort.name: sort}
            changed = self._zone_map(list(self.zones.zones), list(sorts.values()))
            await self._store.put_class(sort)
            self.zones = changed

    async def remove_class(self, name: str) -> bool:
        """Forget a class; False when there is none."""
        async with self._turn:
            found = await self._store.remove_class(name)
            left = [sort for sort in self.zones.classes if sort.name != name]
            self.zones = self._zone_map(list(self.zones.zones), left)
            return found

    def _zone_map(self, zones: list[Zone], classes: list[DeviceClass]) -> ZoneMap:
        try:
            return ZoneMap(zones, classes)
        except ValueError as error:
            raise PolicyError(str(error)) from error
