"""Every error of the API as problem details (RFC 9457), whatever raised it."""

from __future__ import annotations

import http
import json
import logging
import math

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ValidationError

from mcu.conference.commands import CommandRefused, Refusal
from mcu.conference.door.joining import JoinCode, JoinRefused
from mcu.ports import MediaError, Problem

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
MAXIMUM_FIELDS = 20
"""Field errors named in one answer; a body with a thousand wrong fields gets no thousand lines."""


class FieldProblem(BaseModel):
    """What is wrong with one field of a body."""

    field: str
    message: str


class ProblemDetails(BaseModel):
    """An error. ``type`` and ``code`` name its kind, ``detail`` says what was wrong this time."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] = []


_REFUSALS = {
    Refusal.FORBIDDEN: (403, "Not allowed"),
    Refusal.INVALID: (422, "Invalid value"),
    Refusal.UNKNOWN_CONFERENCE: (404, "No such conference"),
    Refusal.UNKNOWN_PARTICIPANT: (404, "No such participant"),
    Refusal.UNKNOWN_LAYOUT: (422, "No such layout"),
    Refusal.UNKNOWN_LOGO: (404, "No such logo"),
    Refusal.NAME_TAKEN: (409, "Name is taken"),
    Refusal.IN_USE: (409, "In use"),
    Refusal.TOO_MANY_LAYOUTS: (409, "Too many layouts"),
    Refusal.TOO_MANY_LOGOS: (409, "Too many logos"),
    Refusal.MUTED_BY_CHAIR: (403, "Muted by the chair"),
    Refusal.TOO_MANY_VIEWS: (409, "Too many pictures"),
    Refusal.NO_CAMERA: (409, "No camera to move"),
    Refusal.NUMBER_TAKEN: (409, "Number is taken"),
    Refusal.NOT_ACTIVE: (409, "Conference is not active"),
    Refusal.ALREADY_RECORDING: (409, "Already recording"),
    Refusal.NOT_RECORDING: (409, "Not recording"),
    Refusal.NO_CONTENT: (409, "No second picture"),
    Refusal.FLOOR_FREE: (409, "Nobody is sharing"),
    Refusal.MEDIA: (503, "Media unavailable"),
    Refusal.CAPACITY: (503, "No capacity"),
    Refusal.CALL_NOT_ALLOWED: (403, "Call not allowed"),
    Refusal.ALREADY_CALLING: (409, "Already being called"),
    Refusal.UNKNOWN_CALL: (404, "No such call"),
    Refusal.TOO_MANY_MESSAGES: (429, "Too many messages"),
}

_JOINS = {
    JoinCode.UNKNOWN_ROOM: (404, "No such room"),
    JoinCode.WRONG_PIN: (403, "Wrong PIN"),
    JoinCode.TOO_MANY_ATTEMPTS: (429, "Too many attempts"),
    JoinCode.FULL: (409, "Conference is full"),
    JoinCode.LOCKED: (409, "Conference is locked"),
    JoinCode.MEDIA: (503, "Media unavailable"),
}

_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large", 415: "wrong_content_type"}
_HTTP_DETAILS = {
    404: "There is nothing under this path.",
    405: "This path does not know this method; the Allow header lists those it knows.",
    413: "The body is larger than this server reads.",
}


def problem_of(error: Exception) -> Problem | None:
    """The problem that an error of our own amounts to, or None for one that nobody expected."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, CommandRefused):
        status, title = _REFUSALS[error.code]
        return Problem(status, title, str(error), error.code.value)
    if isinstance(error, JoinRefused):
        status, title = _JOINS[error.code]
        wait = None if error.retry_after is None else math.ceil(error.retry_after)
        return Problem(status, title, str(error), error.code.value, retry_after=wait)
    if isinstance(error, MediaError):
        return Problem(503, "Media unavailable", str(error), "media")
    return None


def problem_response(problem: Problem, errors: list[FieldProblem] | None = None) -> web.Response:
    """The problem as an answer."""
    details = ProblemDetails(
        type=f"/api/docs#{problem.code}",
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        code=problem.code,
        errors=errors or [],
    )
    headers = {"Cache-Control": "no-store"}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = details.model_dump(mode="json", exclude_defaults=True)
    return web.Response(status=problem.status, text=json.dumps(body), content_type=MEDIA_TYPE, headers=headers)


class ProblemOfFields(Problem):
    """A problem of a body that says of each field what is wrong with it, of the first MAXIMUM_FIELDS at least."""

    errors: list[FieldProblem]


class InvalidBody(ProblemOfFields):
    """A body that is JSON but not what the operation takes."""

    def __init__(self, error: ValidationError) -> None:
        super().__init__(422, "Invalid body", "The body is not what this operation takes.", "invalid_body")
        # Without the input: it may hold a password.
        found = error.errors(include_url=False, include_context=False, include_input=False)
        self.errors = [
            FieldProblem(field=".".join(str(step) for step in one["loc"])[:100], message=one["msg"][:300])
            for one in found[:MAXIMUM_FIELDS]
        ]


def _http_problem(error: web.HTTPException) -> web.Response:
    phrase = http.HTTPStatus(error.status).phrase
    code = _HTTP_CODES.get(error.status, phrase.lower().replace(" ", "_").replace("-", "_"))
    response = problem_response(Problem(error.status, phrase, _HTTP_DETAILS.get(error.status, phrase + "."), code))
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers errors with problem details. What nobody expected is logged, and the asker learns nothing of it."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _http_problem(error)
    except Exception as error:
        problem = problem_of(error)
        if problem is None:
            logger.exception("%s %s failed", request.method, request.path)
            problem = Problem(500, "Internal error", "The server failed; its log says why.", "internal_error")
        if request.writer.output_size > 0:
            raise  # the answer has begun: all that is left is to break it off
        return problem_response(problem, error.errors if isinstance(error, ProblemOfFields) else None)
