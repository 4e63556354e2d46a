"""The floor: who may share its screen now, and who waits for it. Pure steps from one floor to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Floor:
    """``holder`` shares, ``queue`` waits in the order of asking; all are ids of participants."""

    holder: str | None = None
    queue: tuple[str, ...] = ()

    def position(self, participant_id: str) -> int | None:
        """0 for the holder, 1 for who comes next and so on, None for all others."""
        if participant_id == self.holder:
            return 0
        return self.queue.index(participant_id) + 1 if participant_id in self.queue else None

    def taken(self, participant_id: str) -> Floor:
        """After somebody asked for the floor: it is theirs, or they wait. Asking twice changes nothing."""
        if self.position(participant_id) is not None:
            return self
        if self.holder is None:
            return replace(self, holder=participant_id)
        return replace(self, queue=(*self.queue, participant_id))

    def released(self, participant_id: str) -> Floor:
        """After somebody gave it back, or left the queue; it goes to who comes next."""
        waiting = tuple(one for one in self.queue if one != participant_id)
        if self.holder != participant_id:
            return replace(self, queue=waiting)
        return Floor(waiting[0], waiting[1:]) if waiting else Floor()
