"""Offers and answers within a call: late ones, hold and resume, other codecs and keys."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest

from mcu.media.spec import Address, DtlsKeys, SdesKeys
from mcu.ports import MediaError
from sip.events import (
    CallConfirmed,
    CallEnded,
    ReofferAnswered,
    ReofferReceived,
)
from sip.sdp.crypto import read_crypto
from sip.sdp.grammar import SessionDescription
from sip.sdp.security import Encryption
from tests.gateway.world import (
    FIRST_PORT,
    HOLD,
    MALFORMED,
    OFFER,
    SOUND_ONLY,
    USELESS,
    GatewayWorld,
    gateway_world,
    nothing_is_left,
    ports_of,
    sent,
    transport_of,
    version_of,
)


@pytest.fixture
async def world() -> AsyncIterator[GatewayWorld]:
    async with gateway_world() as world:
        yield world


# Late offers


async def test_a_caller_without_an_offer_gets_ours_and_its_answer_counts(world: GatewayWorld) -> None:
    await world.connect(offer=None)
    offer = sent(world.agent.last.sdp)
    assert ports_of(offer) == [
        ("audio", FIRST_PORT),
        ("video", FIRST_PORT + 2),
        ("video", FIRST_PORT + 4),
        ("application", FIRST_PORT + 6),
        ("application", FIRST_PORT + 8),
    ]
    assert world.leg().audio is None and transport_of(world).audio_port == 0

    world.gateway.handle(CallConfirmed("call-1", OFFER.replace("96", "102")))
    await world.settle()
    leg = world.leg()
    assert leg.audio is not None and leg.audio.send_codec.name == "PCMA"
    assert leg.video is not None and leg.video.send_codec.name == "H264"
    assert transport_of(world).audio_port == FIRST_PORT
    assert transport_of(world).video_remote == Address(host="192.0.2.9", port=30002)


@pytest.mark.parametrize("answer", [None, MALFORMED, USELESS, "v=0\r\n"])
async def test_an_answer_that_is_missing_or_of_no_use_ends_the_call(world: GatewayWorld, answer: str | None) -> None:
    await world.connect(offer=None)
    world.gateway.handle(CallConfirmed("call-1", answer))
    await world.settle()
    assert (world.agent.last.what, world.agent.last.reason) == ("hang_up", "The answer to our offer was not usable")
    world.gateway.handle(CallEnded("call-1", "we hung up"))
    await world.settle()
    assert nothing_is_left(world)


async def test_an_answer_that_the_media_cannot_follow_ends_the_call(world: GatewayWorld) -> None:
    await world.connect(offer=None)
    world.media.refuse = MediaError("port taken")
    world.gateway.handle(CallConfirmed("call-1", OFFER.replace("96", "102")))
    await world.settle()
    assert world.agent.last.what == "hang_up"
    assert nothing_is_left(world)


OURS = ":".join(["AB"] * 32)
THEIRS = "sha-256 " + ":".join(["CD"] * 32)
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
SHA1_80 = "AES_CM_128_HMAC_SHA1_80"


def answered_with(offer: SessionDescription, lines: str) -> str:
    """A room's answer to our offer: PCMA and H.264 with these attributes, and nothing else."""
    text = OFFER.replace("96", "102").replace("RTP/AVP", offer.media[0].protocol)
    refused = "".join(f"m={line.media} 0 {line.protocol} {line.formats[0]}\r\n" for line in offer.media[2:])
    return text.replace("a=sendrecv\r\n", f"a=sendrecv\r\n{lines}") + refused


@pytest.mark.parametrize("encryption", [Encryption.PREFERRED, Encryption.REQUIRED])
@pytest.mark.parametrize("tag", ["2", "3"])
async def test_a_late_offer_is_encrypted_with_the_keys_of_the_answer(encryption: Encryption, tag: str) -> None:
    async with gateway_world(fingerprint=OURS, encryption=encryption) as world:
        await world.connect(offer=None)
        offer = sent(world.agent.last.sdp)
        assert offer.media[0].protocol == ("RTP/SAVP" if encryption is Encryption.REQUIRED else "RTP/AVP")
        (ours,) = (line for line in read_crypto(offer.media[0].values("crypto")) if line.tag == tag)
        suite, octets = ours.suite.name, ours.suite.octets
        key = base64.b64encode(bytes(octets)).decode()
        world.gateway.handle(CallConfirmed("call-1", answered_with(offer, f"a=crypto:{tag} {suite} inline:{key}\r\n")))
        await world.settle()
        security = transport_of(world).security
        assert list(security) == ["audio", "video"]
        keys = security["audio"]
        assert isinstance(keys, SdesKeys) and keys.suite == suite
        assert (base64.b64decode(keys.local), keys.remote) == (ours.key, key)
        assert isinstance(security["video"], SdesKeys) and security["video"].local != keys.local


