"""The OpenAPI 3.1 document, made from the operations themselves."""

from __future__ import annotations

import http
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from mcu.control.problems import MEDIA_TYPE, ProblemDetails
from mcu.ports import Operation

API_ROOT = "/api/v1"
_PARAMETER = re.compile(r"\{([^}:]+)(?::[^}]*)?\}")
_REFERENCE = "#/components/schemas/{model}"


def route_path(operation: Operation) -> str:
    """The path that the operation is served under."""
    return operation.path[1:] if operation.path.startswith("//") else API_ROOT + operation.path


def document(operations: Sequence[Operation], version: str, cookie: str) -> dict[str, Any]:
    """The whole document, ready to be written as JSON. ``cookie`` is the name of the session's cookie."""
    names, schemas = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = _PARAMETER.sub(r"{\1}", route_path(operation))
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Consilium",
            "version": version,
            "description": "Conferences, participants and recordings. Errors are problem details (RFC 9457).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "Token of a login or a participant."},
                "cookie": {"type": "apiKey", "in": "cookie", "name": cookie},
            },
        },
    }


def _schemas(operations: Iterable[Operation]) -> tuple[dict[type[Any], str], dict[str, Any]]:
    models: dict[type[BaseModel], None] = {ProblemDetails: None}
    for operation in operations:
        for model in (operation.request, operation.response):
            if model is not None:
                models[model] = None
    references, top = models_json_schema([(model, "validation") for model in models], ref_template=_REFERENCE)
    names = {model: references[model, "validation"]["$ref"].rpartition("/")[2] for model in models}
    return names, top.get("$defs", {})


def _operation(operation: Operation, names: dict[type[Any], str]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": _operation_id(operation),
        "tags": [operation.tag],
        "responses": _responses(operation, names),
    }
    if operation.access != "public":
        described["security"] = [{"bearer": []}, {"cookie": []}]
        described["description"] = {
            "participant": "For accounts, and for participants as far as it concerns themselves.",
            "user": "For accounts.",
            "chair": "For accounts, and for the chair of this conference.",
        }[operation.access]
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(operation.path)
    ] + [
        {"name": query.name, "in": "query", "description": query.description, "schema": {"type": "string"}}
        for query in operation.query
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.request is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _reference(names[operation.request])}},
        }
    return described


def _operation_id(operation: Operation) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", _PARAMETER.sub(r"by_\1", route_path(operation)).lower()).strip("_")
    return f"{operation.method.lower()}_{words}"


def _responses(operation: Operation, names: dict[type[Any], str]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": http.HTTPStatus(operation.status).phrase}
    if operation.response is not None:
        success["content"] = {operation.produces: {"schema": _reference(names[operation.response])}}
    elif operation.status == 200:
        success["content"] = {operation.produces: {}}
    problem = {MEDIA_TYPE: {"schema": _reference(names[ProblemDetails])}}
    return {str(operation.status): success} | {
        str(status): {"description": http.HTTPStatus(status).phrase, "content": problem}
        for status in sorted(_problem_statuses(operation))
    }


def _problem_statuses(operation: Operation) -> set[int]:
    statuses = set(operation.errors)
    if operation.access != "public":
        statuses |= {401, 403}
    if operation.request is not None:
        statuses |= {400, 413, 415, 422}
    return statuses


def _reference(name: str) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=name)}
