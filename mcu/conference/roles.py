"""Who matters how much in a conference's picture."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What somebody is in a conference. It says who is seated first; and a chair steers its conference."""

    CHAIR = "chair"
    EXPERT = "expert"
    MEMBER = "member"
    VIEWER = "viewer"

    @property
    def priority(self) -> int:
        """The higher, the earlier in the picture; members have 0."""
        return _PRIORITIES[self]


_PRIORITIES = {Role.CHAIR: 20, Role.EXPERT: 10, Role.MEMBER: 0, Role.VIEWER: -10}
