"""The smallest application that serves operations, for tests of them alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from mcu.ports import Operation, Problem


@web.middleware
async def problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except Problem as problem:
        return web.json_response({"code": problem.code, "detail": problem.detail}, status=problem.status)


def application(operations: Sequence[Operation]) -> web.Application:
    app = web.Application(middlewares=[problems])
    for operation in operations:
        app.router.add_route(operation.method, "/api/v1" + operation.path, operation.handler)
    return app
