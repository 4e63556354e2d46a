"""Who may come in: rooms, opening on dial, PINs and the guessing of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from mcu.conference.core import ConferenceCore
from mcu.conference.door.hashing import Hasher
from mcu.conference.door.joining import Door, JoinCode, JoinRefused
from mcu.conference.door.rooms import RoomStore
from mcu.conference.door.throttle import Throttle, source_group
from mcu.conference.picture.arrangement import Arrangement
from mcu.conference.roles import Role
from mcu.conference.text import is_pin, normal_number


@dataclass(frozen=True)
class Terms:
    """What holds for a number now: its proper spelling, its title, and the PIN it asks for.

    Who has given the chair's PIN comes in as ``role``. ``pair``: two rooms that call each other will be in it, and
    nobody else.
    """

    number: str
    title: str
    pin_hash: str | None = field(repr=False)
    permanent: bool
    pair: bool = False
    arrangement: Arrangement = field(default_factory=Arrangement)
    chair_pin_hash: str | None = field(default=None, repr=False)
    role: Role = Role.MEMBER


class Admission:
    """Looks numbers up and checks PINs, with guesses limited by source and room."""

    def __init__(self, core: ConferenceCore, rooms: RoomStore, hasher: Hasher) -> None:
        self._core = core
        self._rooms = rooms
        self._hasher = hasher
        self._throttle = Throttle()
        self._dial_pattern = re.compile(core.settings.dial_pattern)

    async def terms(self, number: str) -> Terms | None:
        """The terms of a number, or None where nobody can get in under it."""
        normal = normal_number(number)
        if normal is None:
            return None
        running = self._core.with_number(normal)
        if running is not None:
            conference = running.conference
            return Terms(
                normal,
                conference.title,
                conference.pin_hash,
                conference.permanent,
                chair_pin_hash=conference.chair_pin_hash,
            )
        room = await self._rooms.get(normal)
        if room is not None:
            return Terms(
                normal,
                room.title,
                room.pin_hash,
                True,
                arrangement=room.arrangement,
                chair_pin_hash=room.chair_pin_hash,
            )
        if self._core.settings.create_on_dial and self._dial_pattern.fullmatch(normal):
            return Terms(normal, "", None, False)
        return None

    async def door(self, number: str) -> Door:
        """What a stranger may know about a number."""
        terms = await self.terms(number)
        if terms is None:
            return Door(number, False, False)
        return Door(terms.number, True, terms.pin_hash is not None, terms.chair_pin_hash is not None)

    async def check(self, number: str, pin: str | None, source: str) -> Terms:
        """The terms of a number whose PIN, or whose chair's, the newcomer knows. Raises JoinRefused.

        Where only chairs have a PIN, whoever gives none comes in as all others, and a wrong one is refused.
        """
        terms = await self.terms(number)
        if terms is None:
            raise JoinRefused(JoinCode.UNKNOWN_ROOM, "There is no room with this number.")
        if terms.pin_hash is None and (terms.chair_pin_hash is None or not pin):
            return terms
        if not pin:
            raise JoinRefused(JoinCode.WRONG_PIN, "This room asks for a PIN.")
        key = (source_group(source), terms.number)
        wait = self._throttle.attempt(key, self._core.clock.monotonic())
        if wait > 0:
            raise JoinRefused(JoinCode.TOO_MANY_ATTEMPTS, "Too many wrong PINs. Wait before the next try.", wait)
        if not is_pin(pin):
            raise JoinRefused(JoinCode.WRONG_PIN, "The PIN is wrong.")
        if await self._is(pin, terms.chair_pin_hash):
            terms = replace(terms, role=Role.CHAIR)
        elif not await self._is(pin, terms.pin_hash):
            raise JoinRefused(JoinCode.WRONG_PIN, "The PIN is wrong.")
        self._throttle.succeeded(key)
        return terms

    async def _is(self, pin: str, hashed: str | None) -> bool:
        return hashed is not None and await self._hasher.verify(pin, hashed)
