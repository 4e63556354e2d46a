"""The HTTP application: the operations of all folders under one roof of access checks, errors and documentation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib import metadata

from aiohttp import web
from pydantic import BaseModel

from mcu.conference.clock import Clock
from mcu.conference.manager import ConferenceManager
from mcu.control.access import Authority, check_access, set_session
from mcu.control.accounts import Accounts
from mcu.control.bodies import json_answer, read_body
from mcu.control.call_operations import CallOperations
from mcu.control.capacity_operations import CapacityOperations
from mcu.control.conference_operations import ConferenceOperations
from mcu.control.documentation import add_documentation
from mcu.control.event_socket import EventSockets
from mcu.control.floor_operations import FloorOperations
from mcu.control.notices import NoticeHub
from mcu.control.openapi import API_ROOT, document, route_path
from mcu.control.participant_operations import ParticipantOperations
from mcu.control.picture_operations import PictureOperations
from mcu.control.problems import problems
from mcu.control.security import add_security_headers, origin_check
from mcu.control.session_operations import SessionOperations
from mcu.control.settings import ControlSettings
from mcu.ports import Operation, set_actor, set_body


class Health(BaseModel):
    """The server answers."""

    status: str


async def _health(request: web.Request) -> web.Response:
    return json_answer(Health(status="ok"))


def make_application(
    manager: ConferenceManager,
    accounts: Accounts,
    operations: Sequence[Operation],
    settings: ControlSettings,
    clock: Clock | None = None,
    notices: NoticeHub | None = None,
) -> web.Application:
    """The application with our own operations and those that other folders hand in.

    ``notices`` is what accounts are told besides on the socket of events. More routes (pages, static files) may be
    added to it before it starts; they get the same headers and errors.
    """
    authority = Authority(accounts, manager, settings.cookie_name)
    sockets = EventSockets(manager, authority, settings, clock or Clock(), notices)
    served = [
        Operation("GET", "/health", _health, "Whether the server answers", "public", response=Health, tag="server"),
        *SessionOperations(accounts, settings, sockets.session_ended).operations(),
        *ConferenceOperations(manager).operations(),
        *ParticipantOperations(manager).operations(),
        *FloorOperations(manager).operations(),
        *PictureOperations(manager, settings.body_seconds).operations(),
        *CallOperations(manager).operations(),
        *CapacityOperations(manager).operations(),
        *sockets.operations(),
        *operations,
    ]
    application = web.Application(
        middlewares=[problems, origin_check(settings.allowed_origins)], client_max_size=settings.maximum_body
    )
    application.on_response_prepare.append(add_security_headers)
    for operation in served:
        path, handler = route_path(operation), _guard(operation, authority, settings)
        if operation.method == "GET":
            application.router.add_get(path, handler)
        else:
            application.router.add_route(operation.method, path, handler)
    described = document(served, metadata.version("consilium"), settings.cookie_name)

    async def openapi(request: web.Request) -> web.Response:
        return web.json_response(described)

    application.router.add_get(f"{API_ROOT}/openapi.json", openapi)
    add_documentation(application, settings.swagger_directory)

    async def shutdown(_: web.Application) -> None:
        await sockets.close()

    application.on_shutdown.append(shutdown)
    return application


def _guard(
    operation: Operation, authority: Authority, settings: ControlSettings
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The operation's handler behind its access check, with its body parsed: nothing of a stranger's is read before."""
    if operation.access not in ("public", "participant", "chair", "user"):
        raise ValueError(f"{operation.method} {operation.path}: unknown access {operation.access!r}")

    async def handle(request: web.Request) -> web.StreamResponse:
        identity = await authority.identify(request)
        set_actor(request, identity.actor)
        set_session(request, identity.session)
        check_access(operation.access, identity.actor)
        if operation.request is not None:
            set_body(request, await read_body(request, operation.request, settings.body_seconds))
        return await operation.handler(request)

    return handle
