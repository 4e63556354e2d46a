"""Fuzz target: JSON bodies of the HTTP API, and the texts in them."""

from __future__ import annotations

import json
import unicodedata

from mcu.conference.text import MAXIMUM_NAME, clean_name
from mcu.control.bodies import parse_body
from mcu.control.conference_operations import ConferenceChange, NewConference
from mcu.control.event_socket import TokenMessage
from mcu.control.participant_operations import ParticipantChange
from mcu.control.picture_operations import NewLayout
from mcu.control.problems import InvalidBody, problem_response
from mcu.control.session_operations import LoginBody, PasswordBody
from mcu.ports import Problem

MODELS = (ConferenceChange, NewConference, NewLayout, ParticipantChange, LoginBody, PasswordBody, TokenMessage)


def fuzz_one(data: bytes) -> None:
    """Any bytes are a body of the declared shape, or a problem that can be answered; nothing else is raised."""
    for model in MODELS:
        try:
            body = parse_body(data, model)
        except Problem as problem:
            assert problem.status in (400, 422)
            errors = problem.errors if isinstance(problem, InvalidBody) else None
            answer = problem_response(problem, errors)
            assert isinstance(answer.body, bytes) and json.loads(answer.body)["status"] == problem.status
        else:
            assert model.model_validate_json(body.model_dump_json(exclude_unset=True)) == body
    name = clean_name(data.decode("utf-8", "replace"))
    assert len(name) <= MAXIMUM_NAME and clean_name(name) == name
    assert all(unicodedata.category(character)[0] != "C" for character in name)
