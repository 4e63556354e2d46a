"""Facts from the media worker become changes of the model, and events."""

from __future__ import annotations

import logging
from dataclasses import replace

from mcu.conference import events
from mcu.conference.core import ConferenceCore, Running
from mcu.conference.model import Participant, RecordingState
from mcu.conference.people.cameras import CameraRelay
from mcu.conference.people.keypad import Keypad
from mcu.media import facts
from mcu.media.spec import WebRtcTransport
from mcu.ports import LegOwner

logger = logging.getLogger(__name__)


class FactHandler:
    """Listens to one ``MediaControl``. Facts about what is gone already are dropped: they were late."""

    def __init__(self, core: ConferenceCore, keypad: Keypad, cameras: CameraRelay) -> None:
        self._core = core
        self._keypad = keypad
        self._cameras = cameras

    def handle(self, fact: facts.Fact) -> None:
        """Take note of a fact. Called on the event loop; never waits."""
        running = self._core.with_id(fact.conference)
        if running is None:
            return
        match fact:
            case facts.LegConnected() | facts.LegFlowing():
                self._flowing(running, fact.leg)
            case facts.LegFailed():
                self._core.spawn(
                    self._core.leg_failed(running, fact.leg, fact.reason), f"removal of failed leg {fact.leg}"
                )
            case facts.KeyFrameWanted():
                owner = running.owners.get(fact.leg)
                if owner is not None:
                    self._core.spawn(self._ask(owner, fact.leg), f"key frame request to {fact.leg}")
            case facts.SpeakerChanged():
                self._speaker(running, fact.leg)
            case facts.SlotsChanged():
                self._slots(running, fact)
            case facts.RecordingProgress():
                self._progress(running, fact)
            case facts.RecordingFailed():
                self._recording_failed(running, fact)
            case facts.DigitPressed():
                self._keypad.press(fact.leg, fact.digit, fact.way)
            case facts.CameraRequested():
                self._cameras.requested(running, fact.leg, fact.request)
            case facts.CameraFound():
                participant = running.conference.participant(fact.leg)
                if participant is not None and participant.camera_presets != fact.presets:
                    self._changed(running, replace(participant, camera_presets=fact.presets))
            case _:
                return  # statistics are others' business

    def _flowing(self, running: Running, leg: str) -> None:
        participant = running.conference.participant(leg)
        if participant is not None and not participant.flowing:
            self._changed(running, replace(participant, flowing=True))

    def _changed(self, running: Running, participant: Participant) -> None:
        running.conference = running.conference.changed(participant.id, lambda _: participant)
        if participant.id != running.joining:
            self._core.publish(events.ParticipantChanged(self._core.clock.wall(), running.conference, participant))

    async def _ask(self, owner: LegOwner, leg: str) -> None:
        await owner.request_key_frame(leg)

    def _speaker(self, running: Running, leg: str | None) -> None:
        speaker = leg if leg is not None and running.conference.participant(leg) is not None else None
        if speaker != running.conference.speaker_id:
            running.conference = replace(running.conference, speaker_id=speaker)
            # A newcomer that speaks already is told of when it is in.
            if running.announced and (speaker is None or speaker != running.joining):
                self._core.publish(events.SpeakerChanged(self._core.clock.wall(), running.conference, speaker))

    def _slots(self, running: Running, fact: facts.SlotsChanged) -> None:
        participant = running.conference.participant(fact.leg)
        if participant is None:
            return
        changed = replace(participant, slots=fact.shown, shared=fact.shared, sound_behind=fact.sound_behind)
        if changed == participant:
            return
        running.conference = running.conference.changed(fact.leg, lambda _: changed)
        # A newcomer is told by the welcome of its socket.
        if fact.leg != running.joining:
            self._core.publish(events.SlotsChanged(self._core.clock.wall(), running.conference, changed))

    def _progress(self, running: Running, fact: facts.RecordingProgress) -> None:
        recording = running.conference.recording
        if recording is None or recording.id != fact.recording:
            return
        recording = replace(recording, state=RecordingState.RECORDING, seconds=fact.seconds, bytes=fact.bytes)
        running.conference = replace(running.conference, recording=recording)
        if recording.id != running.starting:
            self._core.publish(events.RecordingProgress(self._core.clock.wall(), running.conference, recording))

    def _recording_failed(self, running: Running, fact: facts.RecordingFailed) -> None:
        recording = running.conference.recording
        if recording is None or recording.id != fact.recording:
            return
        logger.error("Conference %s: recording failed: %s", running.conference.number, fact.reason)
        recording = replace(recording, state=RecordingState.FAILED)
        running.conference = replace(running.conference, recording=None)
        if recording.id != running.starting:  # else whoever starts it is told
            event = events.RecordingFailed(self._core.clock.wall(), running.conference, recording, fact.reason)
            self._core.publish(event)
        self._core.spawn(self._recording_over(running, recording.id), f"end of failed recording {recording.id}")

    async def _recording_over(self, running: Running, recording_id: str) -> None:
        async with self._core.lock(running.conference.number):
            if not running.over:
                await self._core.sync_if_possible(running)
        if self._core.recordings is not None:
            await self._core.recordings.close(recording_id)

    def restarted(self, running: Running) -> None:
        """A new worker holds the conference: browsers must set up their transport anew, rooms go on."""
        for participant in running.conference.participants:
            if isinstance(participant.leg.transport, WebRtcTransport) and participant.flowing:
                self._changed(running, replace(participant, flowing=False))
        if running.announced:
            self._core.publish(events.MediaRestarted(self._core.clock.wall(), running.conference))
