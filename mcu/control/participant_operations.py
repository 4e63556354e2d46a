"""Operations on participants, addressed by their ids; their own tokens reach themselves only."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from mcu.conference import commands
from mcu.conference.execution.participant_changes import MAXIMUM_GAIN, MINIMUM_GAIN
from mcu.conference.manager import ConferenceManager
from mcu.conference.picture.picture_changes import MAXIMUM_TILE, SeatingChange
from mcu.conference.roles import Role
from mcu.conference.views import ParticipantView, participant_view
from mcu.control.bodies import Body, json_answer
from mcu.media.spec import ContentChoice
from mcu.ports import Operation, Problem, actor_of, body_of

# A camera moves through its whole range within this time; seconds.
MAXIMUM_MOVE = 10.0


Gain = Annotated[float, Field(ge=MINIMUM_GAIN, le=MAXIMUM_GAIN, allow_inf_nan=False)]


class ParticipantChange(Body):
    """What to change; what is left out stays.

    What it sees: all in ``layout``, or the participant ``watch`` alone; null goes back to what everybody sees. Choosing
    a layout ends watching. ``seating`` is who sits where in its own picture, null as everybody sees; with ``hide_self``
    it does not see itself. ``content_choice``: what is shared comes as a second picture where there is one ("auto"), in
    a tile ("tile"), or changes places with the people ("swap"). ``forwarded``: it gets others' pictures as they are,
    each on its own (true), or in one picture (false); null as is usual in the conference.

    How it hears and is heard: ``listen_gain`` in dB, ``music`` (its sound is left as it is), ``forwarded_sound``: it
    gets others' sound as it is, of the loudest three (true), or mixed (false); null as is usual in the conference.

    How others see and hear it, for accounts and chairs only: ``role``, ``pin`` (a tile from 0, or null), ``hidden``,
    ``gain`` in dB.
    """

    microphone_muted: bool | None = None
    speaker_muted: bool | None = None
    camera_muted: bool | None = None
    name: Annotated[str, Field(max_length=256)] | None = None
    layout: Annotated[str, Field(max_length=32)] | None = None
    watch: Annotated[str, Field(max_length=64)] | None = None
    seating: SeatingChange | None = None
    hide_self: bool | None = None
    content_choice: ContentChoice | None = None
    forwarded: bool | None = None
    forwarded_sound: bool | None = None
    role: Literal["chair", "expert", "member", "viewer"] | None = None
    pin: Annotated[int, Field(ge=0, le=MAXIMUM_TILE)] | None = None
    hidden: bool | None = None
    gain: Gain | None = None
    listen_gain: Gain | None = None
    music: bool | None = None


Step = Literal[-1, 0, 1]


class CameraMove(Body):
    """What a room's camera is to do (ITU-T H.281).

    ``move`` with its directions (``pan`` 1 is right, ``tilt`` 1 up, ``zoom`` 1 in, ``focus`` 1 in) goes on for
    ``seconds``; ``stop`` ends it before. Presets are numbered from 0 to 15.
    """

    action: Literal["move", "stop", "activate_preset", "store_preset"] = "move"
    pan: Step = 0
    tilt: Step = 0
    zoom: Step = 0
    focus: Step = 0
    seconds: Annotated[float, Field(gt=0, le=MAXIMUM_MOVE)] = 0.5
    preset: Annotated[int, Field(ge=0, le=15)] = 0


class Digits(Body):
    """Keys to press: 0-9, A-D, * and #."""

    digits: Annotated[str, Field(pattern=r"^[0-9A-Da-d*#]{1,32}$", repr=False)]


