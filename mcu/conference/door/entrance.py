"""Seating a newcomer: into the model, into the media, and then into everybody's roster."""

from __future__ import annotations

import logging
from collections.abc import Callable

from mcu.conference import events
from mcu.conference.core import ConferenceCore, Running
from mcu.conference.door.admission import Terms
from mcu.conference.door.joining import JoinCode, JoinRefused, Newcomer, Seat
from mcu.conference.model import Conference, Participant
from mcu.conference.roles import Role
from mcu.conference.text import clean_name
from mcu.media.spec import LegSpec, WebRtcTransport
from mcu.ports import MediaError

logger = logging.getLogger(__name__)


# Somebody else may have left by then; seconds.
CAPACITY_RETRY = 60.0


class Entrance:
    """Lets newcomers in whose PIN is right. ``closed``: no conference begins any more, the server stops."""

    def __init__(self, core: ConferenceCore, ids: Callable[[], str]) -> None:
        self._core = core
        self._ids = ids
        self.closed = False

    async def enter(
        self, terms: Terms, newcomer: Newcomer, *, invited: bool = False, conference_id: str | None = None
    ) -> Participant:
        """Seat the newcomer; nothing is left of one that is refused. Raises JoinRefused.

        Who is ``invited``, and a chair, comes in although the conference is locked. With ``conference_id`` no other one
        will do.
        """
        async with self._core.lock(terms.number):
            running = self._core.with_number(terms.number)
            if conference_id is not None and (running is None or running.conference.id != conference_id):
                raise JoinRefused(JoinCode.UNKNOWN_ROOM, "The conference has ended.")
            created = running is None
            if running is None:
                running = self._open(terms)
            try:
                participant = await self._seat(running, newcomer, invited, terms.role)
            except BaseException:
                if created:
                    await self._core.forget(running)
                raise
            finally:
                running.joining = None
            participant = self._announce(running, participant.id) or participant
            logger.info("Conference %s: %s joined (%s)", terms.number, participant.id, participant.kind)
            return participant

    def _announce(self, running: Running, participant_id: str) -> Participant | None:
        """Tell of a newcomer, and of what facts have changed about it meanwhile."""
        now, conference = self._core.clock.wall(), running.conference
        participant = conference.participant(participant_id)
        if participant is None:
            return None
        self._announce_conference(running)
        self._core.publish(events.ParticipantJoined(now, conference, participant))
        if conference.speaker_id == participant_id:
            self._core.publish(events.SpeakerChanged(now, conference, participant_id))
        return participant

    def open_for_calls(self, terms: Terms) -> Running:
        """Begin a conference before anybody is in, whom it will call. Raises JoinRefused."""
        running = self._open(terms)
        self._announce_conference(running)
        return running

    def _announce_conference(self, running: Running) -> None:
        if not running.announced:
            running.announced = True
            self._core.publish(events.ConferenceCreated(self._core.clock.wall(), running.conference))

    def _open(self, terms: Terms) -> Running:
        if self.closed:
            raise JoinRefused(JoinCode.MEDIA, "The server is stopping.")
        if len(self._core.all()) >= self._core.settings.maximum_conferences:
            raise JoinRefused(JoinCode.FULL, "The server holds as many conferences as it may.")
        conference = Conference(
            self._ids(),
            terms.number,
            self._core.clock.wall(),
            terms.title,
            terms.pin_hash,
            terms.permanent,
            # Nobody who guesses its number gets into a call of two.
            locked=terms.pair,
            pair=terms.pair,
            arrangement=terms.arrangement,
            chair_pin_hash=terms.chair_pin_hash,
        )
        return self._core.open(conference)

    async def _seat(self, running: Running, newcomer: Newcomer, invited: bool, role: Role) -> Participant:
        conference = running.conference
        if conference.locked and not invited and role is not Role.CHAIR:
            raise JoinRefused(JoinCode.LOCKED, "The conference is locked.")
        if len(conference.participants) >= self._core.settings.maximum_participants:
            raise JoinRefused(JoinCode.FULL, "The conference is full.")
        participant_id = newcomer.id or self._ids()
        if self._core.with_participant(participant_id) is not None:
            raise ValueError(f"participant {participant_id} is in a conference already")
        leg = newcomer.make_leg
        if not isinstance(leg, LegSpec):
            largest = self._core.ports.largest_source(first=not conference.participants)
            leg = leg(Seat(participant_id, conference.id, conference.number, largest))
        check_leg(leg, participant_id)
        name = clean_name(newcomer.name) or newcomer.kind
        participant = Participant(
            participant_id, name, newcomer.kind, leg, self._core.clock.wall(), flowing=flows_at_once(leg), role=role
        )
        fitted = self._core.fitting.fitted(conference, participant)
        if fitted is None:
            raise JoinRefused(JoinCode.CAPACITY, "The server has no capacity left for another picture.", CAPACITY_RETRY)
        participant = running.mutes.admitted(conference, fitted, newcomer)
        running.joining = participant_id
        self._core.seat(running, participant, newcomer.owner)
        try:
            await self._core.attempt(running, lambda now: now.without(participant_id), participant_id)
        except BaseException as error:
            self._core.unseat(running, participant_id)
            if isinstance(error, MediaError):
                raise JoinRefused(JoinCode.MEDIA, str(error)) from error
            raise
        return participant


def check_leg(leg: LegSpec, participant_id: str) -> None:
    """Raise ValueError for a leg that is not the participant's."""
    if leg.id != participant_id:
        raise ValueError(f"leg {leg.id} is not that of participant {participant_id}")


def flows_at_once(leg: LegSpec) -> bool:
    """A room is there once its call is answered; a browser must finish ICE and DTLS first."""
    return not isinstance(leg.transport, WebRtcTransport)


def moves(before: LegSpec, after: LegSpec) -> bool:
    """Whether media go another way from now on; a browser that restarts ICE keeps its association."""
    if isinstance(after.transport, WebRtcTransport):
        return not after.transport.goes_on_as(before.transport)
    return after.transport != before.transport
