"""Operations on conferences and rooms, and their recording."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from mcu.conference import commands
from mcu.conference.manager import ConferenceManager
from mcu.conference.model import Recording
from mcu.conference.picture.picture_changes import DecorationChange, ProcessingChange, SeatingChange
from mcu.conference.text import MAXIMUM_TITLE, NUMBER_PATTERN, PIN_PATTERN
from mcu.conference.views import (
    ConferenceView,
    ParticipantView,
    RunningRecordingView,
    conference_view,
    recording_view,
    room_view,
)
from mcu.control.access import check_conference
from mcu.control.bodies import Body, json_answer
from mcu.control.overview import all_conferences
from mcu.ports import Operation, Problem, Query, actor_of, body_of

Number = Annotated[str, Field(pattern=NUMBER_PATTERN)]
Title = Annotated[str, Field(max_length=MAXIMUM_TITLE)]
Pin = Annotated[str, Field(pattern=PIN_PATTERN)]


class NewConference(Body):
    """A permanent room. Without a PIN anybody who knows the number gets in; who gives the chair's PIN steers."""

    number: Number
    title: Title = ""
    pin: Annotated[Pin | None, Field(repr=False)] = None
    chair_pin: Annotated[Pin | None, Field(repr=False)] = None


class ConferenceChange(Body):
    """What to change; what is left out stays. ``pin`` null opens the room, ``active`` false ends the conference.

    ``chair_pin`` null: nobody becomes chair by a PIN. ``title``, ``pin`` and ``chair_pin`` are for accounts only.

    ``broadcast`` is the participant to show alone to everybody else; null shows all again. Of ``seating``,
    ``decoration`` and ``processing`` too, what is left out stays. ``forwarded``: browsers get others' pictures as they
    are, unless they chose otherwise; ``forwarded_sound``: others' sound, of the loudest three, not mixed.
    ``microphones_muted``: all but those of chairs, of newcomers too, until it is false again.
    """

    layout: Annotated[str, Field(max_length=32)] | None = None
    broadcast: Annotated[str, Field(max_length=64)] | None = None
    locked: bool | None = None
    microphones_muted: bool | None = None
    title: Title | None = None
    pin: Annotated[Pin | None, Field(repr=False)] = None
    chair_pin: Annotated[Pin | None, Field(repr=False)] = None
    active: bool | None = None
    seating: SeatingChange | None = None
    decoration: DecorationChange | None = None
    processing: ProcessingChange | None = None
    forwarded: bool | None = None
    forwarded_sound: bool | None = None


class ConferenceList(BaseModel):
    """All rooms and running conferences, by number."""

    conferences: list[ConferenceView]


class ParticipantList(BaseModel):
    """Who is in a conference, in order of joining."""

    participants: list[ParticipantView]


