"""The media of one conference: makes a ``ConferenceSpec`` so; joins legs to the picture, the sound and recordings."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

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
    LegStatistics,
    RecordingFailed,
    SpeakerChanged,
)
from mcu.media.leg import MediaLeg, PictureMedia
from mcu.media.leg_transport import BrowserAccess, LegTransportError
from mcu.media.picture.page import Page
from mcu.media.picture.pipeline import PicturePipeline
from mcu.media.picture.rungs import rung_for_content, rung_for_leg, split
from mcu.media.picture.state import ContentPlace, PictureSource, PictureState, Rung, VideoCodec
from mcu.media.picture.views import notices, view_for_leg
from mcu.media.recording import RecordingLeg
from mcu.media.sound.announcer import load_announcement
from mcu.media.sound.pipeline import CodedMix, RecordedSound, SoundLeg, SoundPipeline, SoundState
from mcu.media.spec import CameraRequest, ConferenceSpec, LegSpec, RecordingSpec, VideoSpec
from mcu.media.units import CodedPicture, CodedSound
from recorder.errors import RecorderError

logger = logging.getLogger(__name__)

Outlet = tuple[str, PictureMedia]
"""A picture that a leg gets: the leg's id, and which of its two."""

# While recording, so that seeking is fine-grained and HLS segments are short; seconds.
RECORDING_KEY_INTERVAL = 2.0


