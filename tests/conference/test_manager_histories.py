"""Whatever happens, in whatever order and at once: model, media, calls and events agree in the end."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.conference import commands, events
from mcu.conference.commands import CommandRefused
from mcu.conference.door.hashing import Cost, Hasher
from mcu.conference.door.joining import JoinRefused, Newcomer
from mcu.conference.door.rooms import MemoryRooms
from mcu.conference.manager import ConferenceManager
from mcu.conference.picture.picture_changes import SeatingChange
from mcu.conference.planner import plan
from mcu.conference.roles import Role
from mcu.conference.settings import ConferenceSettings
from mcu.media.facts import LegConnected, LegFailed, RecordingFailed, RecordingProgress, SpeakerChanged
from mcu.media.spec import ConferenceSpec
from mcu.ports import SYSTEM, MediaError
from tests.fakes.media import FakeLegOwner, FakeMedia, browser_leg, room_leg
from tests.fakes.time import FakeTime

SETTINGS = ConferenceSettings(maximum_conferences=3, maximum_participants=3, empty_seconds=10.0, media_seconds=1.0)
ACTIONS = (
    "join_room", "join_browser", "leave", "kick", "mute", "rename", "lock", "unlock", "layout", "record", "stop", "end",
    "create", "remove", "leg_connected", "leg_failed", "speaker", "progress", "recording_failed", "restart",
    "media_fails", "media_works", "time_passes", "lecture", "pin", "unpin", "role", "watch", "own_seats", "hide_self",
    "broadcast",
)  # fmt: skip
STEP = st.tuples(st.sampled_from(ACTIONS), st.integers(0, 1), st.integers(0, 3))


class History:
    """A manager to which things happen."""

    def __init__(self) -> None:
        self.time, self.media, self.owner = FakeTime(), FakeMedia(), FakeLegOwner()
        numbers = itertools.count(1)
        self.manager = ConferenceManager(
            self.media,
            SETTINGS,
            self.time.clock,
            lambda: f"id{next(numbers)}",
            MemoryRooms(),
            pin_hasher=Hasher(Cost(log_n=4)),
        )
        self.subscription = self.manager.subscribe()

    async def step(self, action: str, room: int, which: int) -> None:
        """Let one thing happen; being refused is fine."""
        number = ("1000", "2000")[room]
        conference = self.manager.conference(number)
        participants = conference.participants if conference else ()
        participant = participants[which % len(participants)].id if participants else "nobody"
        conference_id = conference.id if conference else "none"
        recording = conference.recording.id if conference and conference.recording else "none"
        do: dict[str, Callable[[], Awaitable[object]]] = {
            "leave": lambda: self.manager.leave(participant),
            "kick": lambda: self.execute(commands.Kick(participant)),
            "mute": lambda: self.execute(commands.Mute(participant, microphone=which < 2)),
            "rename": lambda: self.execute(commands.RenameParticipant(participant, f"Name {which}")),
            "lock": lambda: self.execute(commands.LockConference(number, True)),
            "unlock": lambda: self.execute(commands.LockConference(number, False)),
            "layout": lambda: self.execute(commands.SetLayout(number, ("auto", "1", "4", "9")[which])),
            "record": lambda: self.execute(commands.StartRecording(number)),
            "stop": lambda: self.execute(commands.StopRecording(number)),
            "end": lambda: self.execute(commands.EndConference(number)),
            "create": lambda: self.execute(commands.CreateRoom(number)),
            "lecture": lambda: self.execute(
                commands.ArrangeSeats(number, SeatingChange(mode="lecture", lecturer=participant))
            ),
            "pin": lambda: self.execute(commands.PinParticipant(participant, which)),
            "unpin": lambda: self.execute(commands.PinParticipant(participant, None)),
            "role": lambda: self.execute(commands.SetRole(participant, tuple(Role)[which])),
            "watch": lambda: self.execute(commands.Watch(participants[0].id if participants else "", participant)),
            "own_seats": lambda: self.execute(
                commands.SetOwnSeating(participant, SeatingChange(mode="voice", pins={which: participant}))
            ),
            "hide_self": lambda: self.execute(commands.HideSelf(participant, which < 2)),
            "broadcast": lambda: self.execute(commands.Broadcast(number, participant)),
            "remove": lambda: self.execute(commands.RemoveRoom(number)),
        }
        match action:
            case "join_room" | "join_browser":
                await self.join(number, action.removeprefix("join_"))
            case "leg_connected":
                self.media.report(LegConnected(conference=conference_id, leg=participant))
            case "leg_failed":
                self.media.report(LegFailed(conference=conference_id, leg=participant, reason="x"))
            case "speaker":
                self.media.report(SpeakerChanged(conference=conference_id, leg=participant))
            case "progress":
                self.media.report(
                    RecordingProgress(conference=conference_id, recording=recording, seconds=1.0, bytes=1)
                )
            case "recording_failed":
                self.media.report(RecordingFailed(conference=conference_id, recording=recording, reason="x"))
            case "restart":
                self.media.restart()
            case "media_fails":
                self.media.refuse = MediaError("no")
            case "media_works":
                self.media.refuse = None
            case "time_passes":
                self.time.advance(6.0)
                await self.manager.handle_timer(self.time.seconds)
            case _:
                await do[action]()

    async def execute(self, command: commands.Command) -> None:
        try:
            await self.manager.execute(command, SYSTEM)
        except CommandRefused:
            return

    async def join(self, number: str, kind: str) -> None:
        make = room_leg if kind == "room" else browser_leg
        try:
            await self.manager.join(number, Newcomer(kind, kind, self.owner, lambda seat: make(seat.participant_id)))
        except JoinRefused:
            return

    async def settle(self) -> None:
        """Let the media work again, and everything come to rest with one change of each conference."""
        await self.manager.settle()
        self.media.refuse = None
        for conference in self.manager.conferences():
            await self.execute(commands.SetLayout(conference.number, "auto"))
        await self.manager.settle()

    def check(self) -> None:
        """Media hold exactly what the model says; nothing is kept of those who went."""
        running = {conference.id: conference for conference in self.manager.conferences()}
        assert set(self.media.specs) == set(running)
        for conference_id, spec in self.media.specs.items():
            assert spec == plan(running[conference_id], SETTINGS, spec.revision)
            people = {one.id for one in running[conference_id].participants}
            assert named(spec) <= people, "nobody who has left is seated, watched or shown"
        core = self.manager._core
        inside = {one.id for conference in running.values() for one in conference.participants}
        assert set(core._by_participant) == inside
        assert {leg for one in core.all() for leg in one.owners} == inside
        for one in core.all():
            assert (one.empty_since is None) == bool(one.conference.participants)
            assert one.joining is None and not one.over

    async def check_events(self) -> None:
        """Told in order and once: joined before changed or left, and so on; and who was removed was hung up on."""
        self.subscription.close()
        open_conferences: set[str] = set()
        inside: set[str] = set()
        recording: set[str] = set()
        hung_up = []
        async for event in self.subscription:
            conference = event.conference.id
            match event:
                case events.ConferenceCreated():
                    open_conferences.add(conference)
                case events.ConferenceEnded():
                    open_conferences.remove(conference)
                    assert event.conference.recording is None
                case events.ParticipantJoined():
                    assert conference in open_conferences and event.participant.id not in inside
                    inside.add(event.participant.id)
                case events.ParticipantLeft():
                    inside.remove(event.participant.id)
                    hung_up += [event.participant.id] * event.removed
                case events.ParticipantChanged():
                    assert event.participant.id in inside
                case events.RecordingStarted():
                    recording.add(event.recording.id)
                case events.RecordingStopped() | events.RecordingFailed():
                    recording.remove(event.recording.id)
                case _:
                    assert conference in open_conferences
        assert open_conferences == inside == recording == set()
        assert sorted(leg for leg, _ in self.owner.ended) == sorted(hung_up)


def named(spec: ConferenceSpec) -> set[str | None]:
    """Everybody whom a description gives a place in a picture."""
    seatings = [spec.seating, *(leg.seating for leg in spec.legs if leg.seating is not None)]
    seated = {one for seating in seatings for one in (*seating.pins.values(), seating.lecturer)}
    return (seated | {leg.watch for leg in spec.legs} | {spec.watch, spec.content_from}) - {None}


async def run(history: list[list[tuple[str, int, int]]]) -> None:
    world = History()
    for together in history:
        await asyncio.gather(*(world.step(*step) for step in together))
    await world.settle()
    world.check()
    await world.manager.close()
    assert world.media.specs == {}
    await world.check_events()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(STEP, min_size=1, max_size=5), max_size=12))
def test_any_history_ends_in_agreement(history: list[list[tuple[str, int, int]]]) -> None:
    asyncio.run(run(history))
