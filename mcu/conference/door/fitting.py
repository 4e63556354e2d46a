"""Whether the model fits into the ports that are free, and how somebody can be taken in. Pure."""

from __future__ import annotations

import logging
from dataclasses import replace

from mcu.conference.door.capacity import LOWER_SIZES, PortBook
from mcu.conference.model import Conference, Participant
from mcu.conference.planner import plan
from mcu.conference.settings import ConferenceSettings

logger = logging.getLogger(__name__)


class Fitting:
    """Plans what would be, and asks the book."""

    def __init__(self, ports: PortBook, settings: ConferenceSettings) -> None:
        self._ports = ports
        self._settings = settings

    def fits(self, conference: Conference) -> bool:
        """Whether there are ports for a conference to become so."""
        return self._ports.fits(plan(conference, self._settings, 0))

    def fitted(self, conference: Conference, participant: Participant) -> Participant | None:
        """A participant, new or changed, as there are ports for it: with smaller pictures if need be. None: not at
        all.
        """
        for largest in (None, *LOWER_SIZES):
            one = replace(participant, largest_picture=largest)
            if self.fits(_with(conference, one)):
                if largest is not None and largest != participant.largest_picture:
                    logger.info(
                        "Conference %s: pictures to %s are of at most %d×%d, for few ports are free",
                        conference.number,
                        participant.id,
                        *largest,
                    )
                return one
        return None

    def relieved(self, conference: Conference) -> Conference:
        """The conference with larger pictures for those who were lowered, as far as there are ports by now."""
        for participant in conference.participants:
            if participant.largest_picture is not None:
                fitted = self.fitted(conference, participant)
                if fitted is not None:
                    conference = _with(conference, fitted)
        return conference


def _with(conference: Conference, participant: Participant) -> Conference:
    if conference.participant(participant.id) is None:
        return conference.with_participant(participant)
    return conference.changed(participant.id, lambda _: participant)
