"""The steps of a routing as English sentences, for the command line and the log. The pages have their own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gatekeeper.routing import Routing, Step, StepKind

SENTENCES: Final[Mapping[StepKind, str]] = {
    StepKind.DIALLED: "Dialled is {address} at {host}.",
    StepKind.ZONE: "The caller is in zone {zone}.",
    StepKind.PIN: "A PIN was dialled along.",
    StepKind.SPELLING: "{before} is spelled {after}.",
    StepKind.RULE_OFF: "Rule {rule} ({kind} {match}) would fit, but is switched off.",
    StepKind.RULE_ELSEWHERE: "Rule {rule} ({kind} {match}) would fit, but holds only in {zones}.",
    StepKind.RULE: "Rule {rule} ({kind} {match}, priority {priority}) holds.",
    StepKind.RULE_BEHIND: "Rule {rule} ({kind} {match}) would fit too, but comes after it.",
    StepKind.NO_RULE: "No rule holds.",
    StepKind.REGISTERED: "{alias} is registered here.",
    StepKind.REWRITTEN: "It is looked up anew as {value}.",
    StepKind.BARE: "No number was dialled, only the server.",
    StepKind.IMPORTANT: "Calls to room {value} are important.",
    StepKind.ROOM: "The call goes to room {value}.",
    StepKind.ACCESS: "The call goes to the voice menu.",
    StepKind.PERSON: "The call goes to the person {value}, wherever registered.",
    StepKind.ENDPOINT: "The call goes to the endpoint {value}.",
    StepKind.REFUSED: "The call is refused with {status}: {reason}.",
}


def sentence(step: Step) -> str:
    """One step in words."""
    text = SENTENCES[step.kind].format_map(dict(step.values))
    return text.replace(" at .", ".").replace(" .", ".").replace("..", ".")


def explain(routing: Routing) -> list[str]:
    """All steps in words."""
    return [sentence(step) for step in routing.steps]
