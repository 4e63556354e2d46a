"""Layouts and logos of one's own: added within bounds, found by name, and forgotten once nobody uses them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from layouts.automatic import AUTOMATIC
from layouts.catalogue import CATALOGUE
from layouts.custom import LayoutError, custom_layout
from mcu.conference import commands
from mcu.conference.core import ConferenceCore
from mcu.conference.door.rooms import RoomStore
from mcu.conference.picture.arrangement import Arrangement
from mcu.conference.picture.layout_store import MAXIMUM_LAYOUTS, NAME_PATTERN, LayoutStore
from mcu.conference.picture.logos import MAXIMUM_LOGOS, Logo, LogoRefused, LogoStore
from mcu.conference.refusals import CommandRefused, Refusal
from mcu.media.spec import CellSpec, LayoutSpec

_NAME = re.compile(NAME_PATTERN)


def catalogue() -> list[LayoutSpec]:
    """The layouts that every server has."""
    return [
        LayoutSpec(
            name=layout.name,
            cells=tuple(
                CellSpec(
                    left=float(cell.left),
                    top=float(cell.top),
                    width=float(cell.right - cell.left),
                    height=float(cell.bottom - cell.top),
                )
                for cell in layout.cells
            ),
        )
        for layout in CATALOGUE.values()
    ]


class Library:
    """One for all conferences. Raises CommandRefused."""

    def __init__(self, core: ConferenceCore, rooms: RoomStore, layouts: LayoutStore, logos: LogoStore | None) -> None:
        self._core = core
        self._rooms = rooms
        self._layouts = layouts
        self._logos = logos

    async def layout(self, name: str) -> LayoutSpec | None:
        """The layout of one's own with this name; None for one of the catalogue and for "auto"."""
        if name == AUTOMATIC or name in CATALOGUE:
            return None
        found = await self._layouts.get(name)
        if found is None:
            raise CommandRefused(Refusal.UNKNOWN_LAYOUT, "There is no layout with this name; GET /layouts lists them.")
        return found

    async def has_logo(self, logo_id: str) -> bool:
        """Whether there is this logo."""
        return any(one.id == logo_id for one in await self.logos())

    async def layouts(self) -> list[LayoutSpec]:
        """All layouts of one's own, by name."""
        return await self._layouts.all()

    async def logos(self) -> list[Logo]:
        """All logos, by id."""
        return [] if self._logos is None else await self._logos.all()

    async def logo(self, logo_id: str) -> bytes | None:
        """The file of a logo (PNG), or None."""
        return None if self._logos is None else await self._logos.read(logo_id)

    async def carry_out(self, command: commands.LibraryCommand) -> LayoutSpec | Logo | None:
        """Add or forget."""
        match command:
            case commands.AddLayout():
                return await self._add_layout(command)
            case commands.RemoveLayout():
                await self._remove_layout(command.name)
            case commands.AddLogo():
                return await self._add_logo(command.data)
            case commands.RemoveLogo():
                await self._remove_logo(command.logo_id)
        return None

    async def _add_layout(self, command: commands.AddLayout) -> LayoutSpec:
        name = command.name
        if not _NAME.match(name) or name != name.strip() or "\n" in name:
            raise CommandRefused(
                Refusal.INVALID, "A layout's name has 1 to 32 letters, digits, spaces, '.', '+' or '-'."
            )
        if name == AUTOMATIC or name in CATALOGUE:
            raise CommandRefused(Refusal.NAME_TAKEN, f"{name} is a layout of the catalogue.")
        fractions = [(cell.left, cell.top, cell.width, cell.height) for cell in command.cells]
        try:
            custom_layout(name, fractions, overlap=command.overlap)
        except LayoutError as error:
            raise CommandRefused(Refusal.INVALID, str(error)) from error
        if len(await self._layouts.all()) >= MAXIMUM_LAYOUTS:
            raise CommandRefused(Refusal.TOO_MANY_LAYOUTS, f"There are {MAXIMUM_LAYOUTS} layouts already; remove one.")
        layout = LayoutSpec(name=name, cells=command.cells)
        if not await self._layouts.add(layout):
            raise CommandRefused(Refusal.NAME_TAKEN, f"There is a layout {name} already.")
        return layout

    async def _remove_layout(self, name: str) -> None:
        if name in CATALOGUE or name == AUTOMATIC:
            raise CommandRefused(Refusal.FORBIDDEN, "Layouts of the catalogue stay.")
        if any(one.layout == name for one in await self._arrangements()) or any(
            participant.layout == name
            for running in self._core.all()
            for participant in running.conference.participants
        ):
            raise CommandRefused(Refusal.IN_USE, "A conference or room uses this layout; choose another there first.")
        if not await self._layouts.remove(name):
            raise CommandRefused(Refusal.UNKNOWN_LAYOUT, "There is no layout with this name; GET /layouts lists them.")

    async def _add_logo(self, data: bytes) -> Logo:
        if self._logos is None:
            raise CommandRefused(Refusal.INVALID, "This server keeps no logos.")
        if len(await self._logos.all()) >= MAXIMUM_LOGOS:
            raise CommandRefused(Refusal.TOO_MANY_LOGOS, f"There are {MAXIMUM_LOGOS} logos already; remove one.")
        try:
            return await self._logos.keep(data)
        except LogoRefused as error:
            raise CommandRefused(Refusal.INVALID, str(error)) from error
        except OSError as error:
            raise CommandRefused(Refusal.MEDIA, f"The logo has no place: {error.strerror}.") from error

    async def _remove_logo(self, logo_id: str) -> None:
        if any(one.decoration.logo == logo_id for one in await self._arrangements()):
            raise CommandRefused(Refusal.IN_USE, "A conference or room shows this logo; choose another there first.")
        if self._logos is None or not await self._logos.remove(logo_id):
            raise CommandRefused(Refusal.UNKNOWN_LOGO, "There is no logo with this id.")

    async def _arrangements(self) -> Iterable[Arrangement]:
        rooms = [room.arrangement for room in await self._rooms.all()]
        return [*rooms, *(running.conference.arrangement for running in self._core.all())]
