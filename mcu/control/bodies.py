"""Reading JSON bodies: size, type, shape, and one problem for each way they can be wrong."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from mcu.control.problems import InvalidBody
from mcu.ports import Problem


class Body(BaseModel):
    """A body that comes from outside: no unknown fields, no text where a number is due."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def parse_body(data: bytes, model: type[Any]) -> BaseModel:
    """The body as the operation declares it. Raises Problem: 400 for what is no JSON, 422 for other shapes."""
    if not issubclass(model, BaseModel):
        raise TypeError(f"{model.__name__} is no pydantic model")
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        if any(one["type"] == "json_invalid" for one in error.errors(include_url=False, include_input=False)):
            raise Problem(400, "Malformed JSON", "The body is not well-formed JSON.", "malformed_json") from None
        raise InvalidBody(error) from None


async def read_body(request: web.Request, model: type[Any], seconds: float) -> BaseModel:
    """Read and parse the body. Raises Problem, and HTTPRequestEntityTooLarge."""
    if request.content_type != "application/json":
        raise Problem(415, "Wrong content type", "The body must be of type application/json.", "wrong_content_type")
    return parse_body(await read_bytes(request, seconds), model)


async def read_bytes(request: web.Request, seconds: float) -> bytes:
    """The body as it came. Raises Problem, and HTTPRequestEntityTooLarge."""
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError:
        raise Problem(408, "Too slow", "The body did not arrive in time.", "body_too_slow") from None


def json_answer(view: BaseModel, status: int = 200) -> web.Response:
    """A view as an answer."""
    return web.Response(status=status, text=view.model_dump_json(), content_type="application/json")
