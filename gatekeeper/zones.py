"""Zones: parts of a network, each with its habits of dialling and its bandwidth; and classes of devices."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from gatekeeper.networks import CallerPolicy
from gatekeeper.normalisation import DialHabits, Value

DEFAULT_ZONE = "default"
"""The zone of whoever is in no other. It is always there, and may be changed."""

MAX_ZONES = 1000
MAX_NETWORKS = 64
MAX_CLASSES = 100

Bits = Annotated[int, Field(ge=0, le=1_000_000_000_000)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class OverBudget(StrEnum):
    """What to do with a call for which the bandwidth does not suffice: give it a smaller picture, or refuse it."""

    LOWER = "lower"
    REFUSE = "refuse"


class MakingRoom(StrEnum):
    """What is done to other calls for an important one that finds even the reserve used up.

    Their pictures are lowered; or, where that is not enough, the calls that came last end; or nothing.
    """

    LOWER = "lower"
    END = "end"
    NEVER = "never"


class Budget(Value):
    """Bandwidth in bit/s, each direction for itself (links are). None: not limited.

    ``total`` is for all calls together, ``reserved`` the part of it that only important calls may use, ``each`` the
    most that one call gets. A call is lowered no further than to ``least`` bit/s of picture; with less it is refused.
    ``making_room``: what other calls give up for an important one.
    """

    total: Bits | None = None
    reserved: Bits = 0
    each: Bits | None = None
    least: Bits = 128_000
    over: OverBudget = OverBudget.LOWER
    making_room: MakingRoom = MakingRoom.LOWER

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit at all."""
        return self.total is not None or self.each is not None

    @model_validator(mode="after")
    def _reserves_no_more_than_there_is(self) -> Self:
        if self.total is not None and self.reserved > self.total:
            raise ValueError("more is reserved than there is in total")
        return self


class ZoneContent(Value):
    """What is said of a zone: addresses that belong to it, how its people dial, what its line carries.

    ``unregistered``: what callers there must show that are not registered; None: what the settings say of their
    networks.
    """

    title: Annotated[str, Field(max_length=128)] = ""
    networks: Annotated[tuple[str, ...], Field(max_length=MAX_NETWORKS)] = ()
    habits: DialHabits = DialHabits()
    budget: Budget = Budget()
    unregistered: CallerPolicy | None = None

    @field_validator("networks")
    @classmethod
    def _are_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        """In their usual spelling. Raises ValueError for one that is none."""
        return tuple(str(ipaddress.ip_network(network.strip(), strict=False)) for network in networks)


class Zone(ZoneContent):
    """A part of the network, with its name."""

    name: Name


class DeviceClassContent(Value):
    """Devices whose User-Agent contains one of ``products`` (small or capital letters), with a budget of their own."""

    title: Annotated[str, Field(max_length=128)] = ""
    products: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(max_length=64)] = ()
    budget: Budget = Budget()


class DeviceClass(DeviceClassContent):
    """A class of devices, with its name."""

    name: Name


class ZoneMap:
    """Finds the zone of an address, and the class of a device. Raises ValueError for two zones of one name."""

    def __init__(self, zones: Iterable[Zone] = (), classes: Iterable[DeviceClass] = ()) -> None:
        listed, sorts = tuple(zones), tuple(classes)
        if len(listed) > MAX_ZONES or len(sorts) > MAX_CLASSES:
            raise ValueError(f"at most {MAX_ZONES} zones and {MAX_CLASSES} classes")
        named = {zone.name: zone for zone in listed}
        if len(named) < len(listed) or len({sort.name for sort in sorts}) < len(sorts):
            raise ValueError("two have the same name")
        self.default = named.setdefault(DEFAULT_ZONE, Zone(name=DEFAULT_ZONE))
        self.zones = tuple(sorted(named.values(), key=lambda zone: zone.name))
        self.classes = tuple(sorted(sorts, key=lambda sort: sort.name))
        # By length of prefix, so that an address is looked up once for each length there is, not for each network.
        self._networks: dict[tuple[int, int], dict[int, Zone]] = {}
        for zone in self.zones:
            for text in zone.networks:
                network = ipaddress.ip_network(text)
                table = self._networks.setdefault((network.version, network.prefixlen), {})
                table.setdefault(int(network.network_address), zone)
        self._lengths = sorted(self._networks, key=lambda key: -key[1])

    def named(self, name: str) -> Zone | None:
        """The zone with this name."""
        return next((zone for zone in self.zones if zone.name == name), None)

    def zone_of(self, address: str) -> Zone:
        """The zone of the smallest network that holds the address; the default zone when none does."""
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return self.default
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        for version, length in self._lengths:
            if version == ip.version:
                shift = ip.max_prefixlen - length
                if (zone := self._networks[version, length].get(int(ip) >> shift << shift)) is not None:
                    return zone
        return self.default

    def class_of(self, user_agent: str) -> DeviceClass | None:
        """The first class, by name, that one of the device's product names belongs to."""
        small = user_agent.casefold()
        for sort in self.classes:
            if any(product.casefold() in small for product in sort.products):
                return sort
        return None
