"""The media of one conference: makes a ``ConferenceSpec`` so; joins legs to the picture, the sound and recordings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from mcu.media.alarms import Alarms
from mcu.media.conference_numbers import ConferenceNumbers
from mcu.media.conference_pictures import ConferencePictures
from mcu.media.conference_recordings import ConferenceRecordings
from mcu.media.conference_sound import ConferenceSound
from mcu.media.conference_sync import ConferenceSync, sound_delay
from mcu.media.demultiplexer import Media
from mcu.media.facts import (
    CameraFound,
    CameraRequested,
    ConferenceStatistics,
    DigitPressed,
    Fact,
    KeyFrameWanted,
    LegConnected,
    LegFailed,
    LegFlowing,
    LegSilent,
    SpeakerChanged,
)
from mcu.media.fairness import CanvasLoad
from mcu.media.forwarding.router import Router
from mcu.media.forwarding.voices import VoiceRouter
from mcu.media.leg import MediaLeg
from mcu.media.leg_listener import PictureMedia
from mcu.media.leg_statistics import leg_statistics
from mcu.media.leg_transport import BrowserAccess, LegTransportError
from mcu.media.lip_sync import Holds
from mcu.media.loop_calls import LoopCalls
from mcu.media.picture.state import CanvasFormat
from mcu.media.spec import CameraRequest, ConferenceSpec, LegNumbers, LegSpec, Tiles
from mcu.media.units import CodedPicture, CodedSound


class ConferenceMedia:
    """Lives on the worker's event loop; the pipelines have threads of their own and come back to it in batches."""

    def __init__(
        self,
        conference_id: str,
        font_file: Path,
        browsers: BrowserAccess,
        report: Callable[[Fact], None],
        take_leg: Callable[[str], MediaLeg | None] = lambda leg_id: None,
        clock: Callable[[], float] = time.monotonic,
        on_due: Callable[[float], None] = lambda when: None,
    ) -> None:
        """``on_due`` is told when ``handle_timer`` is to be called, where that is earlier than it was."""
        self._id = conference_id
        self._browsers = browsers
        self._report = report
        self._take_leg = take_leg
        self._on_due = on_due
        self._alarms = Alarms()
        self._calls = LoopCalls(asyncio.get_running_loop())
        self._spec = ConferenceSpec(id=conference_id, revision=0)
        self._legs: dict[str, MediaLeg] = {}
        self._numbers = ConferenceNumbers(conference_id, self._legs, report)
        self._applying = asyncio.Lock()
        self._recordings = ConferenceRecordings(conference_id, report, self._calls.call)
        self._clock = clock
        self._voices = VoiceRouter(
            self._legs, lambda leg_id: self._router.slots(leg_id), self._arrival_delay, self._captured
        )
        self._router = Router(
            conference_id,
            self._legs,
            report,
            on_remainders=self._compose,
            composed=lambda: self._pictures.composed(),
            composes_shared=lambda: self._pictures.composes_shared(),
            largest_tile=lambda leg_id: self._pictures.largest_tile(leg_id),
            sound_delay=self._sound_delay,
            voices=self._voices,
        )
        self._pictures = ConferencePictures(
            conference_id,
            font_file,
            clock,
            self._legs,
            self._calls.call,
            self._recordings.write_picture,
            self._router.remainder,
            self._router.gets_shared,
        )
        self._sound = ConferenceSound(
            conference_id,
            clock,
            self._legs,
            self._calls.call_first,
            record=self._recordings.write_sound,
            on_speaker=self._speaker_changed,
            on_key=self._key_heard,
            watched=self._calls.descriptor,
        )
        self._sync = ConferenceSync(
            self._legs, self._sound.playout, self._pictures.latency, self._hold_back, self._pictures.origin
        )

    async def apply(self, spec: ConferenceSpec) -> dict[str, str]:
        """Make it so; returns the legs that could not be opened, with the reason. An older revision changes nothing."""
        async with self._applying:
            if spec.revision < self._spec.revision:
                return {}
            failed = await self._apply_legs(spec)
            self._numbers.hurry()
            self._spec = spec
            await self._recordings.apply(spec, self._sound.recorded_config(), self._pictures.request_recorded_key_frame)
            self._router.apply(spec)
            self._compose()
            self._pictures.forget_holds()
            self._on_due(self._clock())
            await self._sound.apply(spec, record=bool(self._recordings))
            return failed

    def give_up_leg(self, leg_id: str) -> MediaLeg | None:
        """Hand a leg over to another conference, sockets and streams and all; it is no more heard or served here."""
        leg = self._legs.pop(leg_id, None)
        if leg is not None:
            self._alarms.discard(leg_id)
            self._router.forget(leg)
            self._pictures.forget(leg)
        return leg

    async def close(self) -> None:
        """End everything; recordings are closed properly."""
        async with self._applying:
            for leg in tuple(self._legs.values()):
                await leg.close()
            self._legs.clear()
            self._pictures.forget_holds()
            await asyncio.to_thread(self._pictures.stop)
            await asyncio.to_thread(self._sound.stop)
            await self._recordings.close()
            self._calls.close()

    def request_key_frame(self, leg_id: str, media: PictureMedia = "video") -> None:
        """A leg asked for a key frame of what it receives."""
        self._pictures.request_key_frame(leg_id, media)

    def send_digits(self, leg_id: str, digits: str) -> None:
        """Play digits to the leg."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            leg.send_digits(digits)

    def control_camera(self, leg_id: str, request: CameraRequest) -> None:
        """Ask the leg's camera to move."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            leg.control_camera(request)

    def show_tiles(self, leg_id: str, tiles: Tiles) -> None:
        """How large the leg shows what comes in its slots."""
        self._router.show_tiles(leg_id, tiles)
        self._on_due(self._clock())

    def next_deadline(self) -> float:
        """When ``handle_timer`` has something to do; infinity while nobody is here."""
        if not self._legs:
            return float("inf")
        return min(
            self._alarms.next(),
            self._numbers.next_deadline(),
            self._sync.next_deadline(),
            self._router.next_deadline(),
        )

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        for leg_id in self._alarms.due(now):
            if leg := self._legs.get(leg_id):
                leg.handle_timer(now)
        self._numbers.handle_timer(now)
        self._sync.handle_timer(now)
        self._router.handle_timer(now)

    def loads(self) -> dict[CanvasFormat, CanvasLoad]:
        """The canvases, with what they made and missed since this was last asked."""
        return self._pictures.loads()

    def late_ticks(self) -> int:
        """Sound ticks since the beginning that came late or not at all."""
        sound = self._sound.statistics()
        return sound.late_ticks + sound.skipped_ticks

    def pace(self, form: CanvasFormat, divisor: int) -> None:
        """Make one of so many pictures of a canvas only: the machine is short of CPU."""
        self._pictures.pace(form, divisor)

    def _hold_back(self, leg_id: str, holds: Holds) -> None:
        self._sound.hold_back(leg_id, holds.sound)
        self._pictures.hold_back(leg_id, "video", holds.picture)
        self._pictures.hold_back(leg_id, "content", holds.content)

    def statistics(self, now: float) -> list[Fact]:
        """Facts for a report every few seconds."""
        facts: list[Fact] = []
        moves = False
        sound = self._sound.statistics()
        for leg in self._legs.values():
            for media, stream in leg.streams():
                if media != "audio" and leg.network() is None:
                    moves = self._pictures.reported(leg.id, media, stream.receiver_feedback(now), now) or moves
                playout = sound.legs.get(leg.id) if media == "audio" else None
                facts.append(leg_statistics(self._id, leg, media, stream, playout, now))
        if moves:
            self._compose()
        pictures = self._pictures.statistics()
        facts.append(
            ConferenceStatistics(
                conference=self._id,
                composite_fps=pictures.composite_fps,
                composite_dropped=pictures.dropped,
                late_audio_ticks=sound.late_ticks,
                encoders=pictures.encoders,
            )
        )
        return facts

    # What is composed, what is forwarded

    def _compose(self) -> None:
        self._pictures.apply(self._spec, self._recordings.rungs)

    def _sound_delay(self, leg_id: str, now: float) -> float | None:
        """Seconds from a leg's clock at capture to ours at the mix."""
        leg = self._legs.get(leg_id)
        stream = None if leg is None else leg.sound
        return None if stream is None else sound_delay(stream, self._sound.playout(leg_id), True, now)

    def _arrival_delay(self, leg_id: str) -> float | None:
        """Seconds from a leg's clock at capture of sound to ours at its arrival."""
        leg = self._legs.get(leg_id)
        return None if leg is None or leg.sound is None else leg.sound.capture_offset

    def _captured(self, leg_id: str, timestamp: int) -> float | None:
        """When a leg captured the sound of an RTP timestamp, on its own clock."""
        leg = self._legs.get(leg_id)
        return None if leg is None or leg.sound is None else leg.sound.capture_time(timestamp)

    # Legs

    async def _apply_legs(self, spec: ConferenceSpec) -> dict[str, str]:
        wanted = {leg.id: leg for leg in spec.legs}
        known: dict[str, LegNumbers] = {}
        for leg_id, leg in list(self._legs.items()):
            description = wanted.get(leg_id)
            if description is not None and leg.can_become(description):
                leg.update(description)
            else:
                del self._legs[leg_id]
                self._alarms.discard(leg_id)
                self._router.forget(leg)
                await leg.close()
                known[leg_id] = leg.numbers()
        failed: dict[str, str] = {}
        for leg_id, description in wanted.items():
            if leg_id not in self._legs:
                try:
                    await self._open_leg(description, known.get(leg_id))
                except LegTransportError as error:
                    failed[leg_id] = str(error)
        return failed

    async def _open_leg(self, description: LegSpec, known: LegNumbers | None) -> None:
        moved = self._take_leg(description.id)
        if moved is not None:
            if moved.can_become(description):
                self._wake(moved)
                moved.move_to(self, description)
                self._legs[moved.id] = moved
                return
            await moved.close()
            known = moved.numbers()
        leg = MediaLeg(description, self, known)
        self._wake(leg)
        await leg.open(self._browsers)
        self._legs[leg.id] = leg

    def _wake(self, leg: MediaLeg) -> None:
        """The leg's timers are run here from now on."""

        def due(when: float) -> None:
            self._alarms.set(leg.id, when)
            self._on_due(when)

        leg.on_due = due
        leg.on_network = lambda: self._network_told(leg)
        due(self._clock())

    def _network_told(self, leg: MediaLeg) -> None:
        """A peer has told of the way to it: a rung that it does not carry is left at once."""
        now, moves = self._clock(), False
        for media, stream in leg.streams():
            if media == "audio" or not leg.takes_picture(media):
                continue
            network = leg.network(media)
            if network is not None:
                moves = self._pictures.estimated(leg.id, media, network, now) or moves
            else:
                moves = self._pictures.reported(leg.id, media, stream.receiver_feedback(now), now) or moves
        if moves:
            self._compose()

    # LegListener: packets came in

    def picture_received(self, leg: MediaLeg, unit: CodedPicture, media: PictureMedia) -> None:
        self._pictures.received(leg.id, unit, media)

    def sound_received(self, leg: MediaLeg, unit: CodedSound) -> None:
        self._sound.received(leg.id, unit)
        self._voices.heard(leg.id, unit.level, unit.time)

    def key_frame_requested(self, leg: MediaLeg, media: PictureMedia) -> None:
        self.request_key_frame(leg.id, media)

    def key_frame_overdue(self, leg: MediaLeg, media: PictureMedia) -> None:
        # Signalling can only ask for all pictures at once (RFC 5168), so for a second one nobody holds the floor for
        # it must not.
        if media == "video" or leg.id == self._spec.content_from:
            self._report(KeyFrameWanted(conference=self._id, leg=leg.id))

    def digit_received(self, leg: MediaLeg, digit: str) -> None:
        self._report(DigitPressed(conference=self._id, leg=leg.id, digit=digit))

    def camera_requested(self, leg: MediaLeg, request: CameraRequest) -> None:
        self._report(CameraRequested(conference=self._id, leg=leg.id, request=request))

    def camera_found(self, leg: MediaLeg, presets: int) -> None:
        self._report(CameraFound(conference=self._id, leg=leg.id, presets=presets))

    def media_flowing(self, leg: MediaLeg, media: Media) -> None:
        self._report(LegFlowing(conference=self._id, leg=leg.id, media=media))

    def leg_connected(self, leg: MediaLeg) -> None:
        keys, bundled = leg.dtls_keys(), leg.bundled_keys()
        self._report(LegConnected(conference=self._id, leg=leg.id, keys=keys, bundled=bundled))
        self._numbers.hurry()
        self._on_due(self._clock())
        if leg.wants_picture_from():
            leg.request_key_frame()
        # Only now does it count as a receiver, so that its first key frame is not spent before it can read it.
        self._compose()

    def leg_silent(self, leg: MediaLeg, seconds: float) -> None:
        self._report(LegSilent(conference=self._id, leg=leg.id, seconds=seconds))

    def leg_failed(self, leg: MediaLeg, reason: str) -> None:
        self._report(LegFailed(conference=self._id, leg=leg.id, reason=reason))

    # What the sound tells, on the loop

    def _key_heard(self, leg: str, key: str) -> None:
        self._report(DigitPressed(conference=self._id, leg=leg, digit=key, way="tone"))

    def _speaker_changed(self, leg: str | None) -> None:
        self._pictures.speaker(leg)
        self._router.speaker(leg, self._clock())
        self._report(SpeakerChanged(conference=self._id, leg=leg))
