"""Operations on the calls that a conference makes, and on its chat."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from mcu.conference import commands
from mcu.conference.calls import MAXIMUM_RETRIES, MAXIMUM_TARGET, MAXIMUM_TARGETS
from mcu.conference.manager import ConferenceManager
from mcu.conference.people.chat import MAXIMUM_TEXT, ChatMessage
from mcu.conference.views import CallView, ChatMessageView, call_view, chat_view
from mcu.control.access import check_conference
from mcu.control.bodies import Body, json_answer
from mcu.ports import ActorKind, Operation, Problem, actor_of, body_of

Target = Annotated[str, Field(min_length=1, max_length=MAXIMUM_TARGET)]


class NewCalls(Body):
    """Whom to call: SIP addresses, or names and numbers of registered rooms. ``retries`` are tries after the first."""

    targets: Annotated[list[Target], Field(min_length=1, max_length=MAXIMUM_TARGETS)]
    retries: Annotated[int, Field(ge=0, le=MAXIMUM_RETRIES)] = 0


class CallList(BaseModel):
    """Calls under way, and the last that failed."""

    calls: list[CallView]


class NewMessage(Body):
    """A message for everybody in the conference."""

    text: Annotated[str, Field(min_length=1, max_length=MAXIMUM_TEXT)]


class MessageList(BaseModel):
    """The last messages, oldest first."""

    messages: list[ChatMessageView]


class CallOperations:
    """Calls out, and chat."""

    def __init__(self, manager: ConferenceManager) -> None:
        self._manager = manager

    def operations(self) -> list[Operation]:
        """What this class serves."""
        calls, chat = "/conferences/{number}/calls", "/conferences/{number}/chat"
        return [
            Operation("GET", calls, self.calls, "Calls that the conference makes", "chair",
                      response=CallList, tag="calls", errors=(404,)),
            Operation("POST", calls, self.place, "Call one or several rooms into the conference", "chair",
                      request=NewCalls, response=CallList, status=201, tag="calls", errors=(403, 404, 409, 503)),
            Operation("DELETE", calls, self.cancel_all, "Give up all calls and forget the failed ones",
                      "chair", status=204, tag="calls", errors=(404,)),
            Operation("DELETE", f"{calls}/{{id}}", self.cancel, "Give up a call, or forget a failed one",
                      "chair", status=204, tag="calls", errors=(404,)),
            Operation("GET", chat, self.messages, "The last messages of the chat", "participant",
                      response=MessageList, tag="chat", errors=(404,)),
            Operation("POST", chat, self.say, "Write to everybody in the conference", "participant",
                      request=NewMessage, response=ChatMessageView, status=201, tag="chat", errors=(404, 429)),
        ]  # fmt: skip

    async def calls(self, request: web.Request) -> web.Response:
        """Calls under way, and the last that failed."""
        number = self._number(request)
        conference = self._manager.conference(number)
        if conference is None and await self._manager.room(number) is None:
            raise Problem(404, "No such conference", "There is no conference with this number.", "unknown_conference")
        found = () if conference is None else conference.calls
        return json_answer(CallList(calls=[call_view(call) for call in found]))

    async def place(self, request: web.Request) -> web.Response:
        """Begin to call; what comes of it is told by events."""
        body = body_of(request, NewCalls)
        command = commands.PlaceCalls(self._number(request), tuple(body.targets), body.retries)
        calls = await self._manager.execute(command, actor_of(request))
        if not isinstance(calls, tuple):
            raise TypeError("a command to call gives calls")
        return json_answer(CallList(calls=[call_view(call) for call in calls]), 201)

    async def cancel(self, request: web.Request) -> web.Response:
        """Give up one call."""
        command = commands.CancelCall(self._number(request), request.match_info["id"])
        await self._manager.execute(command, actor_of(request))
        return web.Response(status=204)

    async def cancel_all(self, request: web.Request) -> web.Response:
        """Give up all calls."""
        await self._manager.execute(commands.CancelCall(self._number(request)), actor_of(request))
        return web.Response(status=204)

    async def messages(self, request: web.Request) -> web.Response:
        """What was written so far."""
        number = self._conference_number(request)
        return json_answer(MessageList(messages=[chat_view(message) for message in self._manager.chat(number)]))

    async def say(self, request: web.Request) -> web.Response:
        """Write a message; a participant's own, an account's under the name of the account."""
        number, actor = self._conference_number(request), actor_of(request)
        writer = actor.id if actor.kind is ActorKind.PARTICIPANT else None
        command = commands.SayInChat(number, body_of(request, NewMessage).text, writer)
        message = await self._manager.execute(command, actor)
        if not isinstance(message, ChatMessage):
            raise TypeError("a command to write gives a message")
        return json_answer(chat_view(message), 201)

    def _number(self, request: web.Request) -> str:
        number = request.match_info["number"]
        check_conference(actor_of(request), self._manager, number)
        return number

    def _conference_number(self, request: web.Request) -> str:
        number = self._number(request)
        if self._manager.conference(number) is None:
            raise Problem(404, "No such conference", "No conference runs under this number.", "unknown_conference")
        return number
