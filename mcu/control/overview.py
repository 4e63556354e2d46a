"""Rooms and running conferences as one list."""

from __future__ import annotations

from mcu.conference.manager import ConferenceManager
from mcu.conference.views import ConferenceView, conference_view, room_view


async def all_conferences(manager: ConferenceManager) -> list[ConferenceView]:
    """Rooms and running conferences, by number."""
    views = {room.number: room_view(room) for room in await manager.rooms()}
    views |= {conference.number: conference_view(conference) for conference in manager.conferences()}
    return [views[number] for number in sorted(views)]
