"""Calls of rooms, from INVITE to BYE and whatever comes between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import pytest

from mcu.conference.commands import EndConference, Kick, LockConference, SetPin
from mcu.conference.rooms import Room
from mcu.gateway.sip_gateway import MEDIA_CONTROL
from mcu.media.facts import KeyFrameWanted, LegFailed, LegSilent
from mcu.media.spec import Address, PlainTransport
from mcu.ports import SYSTEM, MediaError
from sip.events import (
    CallCancelled,
    CallConfirmed,
    CallEnded,
    InfoReceived,
    OptionsReceived,
    ReofferAnswered,
    ReofferReceived,
)
from sip.flow import Flow
from sip.sdp.grammar import SessionDescription
from tests.gateway.world import (
    FIRST_PORT,
    HOLD,
    MALFORMED,
    OFFER,
    PAIRS,
    SOUND_ONLY,
    USELESS,
    GatewayWorld,
    gateway_world,
)


@pytest.fixture
async def world() -> AsyncIterator[GatewayWorld]:
    async with gateway_world() as world:
        yield world


def sent(description: SessionDescription | None) -> SessionDescription:
    assert description is not None
    return description


def ports_of(description: SessionDescription | None) -> list[tuple[str, int]]:
    return [(media.media, media.port) for media in sent(description).media]


def version_of(description: SessionDescription | None) -> int:
    return sent(description).origin.version


def transport_of(world: GatewayWorld) -> PlainTransport:
    transport = world.leg().transport
    assert isinstance(transport, PlainTransport)
    return transport


def nothing_is_left(world: GatewayWorld) -> bool:
    return (
        not world.participants() and not world.taken and not world.gateway._calls and not world.gateway._by_participant
    )


# Coming in


async def test_a_call_becomes_a_participant_and_is_answered(world: GatewayWorld) -> None:
    participant = await world.connect()

    assert (participant.name, participant.kind) == ("手术室 2", "sip")
    assert ports_of(world.agent.last.sdp) == [("audio", FIRST_PORT), ("video", FIRST_PORT + 2)]
    assert sent(world.agent.last.sdp).connection is not None
    assert "192.0.2.1" in str(world.agent.last.sdp)  # the address that the INVITE came to
    assert transport_of(world).audio_remote == Address(host="192.0.2.9", port=30000)
    assert transport_of(world).local_host == "0.0.0.0"
    world.gateway.handle(CallConfirmed("call-1"))
    await world.settle()
    assert len(world.media.history) == 1
    assert world.taken == 2


async def test_a_room_without_a_display_name_is_shown_by_its_number(world: GatewayWorld) -> None:
    assert (await world.connect(name="")).name == "theatre2"


@pytest.mark.parametrize(
    ("public_address", "media_host", "told"),
    [("203.0.113.5", "0.0.0.0", "203.0.113.5"), (None, "192.0.2.77", "192.0.2.77"), (None, "::", "192.0.2.1")],
)
async def test_rooms_are_told_an_address_that_they_can_reach(
    public_address: str | None, media_host: str, told: str
) -> None:
    async with gateway_world(public_address=public_address, media_host=media_host) as world:
        await world.connect()
        connection = sent(world.agent.last.sdp).connection
        assert connection is not None and connection.address == told
        assert transport_of(world).local_host == media_host


async def test_the_bye_of_a_room_frees_everything(world: GatewayWorld) -> None:
    await world.connect()
    world.gateway.handle(CallEnded("call-1", "the other side hung up"))
    await world.settle()
    assert nothing_is_left(world)
    assert world.media.only.legs == ()
    assert [told.what for told in world.agent.told] == ["accept"]


# Refusals


@pytest.mark.parametrize(
    ("dialled", "offer", "status", "warning"),
    [
        ("", OFFER, 404, None),
        ("nobody", OFFER, 404, 399),
        ("1000*12x", OFFER, 404, None),
        ("1000", MALFORMED, 400, 399),
        ("1000", USELESS, 488, 305),
        ("1000", OFFER.replace("RTP/AVP ", "RTP/SAVP "), 488, 302),
    ],
)
async def test_what_cannot_be_is_refused_in_so_many_words(
    world: GatewayWorld, dialled: str, offer: str, status: int, warning: int | None
) -> None:
    uri = "sip:192.0.2.1" if not dialled else f"sip:{dialled}@192.0.2.1"
    world.call(uri=uri, offer=offer)
    await world.settle()
    told = world.agent.last
    assert (told.what, told.status) == ("reject", status)
    assert told.reason
    assert (told.warning.code if told.warning else None) == warning
    assert nothing_is_left(world)


async def test_a_room_with_a_pin_lets_in_who_dials_it_along(world: GatewayWorld) -> None:
    await world.rooms.add(Room("1000", "", None, ""))
    await world.manager.execute(SetPin("1000", "4711"), SYSTEM)

    world.call("wrong", dialled="1000*4712")
    await world.settle()
    assert (world.agent.last.what, world.agent.last.status) == ("reject", 403)
    assert nothing_is_left(world)
    await world.connect("right", dialled="1000*4711")


async def test_guessing_pins_is_slowed_down(world: GatewayWorld) -> None:
    await world.rooms.add(Room("1000", "", None, ""))
    await world.manager.execute(SetPin("1000", "4711"), SYSTEM)
    for guess in range(6):
        world.call(f"guess-{guess}", dialled=f"1000*{guess:04}")
        await world.settle()
    told = world.agent.last
    assert (told.what, told.status) == ("reject", 480)
    assert told.retry_after is not None and told.retry_after > 0
    assert nothing_is_left(world)


async def test_a_locked_and_a_full_conference_and_a_server_without_ports_refuse(world: GatewayWorld) -> None:
    others = [world.ports.take() for _ in range(PAIRS - 4)]
    await world.connect("call-1")
    await world.manager.execute(LockConference("1000", True), SYSTEM)
    world.call("call-2")
    await world.settle()
    assert (world.agent.last.status, world.agent.last.reason) == (480, "The conference is locked.")

    await world.manager.execute(LockConference("1000", False), SYSTEM)
    await world.connect("call-3")
    assert world.taken == PAIRS
    world.call("call-busy")
    await world.settle()
    assert (world.agent.last.status, world.agent.last.reason) == (486, "The conference is full.")
    world.call("call-4", dialled="2000")
    await world.settle()
    assert (world.agent.last.status, world.agent.last.retry_after) == (503, 60)  # no ports
    world.gateway.handle(CallEnded("call-3", "left"))
    await world.settle()
    await world.connect("call-5")
    world.gateway.handle(CallEnded("call-1", "left"))
    await world.settle()
    assert world.taken == len(others) + 2


async def test_a_media_worker_in_trouble_is_told_as_such(world: GatewayWorld) -> None:
    world.media.refuse = MediaError("no media worker answers")
    world.call()
    await world.settle()
    assert (world.agent.last.what, world.agent.last.status) == ("reject", 503)
    assert nothing_is_left(world)


async def test_an_unforeseen_error_refuses_the_call_and_is_logged(
    world: GatewayWorld, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(number: str) -> Room | None:
        raise LookupError("a fault of the database")

    world.rooms.get = fail  # type: ignore[method-assign]
    world.call()
    await world.settle()
    assert (world.agent.last.what, world.agent.last.status) == ("reject", 500)
    assert nothing_is_left(world)
    assert "SIP gateway" in caplog.text and "a fault of the database" in caplog.text


async def test_a_scanner_fills_no_log(world: GatewayWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for number in range(50):
        world.call(f"scan-{number}", dialled=f"x{number}", source="198.51.100.66")
    world.call("other", dialled="x", source="198.51.100.67")
    await world.settle()
    assert len(world.agent.told) == 51
    assert len([record for record in caplog.records if "refused" in record.message]) == 2


# Giving up at the door


async def test_a_cancel_right_behind_the_invite(world: GatewayWorld) -> None:
    world.call()
    world.agent.gone.add("call-1")
    world.gateway.handle(CallCancelled("call-1"))
    await world.settle()
    assert world.agent.told == []
    assert world.media.history == []
    assert nothing_is_left(world)


async def test_a_cancel_while_the_media_are_set_up(world: GatewayWorld) -> None:
    world.media.gate = asyncio.Event()
    world.call()
    await world.media.waiting.wait()
    world.agent.gone.add("call-1")
    world.gateway.handle(CallCancelled("call-1"))
    assert world.taken == 2  # the worker may have bound them
    world.media.gate.set()
    await world.settle()
    assert world.agent.told == []
    assert nothing_is_left(world)
    assert world.media.only.legs == ()


async def test_a_cancel_while_the_media_fail(world: GatewayWorld) -> None:
    world.media.gate, world.media.refuse = asyncio.Event(), MediaError("port taken")
    world.call()
    await world.media.waiting.wait()
    world.agent.gone.add("call-1")
    world.gateway.handle(CallCancelled("call-1"))
    world.media.gate.set()
    await world.settle()
    assert nothing_is_left(world)


async def test_a_cancel_whose_event_is_still_to_come(world: GatewayWorld) -> None:
    world.agent.gone.add("call-1")
    world.call()
    await world.settle()
    world.gateway.handle(CallCancelled("call-1"))
    await world.settle()
    assert nothing_is_left(world)


async def test_a_refusal_of_a_call_that_was_given_up_is_no_trouble(world: GatewayWorld) -> None:
    world.agent.gone.add("call-1")
    world.call(offer=USELESS)
    world.gateway.handle(CallCancelled("call-1"))
    await world.settle()
    assert nothing_is_left(world)


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


# The conference acts


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (lambda participant: Kick(participant), "You were removed from the conference"),
        (lambda participant: EndConference("1000"), "The conference was ended"),
    ],
)
async def test_the_conference_ends_a_call(
    world: GatewayWorld, command: Callable[[str], Kick | EndConference], text: str
) -> None:
    participant = await world.connect()
    await world.manager.execute(command(participant.id), SYSTEM)
    await world.settle()
    assert (world.agent.last.what, world.agent.last.reason) == ("hang_up", text)
    world.gateway.handle(CallEnded("call-1", text))
    await world.settle()
    assert nothing_is_left(world)


async def test_a_conference_that_ends_before_the_answer_is_sent(world: GatewayWorld) -> None:
    world.media.gate = asyncio.Event()
    world.call()
    await world.media.waiting.wait()
    ending = asyncio.create_task(world.manager.execute(EndConference("1000"), SYSTEM))
    await asyncio.sleep(0)
    world.media.gate.set()
    await ending
    await world.settle()
    assert "hang_up" in [told.what for told in world.agent.told]
    assert nothing_is_left(world)


async def test_ending_a_call_that_is_gone_is_no_trouble(world: GatewayWorld) -> None:
    participant = await world.connect()
    world.agent.gone.add("call-1")
    await world.gateway.request_key_frame(participant.id)
    await world.gateway.end(participant.id, "kicked")
    await world.gateway.end(participant.id, "kicked")
    await world.gateway.request_key_frame(participant.id)
    assert world.taken == 0


# Facts


async def test_a_leg_that_fails_ends_its_call(world: GatewayWorld) -> None:
    participant = await world.connect()
    world.media.report(LegFailed(conference=world.media.only.id, leg=participant.id, reason="port taken"))
    await world.settle()
    assert (world.agent.last.what, world.agent.last.reason) == ("hang_up", "The media path failed")
    assert nothing_is_left(world)


async def test_a_silent_room_is_hung_up_unless_it_holds(world: GatewayWorld) -> None:
    participant = await world.connect()

    def silent(seconds: float) -> None:
        world.media.report(LegSilent(conference=world.media.only.id, leg=participant.id, seconds=seconds))

    world.gateway.handle(ReofferReceived("call-1", HOLD))
    await world.settle()
    silent(600)
    world.gateway.handle(ReofferReceived("call-1", OFFER))
    await world.settle()
    silent(59)
    await world.settle()
    assert world.agent.last.what == "answer_reoffer"
    silent(60)
    silent(65)
    await world.settle()
    assert (world.agent.last.what, world.agent.last.reason) == ("hang_up", "No media was received")
    assert [told.what for told in world.agent.told].count("hang_up") == 1
    assert nothing_is_left(world)


async def test_key_frames_are_asked_for_both_ways(world: GatewayWorld) -> None:
    participant = await world.connect()
    conference = world.media.only.id
    world.media.report(KeyFrameWanted(conference=conference, leg=participant.id))
    await world.settle()
    assert (world.agent.last.what, world.agent.last.reason) == ("send_info", MEDIA_CONTROL)

    body = (
        b"<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></media_control>"
    )
    world.gateway.handle(InfoReceived("call-1", "Application/Media_Control+XML; charset=utf-8", body))
    assert world.media.key_frames == [(conference, participant.id)]
    world.gateway.handle(InfoReceived("call-1", MEDIA_CONTROL, b"<media_control/>"))
    world.gateway.handle(InfoReceived("call-1", "application/dtmf-relay", body))
    world.gateway.handle(InfoReceived("stranger", MEDIA_CONTROL, body))
    world.gateway.handle(OptionsReceived("sip:x@y", Flow("udp", ("192.0.2.9", 5060), ("192.0.2.1", 5060))))
    assert len(world.media.key_frames) == 1


async def test_stopping_gives_up_what_is_under_way(world: GatewayWorld) -> None:
    world.media.gate = asyncio.Event()
    world.call()
    await world.media.waiting.wait()
    await world.gateway.close()
    assert (world.agent.last.what, world.agent.last.status) == ("reject", 500)
    world.media.gate.set()
    await world.settle()
    assert nothing_is_left(world)


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