async def test_a_late_offer_may_be_answered_with_dtls() -> None:
    async with gateway_world(fingerprint=OURS, encryption=Encryption.PREFERRED) as world:
        await world.connect(offer=None)
        offer = sent(world.agent.last.sdp)
        assert offer.media[0].value("fingerprint") == f"sha-256 {OURS}" and offer.media[0].value("setup") == "actpass"
        lines = f"a=fingerprint:{THEIRS}\r\na=setup:active\r\n"
        world.gateway.handle(CallConfirmed("call-1", answered_with(offer, lines)))
        await world.settle()
        keys = transport_of(world).security["audio"]
        assert isinstance(keys, DtlsKeys) and keys.role == "server" and " ".join(keys.fingerprints[0]) == THEIRS


async def test_a_late_offer_that_demands_encryption_is_not_answered_in_the_clear() -> None:
    async with gateway_world(fingerprint=OURS, encryption=Encryption.REQUIRED) as world:
        await world.connect(offer=None)
        offer = sent(world.agent.last.sdp)
        for text in (answered_with(offer, ""), answered_with(offer, "").replace("RTP/SAVP", "RTP/AVP")):
            world.gateway.handle(CallConfirmed("call-1", text))
            await world.settle()
            assert (world.agent.last.what, world.agent.last.reason) == (
                "hang_up",
                "The answer to our offer was not usable",
            )
        assert nothing_is_left(world)


async def test_an_offer_of_less_than_what_is_heard_already_changes_no_stream(world: GatewayWorld) -> None:
    """As rooms with ICE send it once they have found their way."""
    await world.connect(offer=None)
    answer = OFFER.replace("96", "102")
    world.gateway.handle(CallConfirmed("call-1", answer))
    await world.settle()
    before = world.leg()
    assert before.video is not None and len(before.video.receive_codecs) > 1, "all that we have offered of it is heard"
    world.gateway.handle(ReofferReceived("call-1", answer.replace("192.0.2.9", "192.0.2.10")))
    await world.settle()
    leg = world.leg()
    assert transport_of(world).audio_remote == Address(host="192.0.2.10", port=30000)
    assert (leg.audio, leg.video) == (before.audio, before.video)

    world.gateway.handle(
        ReofferReceived("call-1", answer.replace("RTP/AVP 8", "RTP/AVP 0").replace(":8 PCMA", ":0 PCMU"))
    )
    await world.settle()
    changed = world.leg().audio
    assert changed is not None and [codec.name for codec in changed.receive_codecs] == ["PCMU"]


async def test_our_offer_within_a_call_keeps_its_keys_and_what_else_we_take() -> None:
    async with gateway_world(fingerprint=OURS) as world:
        encrypted = OFFER.replace("RTP/AVP", "RTP/SAVP")
        encrypted = encrypted.replace("a=sendrecv\r\n", f"a=sendrecv\r\na=crypto:1 {SHA1_80} inline:{KEY}\r\n")
        await world.connect(offer=encrypted)
        before = transport_of(world).security
        world.gateway.handle(ReofferReceived("call-1", None))
        await world.settle()
        offer = sent(world.agent.last.sdp)
        assert [line.protocol for line in offer.media] == ["RTP/SAVP", "RTP/SAVP"]
        assert len(offer.media[0].formats) > 1
        world.gateway.handle(ReofferAnswered("call-1", encrypted))
        await world.settle()
        assert transport_of(world).security == before


# Changing a call


async def test_hold_and_resume_keep_ports_and_ssrcs(world: GatewayWorld) -> None:
    await world.connect()
    before = world.leg()
    first = sent(world.agent.last.sdp)

    world.gateway.handle(ReofferReceived("call-1", HOLD))
    await world.settle()
    held = world.leg()
    assert held.held and world.agent.last.what == "answer_reoffer"
    assert ports_of(world.agent.last.sdp) == ports_of(first)
    assert version_of(world.agent.last.sdp) == version_of(first) + 1
    assert "a=recvonly" in str(world.agent.last.sdp)

    world.gateway.handle(ReofferReceived("call-1", OFFER))
    await world.settle()
    assert world.leg() == before and held.transport == before.transport
    assert before.audio and held.audio and before.audio.ssrc == held.audio.ssrc
    assert version_of(world.agent.last.sdp) == version_of(first) + 2
    assert sent(world.agent.last.sdp).media == first.media
    assert world.taken == 2


async def test_a_refresh_that_changes_nothing_is_answered_with_the_same_description(world: GatewayWorld) -> None:
    await world.connect()
    first = world.agent.last.sdp
    world.gateway.handle(ReofferReceived("call-1", OFFER))
    await world.settle()
    assert world.agent.last.what == "answer_reoffer" and world.agent.last.sdp == first
    assert len(world.media.history) == 1


