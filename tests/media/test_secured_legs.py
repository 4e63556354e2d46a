"""Keys that outlive a worker: told to its successor, to nobody else, and only as long as nothing was agreed anew."""

from __future__ import annotations

from typing import Any

from mcu.media.facts import LegConnected
from mcu.media.secured_legs import SecuredLegs
from mcu.media.spec import Address, ConferenceSpec, DtlsKeys, LegSpec, PlainTransport, SdesKeys
from tests.fakes.media import browser_leg, room_leg

DTLS = DtlsKeys(fingerprints=(("sha-256", "AB"),), role="server")
KEYS = SdesKeys(suite="AEAD_AES_256_GCM", local="bG9jYWw=", remote="cmVtb3Rl")
FIRST, SECOND = (0, 0), (0, 1)


def conference(security: object = None, **transport: Any) -> ConferenceSpec:
    leg = room_leg("a")
    changed = {"security": security or {"audio": DTLS, "video": DTLS}} | transport
    leg = leg.model_copy(update={"transport": leg.transport.model_copy(update=changed)})
    return ConferenceSpec(id="c", revision=1, legs=(leg, browser_leg("b")))


def room(spec: ConferenceSpec) -> PlainTransport:
    leg: LegSpec = spec.legs[0]
    assert isinstance(leg.transport, PlainTransport)
    return leg.transport


def secured() -> SecuredLegs:
    legs = SecuredLegs()
    fact = LegConnected(conference="c", leg="a", keys={"audio": KEYS, "video": KEYS})
    legs.note(fact, conference(), FIRST)
    assert "cmVtb3Rl" not in repr(fact) + str(fact) + repr(vars(legs))
    return legs


def test_a_successor_gets_the_keys_and_who_shook_hands_does_not() -> None:
    legs, spec = secured(), conference()
    assert legs.told_to(FIRST, spec) == spec
    told = legs.told_to(SECOND, spec)
    assert room(told).security == {"audio": KEYS, "video": KEYS} and told.legs[1] == spec.legs[1]
    assert legs.told_to((1, 0), spec) == told  # nor another worker to which the leg moves


def test_hold_changes_nothing() -> None:
    held = conference(audio_remote=None, video_remote=None)
    assert room(secured().told_to(SECOND, held)).security == {"audio": KEYS, "video": KEYS}


def test_what_is_agreed_anew_needs_another_handshake() -> None:
    moved = conference(audio_remote=Address(host="192.0.2.77", port=5000))
    other = conference({"audio": DTLS.model_copy(update={"role": "client"}), "video": DTLS})
    for spec in (moved, other):
        legs = secured()
        assert legs.told_to(SECOND, spec) == spec
        later = KEYS.model_copy(update={"local": "b3RoZXI="})
        legs.note(LegConnected(conference="c", leg="a", keys={"audio": later}), spec, SECOND)
        assert legs.told_to(SECOND, spec) == spec
        assert room(legs.told_to((0, 2), spec)).security["audio"] == later


def test_legs_that_are_gone_are_forgotten_and_browsers_never_remembered() -> None:
    legs, spec = secured(), conference()
    legs.note(LegConnected(conference="c", leg="b"), spec, FIRST)
    legs.note(LegConnected(conference="c", leg="gone", keys={"audio": KEYS}), spec, FIRST)
    legs.keep({"b"})
    assert legs.told_to(SECOND, spec) == spec
