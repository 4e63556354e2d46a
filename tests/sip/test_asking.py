"""Asking peers what they are and can do."""

from __future__ import annotations

import pytest

from sip.errors import SipParseError
from sip.events import CapabilitiesRefused, CapabilitiesTold
from tests.sip.test_calls import Pair

ME = "sip:server@192.0.2.1"


def test_a_peer_tells_what_it_is_and_can_do() -> None:
    pair = Pair()
    question = pair.room.agent.ask_capabilities("sip:1000@192.0.2.2", ME)
    pair.network.run(1)
    (told,) = pair.room.of_type(CapabilitiesTold)
    assert isinstance(told, CapabilitiesTold)
    assert told.question == question and told.product and {"INVITE", "OPTIONS", "BYE"} <= set(told.methods)
    assert told.description is None and pair.everything_is_forgotten()


def test_peers_that_do_not_tell_are_reported() -> None:
    pair = Pair()
    lost = pair.room.agent.ask_capabilities("sip:1000@192.0.2.77", ME)
    pair.network.run(40)
    pair.room.transport_available = False
    nowhere = pair.room.agent.ask_capabilities("sip:1000@192.0.2.2", ME)
    pair.network.run(1)
    found = [(event.question, event.status) for event in pair.room.events if isinstance(event, CapabilitiesRefused)]
    assert found == [(lost, 408), (nowhere, 503)]
    with pytest.raises(SipParseError):
        pair.room.agent.ask_capabilities("nonsense", ME)


def test_a_question_goes_through_the_proxies_of_a_registration() -> None:
    pair = Pair()
    pair.room.agent.ask_capabilities("sip:1000@192.0.2.77", ME, route=["sip:192.0.2.2;lr"])
    pair.network.run(1)
    assert len(pair.room.of_type(CapabilitiesTold)) == 1
