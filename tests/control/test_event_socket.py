"""The WebSocket of events."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from mcu.conference.commands import EndConference, Kick, Mute, StartRecording, StopRecording
from mcu.control.accounts import SESSION_LIFE
from mcu.control.event_socket import LOGGED_OUT, MAXIMUM_NOTICES, MAXIMUM_STRANGERS
from mcu.media.facts import LegConnected, RecordingFailed, RecordingProgress, SlotsChanged, SpeakerChanged
from mcu.ports import Actor, ActorKind
from tests.control.conftest import PASSWORD, Control

EVENTS = "/api/v1/events"
USER = Actor(ActorKind.USER, "doctor", "doctor")


async def messages(socket: ClientWebSocketResponse, count: int) -> list[dict[str, Any]]:
    return [await socket.receive_json(timeout=5) for _ in range(count)]


async def closed(socket: ClientWebSocketResponse) -> int | None:
    """The code that the server closes with."""
    message = await socket.receive(timeout=5)
    assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED), message
    return socket.close_code


async def test_accounts_see_everything(control: Control) -> None:
    first = await control.join_room()
    client = await control.user()
    socket = await client.ws_connect(EVENTS)
    (welcome,) = await messages(socket, 1)
    assert welcome["type"] == "welcome" and [one["number"] for one in welcome["conferences"]] == ["1000"]
    assert welcome["at"] == "2026-01-02T03:04:05.000Z"
    browser = await control.join("2000", "Li")
    created, joined = await messages(socket, 2)
    assert (created["type"], created["conference"]["number"]) == ("conference_created", "2000")
    assert (joined["type"], joined["number"], joined["participant"]["id"]) == ("participant_joined", "2000", browser.id)
    await control.manager.execute(Mute(first.id, microphone=True), USER)
    await control.manager.execute(Kick(first.id), USER)
    changed, left = await messages(socket, 2)
    assert changed["type"] == "participant_changed" and changed["participant"]["microphone_muted"]
    assert (left["type"], left["participant"]["id"], left["reason"]) == ("participant_left", first.id, "kicked")
    await control.manager.execute(EndConference("2000"), USER)
    left, ended = await messages(socket, 2)
    assert ended["type"] == "conference_ended" and not ended["conference"]["active"] and ended["reason"] == "ended"


async def test_accounts_are_told_of_notices_and_participants_are_not(control: Control) -> None:
    me = await control.join()
    own = await (await control.as_participant(me)).ws_connect(EVENTS)
    socket = await (await control.user()).ws_connect(EVENTS)
    await messages(own, 1)
    await messages(socket, 1)
    control.notices.publish({"type": "alarm_raised", "at": "2026-01-02T03:04:05.000Z"})
    assert (await messages(socket, 1))[0]["type"] == "alarm_raised"
    await control.manager.execute(Mute(me.id, microphone=True), USER)
    assert [one["type"] for one in await messages(own, 1)] == ["participant_changed"]


async def test_notices_come_after_the_welcome_and_never_pile_up(control: Control) -> None:
    socket = await (await control.user()).ws_connect(EVENTS)
    for number in range(MAXIMUM_NOTICES + 5):  # all at once: nothing is sent meanwhile
        control.notices.publish({"type": "notice", "number": number})
    first, *rest = await messages(socket, MAXIMUM_NOTICES + 1)
    assert first["type"] == "welcome"
    assert [one["number"] for one in rest] == list(range(MAXIMUM_NOTICES))
    await socket.close()


async def test_recordings_are_told_from_start_to_end(control: Control) -> None:
    await control.join()
    socket = await (await control.user()).ws_connect(EVENTS)
    await messages(socket, 1)
    conference = control.media.only.id
    for last in ("recording_stopped", "recording_failed"):
        await control.manager.execute(StartRecording("1000"), USER)
        (started,) = await messages(socket, 1)
        recording = started["recording"]["id"]
        control.media.report(RecordingProgress(conference=conference, recording=recording, seconds=1.5, bytes=1))
        if last == "recording_stopped":
            await control.manager.execute(StopRecording("1000"), USER)
        else:
            control.media.report(RecordingFailed(conference=conference, recording=recording, reason="disk full"))
        progress, over = await messages(socket, 2)
        assert [one["type"] for one in (started, progress, over)] == ["recording_started", "recording_progress", last]
        assert (progress["recording"]["state"], progress["recording"]["seconds"]) == ("recording", 1.5)
        assert over["recording"]["state"] == last.removeprefix("recording_")
    assert over["reason"] == "disk full"


async def test_speakers_and_restarts_are_told(control: Control) -> None:
    browser = await control.join()
    socket = await (await control.user()).ws_connect(EVENTS)
    await messages(socket, 1)
    conference = control.media.only.id
    control.media.report(SpeakerChanged(conference=conference, leg=browser.id))
    control.media.report(LegConnected(conference=conference, leg=browser.id))
    control.media.restart()
    kinds = [message["type"] for message in await messages(socket, 4)]
    assert kinds == ["speaker_changed", "participant_changed", "participant_changed", "media_restarted"]


async def test_what_slots_show_is_told_to_their_participant_alone(control: Control) -> None:
    one, other = await control.join(), await control.join()
    sockets = [
        await client.ws_connect(EVENTS)
        for client in (await control.user(), await control.as_participant(one), await control.as_participant(other))
    ]
    account, own, others = [(await messages(socket, 1))[0] for socket in sockets]
    assert "slots" not in account and own["slots"] == others["slots"] == []
    assert own["shared"] is None

    fact = SlotsChanged(
        conference=control.media.only.id, leg=one.id, shown=(None, other.id), shared=other.id, sound_behind=(0, 80)
    )
    control.media.report(fact)
    control.media.report(SpeakerChanged(conference=control.media.only.id, leg=other.id))

    (told, _) = await messages(sockets[1], 2)
    assert (told["type"], told["number"]) == ("slots_changed", "1000")
    assert (told["participant_id"], told["slots"], told["shared"]) == (one.id, [None, other.id], other.id)
    assert told["sound_behind"] == [0, 80]
    for socket in (sockets[0], sockets[2]):
        assert (await messages(socket, 1))[0]["type"] == "speaker_changed"
    again = await (await control.as_participant(one)).ws_connect(EVENTS)
    (greeting,) = await messages(again, 1)
    assert (greeting["slots"], greeting["shared"]) == ([None, other.id], other.id)


async def test_a_participants_page_in_a_browser_with_a_login_is_the_participants(control: Control) -> None:
    me = await control.join()
    await control.join("2000")
    login = await control.accounts.login("doctor", PASSWORD, "")
    client = await control.connect({"Cookie": f"consilium_session={login.token}"})
    socket = await client.ws_connect(EVENTS)
    (all_of_them,) = await messages(socket, 1)
    await socket.send_json({"token": control.manager.tokens.issue(me.id)})
    (own,) = await messages(socket, 1)
    assert [one["number"] for one in all_of_them["conferences"]] == ["1000", "2000"]
    assert [one["number"] for one in own["conferences"]] == ["1000"]
    await socket.send_json({"token": login.token})  # too late to be somebody else again
    await control.manager.execute(Kick(me.id), USER)
    assert [one["type"] for one in await messages(socket, 2)] == ["participant_left", "kicked"]
    other = await client.ws_connect(EVENTS)
    await messages(other, 1)
    await other.send_json({"token": "void"})
    assert await closed(other) == 1008


async def test_participants_see_their_own_conference_until_they_are_out(control: Control) -> None:
    me, other = await control.join(), await control.join()
    await control.join("2000")
    socket = await (await control.as_participant(me)).ws_connect(EVENTS)
    (welcome,) = await messages(socket, 1)
    assert [one["number"] for one in welcome["conferences"]] == ["1000"]
    await control.join("2000")
    await control.manager.leave(other.id)
    await control.manager.execute(Kick(me.id), USER)
    first, second, kicked = await messages(socket, 3)
    assert (first["participant"]["id"], second["participant"]["id"]) == (other.id, me.id)
    assert (kicked["type"], kicked["reason"]) == ("kicked", "kicked")
    assert await closed(socket) == 1000


async def test_three_ways_to_show_a_token(control: Control) -> None:
    participant = await control.join()
    token = control.manager.tokens.issue(participant.id)
    client = await control.stranger()
    by_query = await client.ws_connect(f"{EVENTS}?token={token}")
    assert (await messages(by_query, 1))[0]["type"] == "welcome"
    by_message = await client.ws_connect(EVENTS)
    await by_message.send_json({"token": token})
    assert (await messages(by_message, 1))[0]["type"] == "welcome"
    login = await control.accounts.login("doctor", PASSWORD, "")
    by_cookie = await client.ws_connect(EVENTS, headers={"Cookie": f"consilium_session={login.token}"})
    assert (await messages(by_cookie, 1))[0]["type"] == "welcome"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"token": 1}', '{"token": "wrong"}', '{"token":"' + "x" * 300 + '"}'])
async def test_a_first_message_without_a_valid_token_is_the_last(control: Control, text: str) -> None:
    await control.join()
    socket = await (await control.stranger()).ws_connect(EVENTS)
    await socket.send_str(text)
    assert await closed(socket) == 1008


async def test_large_messages_close_the_socket(control: Control) -> None:
    socket = await (await control.user()).ws_connect(EVENTS)
    await messages(socket, 1)
    await socket.send_str("x" * 5000)
    assert await closed(socket) == 1009


async def test_wrong_tokens_and_foreign_pages_get_no_socket(control: Control) -> None:
    client = await control.user()
    for url, headers, status in (
        (f"{EVENTS}?token=wrong", {}, 401),
        (EVENTS, {"Origin": "https://evil.example"}, 403),
        (EVENTS, {"Sec-Fetch-Site": "cross-site"}, 403),
    ):
        with pytest.raises(WSServerHandshakeError) as caught:
            await client.ws_connect(url, headers=headers)
        assert caught.value.status == status
    assert (await client.get(EVENTS)).status == 426


async def test_logging_out_closes_the_sockets_of_that_login(control: Control) -> None:
    client, other = await control.user(), await control.user()
    socket, others = await client.ws_connect(EVENTS), await other.ws_connect(EVENTS)
    await messages(socket, 1)
    await messages(others, 1)
    await client.delete("/api/v1/session")
    assert await closed(socket) == LOGGED_OUT
    await control.join()
    assert (await messages(others, 1))[0]["type"] == "conference_created"


async def test_a_login_that_is_nearly_over_ends_its_socket(control: Control) -> None:
    client = await control.user()
    control.time.advance(SESSION_LIFE.total_seconds() - 0.05)
    socket = await client.ws_connect(EVENTS)
    await messages(socket, 1)
    assert await closed(socket) == LOGGED_OUT


async def test_a_listener_that_goes_away_is_forgotten(control: Control) -> None:
    client = await control.user()
    socket = await client.ws_connect(EVENTS)
    await messages(socket, 1)
    await socket.close()
    again = await client.ws_connect(EVENTS)
    await messages(again, 1)
    assert len(control.manager._core.hub._subscriptions) == 1


async def test_one_address_cannot_take_all_places_at_the_door(control: Control) -> None:
    client = await control.stranger()
    waiting = [await client.ws_connect(EVENTS) for _ in range(MAXIMUM_STRANGERS)]
    with pytest.raises(WSServerHandshakeError) as caught:
        await client.ws_connect(EVENTS)
    assert caught.value.status == 503
    known = await (await control.user()).ws_connect(EVENTS)
    await messages(known, 1)
    for socket in waiting:
        await socket.close()
    await (await client.ws_connect(EVENTS)).close()