class ParticipantOperations:
    """Turns requests into commands, and the participant after them into a view."""

    def __init__(self, manager: ConferenceManager) -> None:
        self._manager = manager

    def operations(self) -> list[Operation]:
        """What this class serves."""
        one, tag = "/participants/{id}", "participants"
        return [
            Operation("PATCH", one, self.change, "Mute, rename, seat, choose what it sees", "participant",
                      request=ParticipantChange, response=ParticipantView, tag=tag, errors=(404, 409)),
            Operation("POST", f"{one}/camera", self.move_camera, "Move its camera, or use a preset", "participant",
                      request=CameraMove, status=204, tag=tag, errors=(404, 409)),
            Operation("POST", f"{one}/digits", self.send_digits, "Press keys of the keypad towards it", "chair",
                      request=Digits, status=204, tag=tag, errors=(404,)),
            Operation("DELETE", one, self.remove, "Remove from the conference; for oneself: leave", "participant",
                      status=204, tag=tag, errors=(404,)),
        ]  # fmt: skip

    async def change(self, request: web.Request) -> web.Response:
        """Everything in the body, one command after the other, those that may be refused first."""
        participant_id, body, actor = request.match_info["id"], body_of(request, ParticipantChange), actor_of(request)
        wanted: list[commands.Command] = []
        if body.name is not None:
            wanted.append(commands.RenameParticipant(participant_id, body.name))
        if "layout" in body.model_fields_set:
            wanted.append(commands.SetParticipantLayout(participant_id, body.layout))
        if "watch" in body.model_fields_set:
            wanted.append(commands.Watch(participant_id, body.watch))
        wanted += _view(participant_id, body) + _presence(participant_id, body)
        mute = commands.Mute(participant_id, body.microphone_muted, body.speaker_muted, body.camera_muted)
        if not wanted or mute != commands.Mute(participant_id):
            wanted.append(mute)
        for command in wanted:
            await self._manager.execute(command, actor)
        conference = self._manager.conference_of(participant_id)
        participant = None if conference is None else conference.participant(participant_id)
        if participant is None:
            raise Problem(404, "No such participant", "The participant has just left.", "unknown_participant")
        return json_answer(participant_view(participant, conference))

    async def move_camera(self, request: web.Request) -> web.Response:
        """Move a room's camera."""
        body = body_of(request, CameraMove)
        wanted = commands.CameraRequest.model_validate(body.model_dump())
        await self._manager.execute(commands.MoveCamera(request.match_info["id"], wanted), actor_of(request))
        return web.Response(status=204)

    async def send_digits(self, request: web.Request) -> web.Response:
        """Press keys towards a room."""
        digits = body_of(request, Digits).digits
        await self._manager.execute(commands.SendDigits(request.match_info["id"], digits), actor_of(request))
        return web.Response(status=204)

    async def remove(self, request: web.Request) -> web.Response:
        """Out of the conference; the call behind it is ended."""
        await self._manager.execute(commands.Kick(request.match_info["id"]), actor_of(request))
        return web.Response(status=204)


def _view(participant_id: str, body: ParticipantChange) -> list[commands.Command]:
    wanted: list[commands.Command] = []
    if "seating" in body.model_fields_set:
        wanted.append(commands.SetOwnSeating(participant_id, body.seating))
    if body.hide_self is not None:
        wanted.append(commands.HideSelf(participant_id, body.hide_self))
    if body.content_choice is not None:
        wanted.append(commands.ChooseContent(participant_id, body.content_choice))
    if "forwarded" in body.model_fields_set:
        wanted.append(commands.ChooseForwarding(participant_id, body.forwarded))
    if "forwarded_sound" in body.model_fields_set:
        wanted.append(commands.ChooseForwardedSound(participant_id, body.forwarded_sound))
    return wanted


def _presence(participant_id: str, body: ParticipantChange) -> list[commands.Command]:
    wanted: list[commands.Command] = []
    if body.role is not None:
        wanted.append(commands.SetRole(participant_id, Role(body.role)))
    if "pin" in body.model_fields_set:
        wanted.append(commands.PinParticipant(participant_id, body.pin))
    if body.hidden is not None:
        wanted.append(commands.HideParticipant(participant_id, body.hidden))
    sound = commands.AdjustSound(participant_id, body.gain, body.listen_gain, body.music)
    if sound != commands.AdjustSound(participant_id):
        wanted.append(sound)
    return wanted