async def test_a_refused_offer_leaves_call_and_version_as_they_were(world: GatewayWorld) -> None:
    await world.connect()
    first, leg = sent(world.agent.last.sdp), world.leg()
    for offer, status in ((USELESS, 488), (MALFORMED, 400)):
        world.gateway.handle(ReofferReceived("call-1", offer))
        await world.settle()
        assert (world.agent.last.what, world.agent.last.status) == ("refuse_reoffer", status)
        assert world.agent.last.warning is not None
    assert world.leg() == leg

    world.media.refuse = MediaError("port taken")
    world.gateway.handle(ReofferReceived("call-1", HOLD))
    await world.settle()
    assert (world.agent.last.what, world.agent.last.status) == ("refuse_reoffer", 500)
    world.media.refuse = None
    world.gateway.handle(ReofferReceived("call-1", HOLD))
    await world.settle()
    assert version_of(world.agent.last.sdp) == version_of(first) + 1


async def test_a_request_for_our_offer_keeps_every_line_in_its_place(world: GatewayWorld) -> None:
    slides = "m=application 3238 UDP/BFCP *\r\na=floorctrl:c-s\r\n"
    await world.connect(offer=OFFER + slides)
    first = sent(world.agent.last.sdp)
    assert ports_of(first)[2] == ("application", 0)

    world.gateway.handle(ReofferReceived("call-1", None))
    await world.settle()
    offer = sent(world.agent.last.sdp)
    assert world.agent.last.what == "answer_reoffer"
    assert ports_of(offer) == ports_of(first)
    assert version_of(offer) == version_of(first) + 1
    assert offer.media[1].formats[0] == "96"  # its number for H.264 goes on
    assert len(offer.media[0].formats) > 1  # and the rest of what we speak is there again

    world.gateway.handle(ReofferAnswered("call-1", SOUND_ONLY + slides.replace("3238", "0")))
    await world.settle()
    assert world.leg().video is None
    world.gateway.handle(ReofferReceived("call-1", None))
    await world.settle()
    assert ports_of(world.agent.last.sdp) == ports_of(first)


async def test_an_offer_that_is_not_answered_leaves_a_running_call_as_it_was(world: GatewayWorld) -> None:
    await world.connect()
    leg = world.leg()
    world.gateway.handle(ReofferReceived("call-1", None))
    world.gateway.handle(ReofferAnswered("call-1", None))
    await world.settle()
    assert world.leg() == leg
    assert "hang_up" not in [told.what for told in world.agent.told]


async def test_offers_are_taken_one_after_the_other(world: GatewayWorld) -> None:
    await world.connect(offer=None)
    world.media.gate = asyncio.Event()
    world.gateway.handle(CallConfirmed("call-1", OFFER.replace("96", "102")))
    world.gateway.handle(ReofferReceived("call-1", HOLD))
    await world.media.waiting.wait()
    assert world.agent.last.what == "accept"
    world.media.gate.set()
    await world.settle()
    assert world.agent.last.what == "answer_reoffer"
    assert world.leg().held


@pytest.mark.parametrize("refuse", [None, MediaError("port taken")])
async def test_a_call_that_ends_in_the_middle_of_a_change(world: GatewayWorld, refuse: MediaError | None) -> None:
    await world.connect()
    world.media.gate, world.media.refuse = asyncio.Event(), refuse
    world.media.waiting.clear()
    world.gateway.handle(ReofferReceived("call-1", HOLD))
    await world.media.waiting.wait()
    world.agent.gone.add("call-1")
    world.gateway.handle(CallEnded("call-1", "the other side hung up"))
    world.media.gate.set()
    await world.settle()
    assert nothing_is_left(world)
    assert [told.what for told in world.agent.told] == ["accept"]


async def test_a_call_may_become_encrypted_and_change_its_codecs(world: GatewayWorld) -> None:
    await world.connect()
    assert transport_of(world).security == {}
    key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
    encrypted = (
        "v=0\r\no=- 1 9 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
        f"m=audio 4000 RTP/SAVP 0\r\na=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:{key}\r\n"
        "m=video 4002 RTP/AVPF 34\r\na=rtcp-rsize\r\n"
    )
    world.gateway.handle(ReofferReceived("call-1", encrypted))
    await world.settle()
    assert world.agent.last.what == "answer_reoffer"
    answer = sent(world.agent.last.sdp)
    assert [line.protocol for line in answer.media[:2]] == ["RTP/SAVP", "RTP/AVPF"]
    leg = world.leg()
    assert leg.audio is not None and leg.video is not None
    assert (leg.audio.send_codec.name, leg.video.send_codec.name) == ("PCMU", "H263")
    assert list(transport_of(world).security) == ["audio"]

    world.gateway.handle(ReofferReceived("call-1", encrypted))
    await world.settle()
    assert sent(world.agent.last.sdp) == answer, "a refresh changes neither keys nor version"
