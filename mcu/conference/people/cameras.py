"""Rooms that move each other's cameras: what one asks for goes to the camera whose picture it has before it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from mcu.conference.commands import Command, CommandRefused, MoveCamera, Refusal
from mcu.conference.core import ConferenceCore, Running
from mcu.conference.model import Conference, Participant
from mcu.conference.picture.steering import seen_alone
from mcu.media.spec import CameraRequest
from mcu.ports import Actor, ActorKind

logger = logging.getLogger(__name__)


def check_camera(conference: Conference, target: Participant, request: CameraRequest, actor: Actor) -> None:
    """Raise CommandRefused unless the camera can be moved, and by this actor.

    A participant may move the camera of whom it sees alone, or its own. A stop passes in any case: the view may have
    changed since the move, and the worker obeys only whoever moves the camera.
    """
    if target.leg.camera is None:
        raise CommandRefused(Refusal.NO_CAMERA, "This participant's camera cannot be moved from afar.")
    if actor.is_user or actor.chairs == conference.id or actor.id == target.id or request.action == "stop":
        return
    seen = seen_alone(conference, actor.id)
    if seen is None or seen.id != target.id:
        raise CommandRefused(Refusal.FORBIDDEN, "A participant may move the camera of whom it sees alone.")


class CameraRelay:
    """Takes what rooms ask for by H.281 to the command layer. One for all conferences."""

    def __init__(self, core: ConferenceCore, execute: Callable[[Command, Actor], Awaitable[object]]) -> None:
        self._core = core
        self._execute = execute
        self._moving: dict[str, str] = {}

    def requested(self, running: Running, leg: str, request: CameraRequest) -> None:
        """A room asks to move a camera; never waits."""
        self._core.spawn(self._relay(running, leg, request), f"camera moved by {leg}")

    async def _relay(self, running: Running, leg: str, request: CameraRequest) -> None:
        async with running.keys:
            participant = running.conference.participant(leg)
            target = self._target(running.conference, leg, request)
            if target is None:
                return
            name = participant.name if participant is not None else ""
            command = MoveCamera(target, request.model_copy(update={"source": leg}))
            try:
                await self._execute(command, Actor(ActorKind.PARTICIPANT, leg, name, "camera keys"))
            except CommandRefused as refused:
                logger.info("Conference %s: a camera stays: %s", running.conference.number, refused)

    def _target(self, conference: Conference, leg: str, request: CameraRequest) -> str | None:
        """Whose camera; a stop goes where the move went, whoever is seen by now."""
        if request.action == "stop":
            return self._moving.pop(leg, None)
        seen = seen_alone(conference, leg)
        if seen is None:
            return None
        if request.action == "move":
            self._moving[leg] = seen.id
        return seen.id