class ConferenceMedia:
    """Lives on the worker's event loop; the pipelines have threads of their own and come back to it in batches."""

    def __init__(
        self,
        conference_id: str,
        font_file: Path,
        browsers: BrowserAccess,
        generation: int,
        report: Callable[[Fact], None],
        take_leg: Callable[[str], MediaLeg | None] = lambda leg_id: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._id = conference_id
        self._browsers = browsers
        self._generation = generation
        self._report = report
        self._take_leg = take_leg
        self._loop = asyncio.get_running_loop()
        self._spec = ConferenceSpec(id=conference_id, revision=0)
        self._legs: dict[str, MediaLeg] = {}
        self._rungs: dict[Outlet, Rung] = {}
        self._wait_for_key: set[Outlet] = set()
        self._receivers: dict[Rung, list[tuple[MediaLeg, PictureMedia]]] = {}
        self._sharing: str | None = None
        self._recordings: dict[str, RecordingLeg] = {}
        self._failed_recordings: set[str] = set()
        self._announced: int | None = None
        self._applying = asyncio.Lock()
        self._pictures = PicturePipeline(
            conference_id,
            font_file,
            clock=clock,
            on_coded=self._picture_coded,
            on_key_frame_wanted=lambda source: self._call(self._want_key_frame, source),
        )
        self._sound = SoundPipeline(
            conference_id,
            clock=clock,
            on_coded=lambda mixes: self._call(self._deliver_sound, mixes),
            on_recorded=self._sound_recorded,
            on_speaker=lambda leg: self._call(self._speaker_changed, leg),
            on_key=lambda leg, key: self._call(self._key_heard, leg, key),
        )
        self._pictures.start()
        self._sound.start()

    async def apply(self, spec: ConferenceSpec) -> dict[str, str]:
        """Make it so; returns the legs that could not be opened, with the reason. An older revision changes nothing."""
        async with self._applying:
            if spec.revision < self._spec.revision:
                return {}
            failed = await self._apply_legs(spec)
            self._spec = spec
            await self._apply_recordings(spec)
            self._apply_pictures(spec)
            self._apply_sound(spec)
            await self._apply_announcement(spec)
            return failed

    def give_up_leg(self, leg_id: str) -> MediaLeg | None:
        """Hand a leg over to another conference, sockets and streams and all; it is no more heard or served here."""
        leg = self._legs.pop(leg_id, None)
        if leg is not None:
            for outlet in [outlet for outlet in self._rungs if outlet[0] == leg_id]:
                del self._rungs[outlet]
            self._receivers = {
                rung: [served for served in legs if served[0] is not leg] for rung, legs in self._receivers.items()
            }
        return leg

    async def close(self) -> None:
        """End everything; recordings are closed properly."""
        async with self._applying:
            for leg in tuple(self._legs.values()):
                await leg.close()
            self._legs.clear()
            await asyncio.to_thread(self._pictures.stop)
            await asyncio.to_thread(self._sound.stop)
            for recording in self._recordings.values():
                await asyncio.to_thread(recording.close)
            self._recordings.clear()

    def request_key_frame(self, leg_id: str, media: PictureMedia = "video") -> None:
        """A leg asked for a key frame of what it receives."""
        rung = self._rungs.get((leg_id, media))
        if rung is not None:
            self._pictures.request_key_frame(rung)

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

    def handle_timer(self, now: float) -> None:
        """Called every few milliseconds by the worker."""
        for leg in list(self._legs.values()):
            leg.handle_timer(now)

    def statistics(self, now: float) -> list[Fact]:
        """Facts for a report every few seconds."""
        facts: list[Fact] = []
        for leg in self._legs.values():
            for media, stream in leg.streams():
                counters = stream.statistics(now)
                facts.append(
                    LegStatistics(
                        conference=self._id,
                        leg=leg.id,
                        media=media,
                        packets_received=counters.packets_received,
                        packets_lost=counters.packets_lost,
                        bytes_received=counters.bytes_received,
                        packets_sent=counters.packets_sent,
                        bytes_sent=counters.bytes_sent,
                        jitter_ms=counters.jitter_ms,
                        round_trip_ms=counters.round_trip_ms,
                        remote_fraction_lost=counters.remote_fraction_lost,
                        malformed=counters.malformed,
                    )
                )
        pictures = self._pictures.statistics()
        facts.append(
            ConferenceStatistics(
                conference=self._id,
                composite_fps=pictures.composite_fps,
                composite_dropped=pictures.dropped,
                late_audio_ticks=self._sound.statistics().late_ticks,
                encoders=pictures.encoders,
            )
        )
        return facts

    # Desired state

    async def _apply_legs(self, spec: ConferenceSpec) -> dict[str, str]:
        wanted = {leg.id: leg for leg in spec.legs}
        for leg_id, leg in list(self._legs.items()):
            description = wanted.get(leg_id)
            if description is not None and leg.can_become(description):
                leg.update(description)
            else:
                del self._legs[leg_id]
                await leg.close()
        failed: dict[str, str] = {}
        for leg_id, description in wanted.items():
            if leg_id not in self._legs:
                try:
                    await self._open_leg(description)
                except LegTransportError as error:
                    failed[leg_id] = str(error)
        return failed

    async def _open_leg(self, description: LegSpec) -> None:
        moved = self._take_leg(description.id)
        if moved is not None:
            if moved.can_become(description):
                moved.move_to(self, description)
                self._legs[moved.id] = moved
                return
            await moved.close()
        leg = MediaLeg(description, self, self._generation)
        await leg.open(self._browsers)
        self._legs[leg.id] = leg

    async def _apply_announcement(self, spec: ConferenceSpec) -> None:
        number = None if spec.announcement is None else spec.announcement.number
        if number == self._announced:
            return
        self._announced = number
        files = () if spec.announcement is None else spec.announcement.files
        self._sound.announce(await asyncio.to_thread(load_announcement, files))

    async def _apply_recordings(self, spec: ConferenceSpec) -> None:
        wanted = {recording.id: recording for recording in spec.recordings}
        for recording_id in self._recordings.keys() - wanted.keys():
            recording = self._recordings.pop(recording_id)
            await asyncio.to_thread(recording.close)
        for recording_id, description in wanted.items():
            if recording_id not in self._recordings and recording_id not in self._failed_recordings:
                self._open_recording(description, spec)

    def _open_recording(self, description: RecordingSpec, spec: ConferenceSpec) -> None:
        try:
            self._recordings[description.id] = RecordingLeg(
                self._id,
                description,
                spec,
                self._sound.aac_config,
                lambda fact: self._call(self._report, fact),
                self._pictures.request_key_frame,
            )
        except RecorderError as error:
            # Told once: the next change of the conference must not fail anew.
            self._failed_recordings.add(description.id)
            self._report(RecordingFailed(conference=self._id, recording=description.id, reason=str(error)))

    def _apply_pictures(self, spec: ConferenceSpec) -> None:
        sources = tuple(
            PictureSource(
                id=description.id,
                name=description.name,
                codec=_picture_codec(description),
                muted=description.camera_muted or description.held,
                microphone_muted=description.microphone_muted,
                order=order,
            )
            for order, description in enumerate(spec.legs)
        )
        content = self._content(spec)
        rungs = self._choose_rungs(spec, content is not None)
        receivers: dict[Rung, list[tuple[MediaLeg, PictureMedia]]] = {}
        for (leg_id, media), rung in rungs.items():
            receivers.setdefault(rung, []).append((self._legs[leg_id], media))
        moved = {outlet: rung for outlet, rung in rungs.items() if self._rungs.get(outlet) != rung}
        # Another encoder's pictures are of no use before its next key frame.
        self._wait_for_key = (self._wait_for_key | moved.keys()) & rungs.keys()
        self._receivers, self._rungs = receivers, rungs
        recorded = {recording.rung for recording in self._recordings.values()}
        self._pictures.apply(
            PictureState(
                layout=spec.layout,
                sources=sources,
                rungs=frozenset(receivers.keys() | recorded),
                key_interval=RECORDING_KEY_INTERVAL if recorded else None,
                watched=spec.watch,
                notices=notices(
                    {leg.id: leg for leg in spec.legs},
                    {leg_id: rung.view for (leg_id, media), rung in rungs.items() if media == "video"},
                ),
                content=content,
                page=None if spec.page is None else Page(spec.page.title, spec.page.lines, spec.page.code),
            )
        )
        sharing = None if content is None else content.id
        if sharing != self._sharing and spec.content_from is not None and sharing is not None:
            self._legs[spec.content_from].request_key_frame("content")
        self._sharing = sharing
        for rung in {*moved.values(), *recorded}:
            self._pictures.request_key_frame(rung)

    def _content(self, spec: ConferenceSpec) -> PictureSource | None:
        """What is shared now; None while whoever has the floor cannot send."""
        leg = self._legs.get(spec.content_from or "")
        if leg is None or leg.spec.content is None or not leg.wants_content_from():
            return None
        return PictureSource(
            id=_content_source(leg.id), name=leg.spec.name, codec=_codec_of(leg.spec.content), still=True
        )

    def _choose_rungs(self, spec: ConferenceSpec, shared: bool) -> dict[Outlet, Rung]:
        """What each leg is served from. Who gets what is shared as a second picture, or shares it, has no need of it
        in the main one.
        """
        rungs: dict[Outlet, Rung] = {}
        for leg in self._legs.values():
            sharing = shared and leg.id == spec.content_from
            second = shared and not sharing and leg.takes_picture("content")
            video, content = split(leg.spec) if second else (leg.spec.video, leg.spec.content)
            if second and content is not None:
                rungs[leg.id, "content"] = rung_for_content(spec, content)
            if video is not None and leg.takes_picture():
                view = view_for_leg(spec, leg.spec)
                if second or sharing:
                    view = replace(view, content=ContentPlace.OUTSIDE)
                rungs[leg.id, "video"] = replace(rung_for_leg(spec, video), view=view)
        return rungs

    def _apply_sound(self, spec: ConferenceSpec) -> None:
        legs = tuple(
            SoundLeg(
                id=leg.id,
                receive_codecs=leg.spec.audio.receive_codecs,
                send_codec=leg.spec.audio.send_codec,
                microphone_muted=leg.spec.microphone_muted,
                speaker_muted=leg.spec.speaker_muted,
                send=leg.spec.audio.send and not leg.spec.held,
                receive=leg.spec.audio.receive and not leg.spec.held,
                # Browsers have buttons, and rooms that send telephone events send no tones.
                find_keys=leg.spec.transport.kind == "rtp" and leg.spec.audio.dtmf_payload_type is None,
            )
            for leg in self._legs.values()
            if leg.spec.audio is not None
        )
        self._sound.apply(SoundState(legs=legs, record=bool(self._recordings)))

    # LegListener: packets came in

    def picture_received(self, leg: MediaLeg, unit: CodedPicture, media: PictureMedia) -> None:
        self._pictures.push(leg.id if media == "video" else _content_source(leg.id), unit)

    def sound_received(self, leg: MediaLeg, unit: CodedSound) -> None:
        self._sound.push(leg.id, unit)

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
        self._report(LegConnected(conference=self._id, leg=leg.id, keys=leg.dtls_keys()))
        if leg.wants_picture_from():
            leg.request_key_frame()
        # Only now does it count as a receiver, so that its first key frame is not spent before it can read it.
        self._apply_pictures(self._spec)

    def leg_silent(self, leg: MediaLeg, seconds: float) -> None:
        self._report(LegSilent(conference=self._id, leg=leg.id, seconds=seconds))

    def leg_failed(self, leg: MediaLeg, reason: str) -> None:
        self._report(LegFailed(conference=self._id, leg=leg.id, reason=reason))

    # Pipelines: called on the loop

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        """From a pipeline's thread to the loop; a closed loop means that the worker is stopping."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)

    def _picture_coded(self, rung: Rung, unit: CodedPicture) -> None:
        """On the encoder's thread: recordings have a queue of their own; legs are served on the loop."""
        for recording in tuple(self._recordings.values()):
            recording.write_picture(rung, unit)
        self._call(self._deliver_picture, rung, unit)

    def _deliver_picture(self, rung: Rung, unit: CodedPicture) -> None:
        for leg, media in self._receivers.get(rung, ()):
            if unit.keyframe:
                self._wait_for_key.discard((leg.id, media))
            if (leg.id, media) not in self._wait_for_key:
                leg.send_picture(unit, media)

    def _deliver_sound(self, mixes: Sequence[CodedMix]) -> None:
        for mix in mixes:
            for leg_id in mix.legs:
                leg = self._legs.get(leg_id)
                if leg is not None:
                    leg.send_sound(mix.unit)

    def _sound_recorded(self, sounds: Sequence[RecordedSound]) -> None:
        for recording in tuple(self._recordings.values()):
            for sound in sounds:
                recording.write_sound(sound)

    def _want_key_frame(self, source: str) -> None:
        if self._sharing == source and self._spec.content_from in self._legs:
            self._legs[self._spec.content_from].request_key_frame("content")
            return
        leg = self._legs.get(source)
        if leg is not None and leg.wants_picture_from():
            leg.request_key_frame()

    def _key_heard(self, leg: str, key: str) -> None:
        self._report(DigitPressed(conference=self._id, leg=leg, digit=key, way="tone"))

    def _speaker_changed(self, leg: str | None) -> None:
        self._pictures.speaker(leg)
        self._report(SpeakerChanged(conference=self._id, leg=leg))


def _content_source(leg_id: str) -> str:
    """The id of a leg's second picture among the pipeline's sources; no leg has a colon in its id."""
    return f"content:{leg_id}"


def _picture_codec(description: LegSpec) -> VideoCodec | None:
    return _codec_of(description.video)


def _codec_of(video: VideoSpec | None) -> VideoCodec | None:
    if video is None or not video.receive or not video.receive_codecs:
        return None
    return "VP8" if video.receive_codecs[0].name == "VP8" else "H264"