class ConferenceOperations:
    """Turns requests into commands, and the state after them into views."""

    def __init__(self, manager: ConferenceManager) -> None:
        self._manager = manager

    def operations(self) -> list[Operation]:
        """What this class serves."""
        one, tag = "/conferences/{number}", "conferences"
        forget = Query("forget", "true: remove the permanent room as well")
        return [
            Operation("GET", "/conferences", self.list, "Rooms and running conferences",
                      response=ConferenceList, tag=tag),
            Operation("POST", "/conferences", self.create, "Make a permanent room",
                      request=NewConference, response=ConferenceView, status=201, tag=tag, errors=(409,)),
            Operation("GET", one, self.show, "One room or conference", "participant",
                      response=ConferenceView, tag=tag, errors=(404,)),
            Operation("PATCH", one, self.change, "Change title, PIN, lock, picture, sound, or end it", "chair",
                      request=ConferenceChange, response=ConferenceView, tag=tag, errors=(404, 409)),
            Operation("DELETE", one, self.end, "End the conference; its permanent room stays unless forgotten",
                      "chair",                       status=204, tag=tag, errors=(404, 409), query=(forget,)),
            Operation("GET", f"{one}/participants", self.participants, "Who is in", "participant",
                      response=ParticipantList, tag=tag, errors=(404,)),
            Operation("POST", f"{one}/recording", self.start_recording, "Start recording", "chair",
                      response=RunningRecordingView, status=201, tag=tag, errors=(404, 409, 503)),
            Operation("DELETE", f"{one}/recording", self.stop_recording, "Stop recording", "chair",
                      response=RunningRecordingView, tag=tag, errors=(404, 409)),
        ]  # fmt: skip

    async def list(self, request: web.Request) -> web.Response:
        """Rooms and running conferences, by number."""
        return json_answer(ConferenceList(conferences=await all_conferences(self._manager)))

    async def create(self, request: web.Request) -> web.Response:
        """A new permanent room."""
        body = body_of(request, NewConference)
        await self._manager.execute(
            commands.CreateRoom(body.number, body.title, body.pin, body.chair_pin), actor_of(request)
        )
        return json_answer(await self._view(body.number), 201)

    async def show(self, request: web.Request) -> web.Response:
        """One room or conference."""
        number = self._number(request)
        return json_answer(await self._view(number))

    async def change(self, request: web.Request) -> web.Response:
        """Everything in the body, one command after the other, those that may be refused first."""
        number, actor, body = self._number(request), actor_of(request), body_of(request, ConferenceChange)
        await self._view(number)  # an unknown number is 404 even when nothing is to change
        wanted = _arrangement(number, body)
        if "broadcast" in body.model_fields_set:
            wanted.append(commands.Broadcast(number, body.broadcast))
        if body.locked is not None:
            wanted.append(commands.LockConference(number, body.locked))
        if body.microphones_muted is not None:
            wanted.append(commands.MuteEverybody(number, body.microphones_muted))
        if body.title is not None:
            wanted.append(commands.SetTitle(number, body.title))
        if "pin" in body.model_fields_set:
            wanted.append(commands.SetPin(number, body.pin))
        if "chair_pin" in body.model_fields_set:
            wanted.append(commands.SetChairPin(number, body.chair_pin))
        if body.active:
            raise Problem(422, "Invalid value", "A conference begins when somebody joins it.", "invalid")
        if body.active is False:
            wanted.append(commands.EndConference(number))
        for command in wanted:
            await self._manager.execute(command, actor)
        try:
            return json_answer(await self._view(number))
        except Problem:
            return web.Response(status=204)  # it was ended, and has no room that stays

    async def end(self, request: web.Request) -> web.Response:
        """End the conference, and with ``forget=true`` remove its room."""
        number = self._number(request)
        forget = request.query.get("forget", "").lower() in ("1", "true", "yes")
        command = commands.RemoveRoom(number) if forget else commands.EndConference(number)
        await self._manager.execute(command, actor_of(request))
        return web.Response(status=204)

    async def participants(self, request: web.Request) -> web.Response:
        """Who is in; nobody where no conference runs."""
        view = await self._view(self._number(request))
        return json_answer(ParticipantList(participants=view.participants))

    async def start_recording(self, request: web.Request) -> web.Response:
        """Start recording."""
        recording = await self._manager.execute(commands.StartRecording(self._number(request)), actor_of(request))
        return _recording_answer(recording, 201)

    async def stop_recording(self, request: web.Request) -> web.Response:
        """Stop recording."""
        recording = await self._manager.execute(commands.StopRecording(self._number(request)), actor_of(request))
        return _recording_answer(recording, 200)

    def _number(self, request: web.Request) -> str:
        number = request.match_info["number"]
        check_conference(actor_of(request), self._manager, number)
        return number

    async def _view(self, number: str) -> ConferenceView:
        conference = self._manager.conference(number)
        if conference is not None:
            return conference_view(conference)
        room = await self._manager.room(number)
        if room is None:
            raise Problem(404, "No such conference", "There is no conference with this number.", "unknown_conference")
        return room_view(room)


def _arrangement(number: str, body: ConferenceChange) -> list[commands.Command]:
    wanted: list[commands.Command] = []
    if body.layout is not None:
        wanted.append(commands.SetLayout(number, body.layout))
    if body.seating is not None:
        wanted.append(commands.ArrangeSeats(number, body.seating))
    if body.decoration is not None:
        wanted.append(commands.Decorate(number, body.decoration))
    if body.processing is not None:
        wanted.append(commands.ProcessSound(number, body.processing))
    if body.forwarded is not None:
        wanted.append(commands.SetForwarding(number, body.forwarded))
    if body.forwarded_sound is not None:
        wanted.append(commands.SetForwardedSound(number, body.forwarded_sound))
    return wanted


def _recording_answer(result: object, status: int) -> web.Response:
    if not isinstance(result, Recording):
        raise TypeError("a command on a recording gives a recording")
    return json_answer(recording_view(result), status)
