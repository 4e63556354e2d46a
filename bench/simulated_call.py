"""A call of two rooms through our server in simulated time: one of them behind a bad network, the other on a clean one.

What ``bench.loss`` does with processes and sockets, by the same parts of the product and without the machine's noise:
streams, reordering and repetition, reports, the pace of pictures, decoding, lip sync, playout and mix; only drawing is
left out: a canvas shows the newest picture of its one source. The network is clean at first, and bad from ``begin`` on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from bench.loss_view import Seen, freeze_ratio, graded, played, shown_at, similarity
from bench.narrow_room import ADDRESS, Timers
from bench.network_path import Conditions, NetworkPath
from bench.simulated_ends import (
    H264,
    OPUS,
    Judged,
    Kind,
    Line,
    decoded,
    luma_of,
    picture_configs,
    plane_of,
    sound_configs,
)
from consilium.simulated_room.clip import Clip
from mcu.media.codec.audio_encoder import EncoderKey, make_encoder
from mcu.media.codec.video_encoder import VideoEncoder
from mcu.media.conference_sync import picture_delay, sound_delay
from mcu.media.lip_sync import Delays, LipSync
from mcu.media.picture.key_frames import KeyFrameGate
from mcu.media.picture.rungs import RATES, rung_for_leg
from mcu.media.picture.source import PictureSourceWorker
from mcu.media.picture_hold import PictureHold
from mcu.media.receiver_network import ReceiverNetwork
from mcu.media.rtp.session import KeyFrameRequested, PictureReceived, SoundReceived
from mcu.media.sound.mix import SoundMix
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound
from mcu.media.sound.state import SoundLeg, SoundState
from mcu.media.spec import ConferenceSpec, VideoSpec
from mcu.media.transport.pacer import Pacer
from mcu.media.transport.sockets import NetworkAddress
from mcu.media.units import CodedPicture, CodedSound

STEP = 0.002
# How often a simulated room looks at its timers (``SimulatedRoom``).
ROOM_TIMER = 0.01
CLEAN_SECONDS, SKIP_SECONDS, LAST_SECONDS = 2.0, 1.0, 1.2
SYNC_INTERVAL = 1.0
PLAYER_BUFFER = 0.2
# As many packets as a composed picture of 720p has.
COMPOSED_BITRATE = 1_500_000
COMPARE_EVERY = 3


class SimulatedCall:
    """``run`` it once, then ask for ``figures``. ``now`` begins at 100 s."""

    def __init__(self, clip: Clip, sentence: Sound, kind: Kind, conditions: Conditions, seed: int) -> None:
        self.now = 100.0
        self.clip, self.sentence = clip, sentence
        self.up, self.down = Judged(), Judged()
        self.conditions = conditions
        self.path_up: NetworkPath[tuple[str, bool]] = NetworkPath(Conditions(), seed)
        self.path_down: NetworkPath[tuple[str, bool]] = NetworkPath(Conditions(), seed + 100)
        self.lines = {
            "audio": Line(sound_configs(kind), seed + 10, self.now),
            "video": Line(picture_configs(kind), seed + 20, self.now),
        }
        self._frames = decoded(clip)
        self._clean = [luma_of(frame) for frame in self._frames]
        self._size = (clip.format.width, clip.format.height)
        # Pictures up: what the server does with them.
        self.hold = PictureHold()
        self.source = PictureSourceWorker("near", "H264", lambda: self.now, self._want_key_frame)
        self.source.show(frozenset({self._size}))
        self._first_timestamp: int | None = None
        self._shown: int | None = None  # the picture of the clip that is decoded last
        self._on_canvas: int | None = None
        # Pictures down.
        conference = ConferenceSpec(id="call", revision=1, width=self._size[0], height=self._size[1])
        video = VideoSpec(ssrc=4, send_codec=H264, receive_codecs=(H264,), feedback=kind.feedback)
        self._rung = replace(rung_for_leg(conference, video), bitrate=COMPOSED_BITRATE)
        self._encoder = VideoEncoder(self._rung)
        self._keys = KeyFrameGate()
        self._network = ReceiverNetwork()
        self._timers = Timers()
        self._timers.run(self.now)
        self._pacer = Pacer(self._leave, self._timers)
        self._viewer = VideoCodecContext.create("h264", "r")
        self._viewer.thread_count = 1
        self._composed_from: int | None = None  # the timestamp of the first picture sent
        # Sound.
        self.mix = SoundMix("simulated")
        legs = tuple(SoundLeg(name, (OPUS,), OPUS) for name in ("near", "far"))
        self.mix.apply(SoundState(legs))
        self._microphone = {name: make_encoder(EncoderKey.of(OPUS)) for name in ("near", "far")}
        self._sync = LipSync()
        self._ticks = self._mixes = self._pictures = self._canvas = 0
        self._next_sync, self._next_room_timer = self.now + SYNC_INTERVAL, self.now
        self.start = self.end = 0.0

    def run(self, seconds: float) -> None:
        """A clean beginning, then the network as it is to be, and of that so many seconds that count."""
        begin = self.now + CLEAN_SECONDS
        self.start = begin + SKIP_SECONDS
        self.end = self.start + seconds
        is_bad = False
        while self.now < self.end + LAST_SECONDS:
            if not is_bad and self.now >= begin:
                is_bad = True
                for path in (self.path_up, self.path_down):
                    path.change(self.conditions, self.now)
            self._step()
            self.now += STEP

    def figures(self) -> dict[str, float | None]:
        """Freezes, likeness and speech in both directions."""
        found: dict[str, float | None] = {}
        interval = 1 / self.clip.format.frame_rate
        for way, judged in (("up", self.up), ("down", self.down)):
            shown = shown_at(judged.seen, PLAYER_BUFFER)
            start = max(self.start, shown[0]) if shown else self.start
            alike = [one.likeness for one in judged.seen if one.likeness is not None and one.at >= self.start]
            found[f"freeze_ratio_{way}"] = freeze_ratio(shown, start, self.end, interval)
            found[f"ssim_{way}"] = round(float(np.mean(alike)), 3) if alike else None
            found[f"pesq_{way}"] = graded(self.sentence, played(judged.sound, (OPUS,), self.start, self.end))
        return found

    # One step of time

    def _step(self) -> None:
        began = 100.0
        if self.now >= began + self._ticks * TICK:
            self._speak(began + self._ticks * TICK)
        if self.now >= began + self._pictures / self.clip.format.frame_rate:
            self._film(began + self._pictures / self.clip.format.frame_rate)
        self._carry()
        self._receive_at_server()
        self._receive_at_room()
        if self.now >= began + 0.007 + self._mixes * TICK:
            self._mix(began + 0.007 + self._mixes * TICK)
        if self.now >= began + 0.011 + self._canvas / self.clip.format.frame_rate:
            self._compose(began + 0.011 + self._canvas / self.clip.format.frame_rate)
        if self.now >= self._next_sync:
            self._next_sync += SYNC_INTERVAL
            self._synchronise()

    def _speak(self, at: float) -> None:
        samples = np.arange(self._ticks * TICK_SAMPLES, (self._ticks + 1) * TICK_SAMPLES)
        sound = self.sentence.take(samples, mode="wrap")
        data = self._microphone["near"].encode(sound)
        unit = CodedSound(data, OPUS.payload_type, at, samples=RATE // 50)
        self.lines["audio"].room.send_sound(unit, self.now)
        self.mix.push(
            "far",
            CodedSound(
                self._microphone["far"].encode(sound), OPUS.payload_type, self.now, self._ticks * 960, self._ticks
            ),
        )
        self._ticks += 1

    def _film(self, at: float) -> None:
        picture = self.clip.pictures[self._pictures % len(self.clip.pictures)]
        self.lines["video"].room.send_picture(CodedPicture(picture.data, picture.keyframe, at), self.now)
        self._pictures += 1

    def _leave(self, packets: Sequence[bytes], address: NetworkAddress) -> int:
        for data in packets:
            self.path_down.push(data, ("video", True), self.now)
        return len(packets)

    def _carry(self) -> None:
        self._timers.run(self.now)
        room_timers = self.now >= self._next_room_timer
        if room_timers:
            self._next_room_timer = self.now + ROOM_TIMER
        for name, line in self.lines.items():
            for end, path, timers in (
                (line.room, self.path_up, room_timers),
                (line.server, self.path_down, True),
            ):
                deadline = end.next_deadline()
                if timers and deadline is not None and deadline <= self.now:
                    end.handle_timer(self.now)
                packets = end.rtp_to_send()
                if end is self.lines["video"].server:
                    self._pacer.send_ahead(packets, ADDRESS)
                else:
                    for data in packets:
                        path.push(data, (name, True), self.now)
                for data in end.rtcp_to_send():
                    path.push(data, (name, False), self.now)
        for path in (self.path_up, self.path_down):
            for data, (name, is_rtp) in path.pop_due(self.now):
                line = self.lines[name]
                end = line.server if path is self.path_up else line.room
                (end.receive_rtp if is_rtp else end.receive_rtcp)(data, self.now)
                if (lost := end.loss_asked_for) is not None:
                    end.loss_asked_for = None
                    sound = self.lines["audio"]
                    (sound.server if path is self.path_up else sound.room).network_loses(lost, self.now)

    # The server

    def _receive_at_server(self) -> None:
        for event in self.lines["audio"].server.events():
            if isinstance(event, SoundReceived):
                self.mix.push("near", event.unit)
        for picture in self.lines["video"].server.events():
            if isinstance(picture, PictureReceived):
                self.hold.push(picture.unit, self.now)
            elif isinstance(picture, KeyFrameRequested):
                self._keys.request()
        self._follow_network()
        for unit in self.hold.due(self.now):
            self._decode(unit)

    def _follow_network(self) -> None:
        """As a conference does with what a room reports."""
        server = self.lines["video"].server
        if not self._network.reported(
            server.receiver_feedback(self.now), self._rung.bitrate, COMPOSED_BITRATE, self.now
        ):
            return
        rate = self._network.rate
        self._pacer.follow(rate)
        wanted = int(min(COMPOSED_BITRATE, rate or COMPOSED_BITRATE) / (1 + server.repair_share))
        bitrate = next((rate for rate in RATES if rate <= wanted), RATES[-1])
        if bitrate != self._rung.bitrate:
            self._rung = replace(self._rung, bitrate=bitrate)
            self._encoder = VideoEncoder(self._rung)
            self._keys.restart()

    def _decode(self, unit: CodedPicture) -> None:
        before = self.source.decoded
        self.source.push(unit)
        self.source.work()
        if self.source.decoded != before and unit.timestamp is not None:
            if self._first_timestamp is None:
                self._first_timestamp = unit.timestamp
            behind = unit.timestamp - self._first_timestamp
            self._shown = round(behind * self.clip.format.frame_rate / 90_000)

    def _want_key_frame(self, source: str) -> None:
        self.lines["video"].server.request_key_frame(self.now)

    def _compose(self, at: float) -> None:
        number = self._shown
        if number is not None and number != self._on_canvas and self.source.newest is not None:
            self._on_canvas = number
            place, likeness = number % len(self._clean), None
            if len(self.up.seen) % COMPARE_EVERY == 0:
                likeness = similarity(self._clean[place], plane_of(self.source.newest.scaled[self._size].y))
            self.up.seen.append(Seen(place, self.now, round(at * 90_000), likeness))
        frame = self._frames[self._canvas % len(self._frames)]
        coded = self._encoder.encode(frame, at, self._keys.due(at))
        if coded is not None:
            if coded.keyframe:
                self._keys.made(at)
            server = self.lines["video"].server
            server.send_picture(coded, self.now, self._pacer.wait(ADDRESS))
            packets = server.rtp_to_send()
            if self._composed_from is None:
                self._composed_from = int.from_bytes(packets[0][4:8], "big")
            self._pacer.send(packets, ADDRESS)
        self._canvas += 1

    def _mix(self, at: float) -> None:
        for mix in self.mix.tick(at).coded:
            if "near" in mix.legs:
                self.lines["audio"].server.send_sound(mix.unit, self.now)
            if "far" in mix.legs:
                self.up.sound.append(
                    CodedSound(mix.unit.data, mix.unit.payload_type, self.now, self._mixes * 960, self._mixes)
                )
        self._mixes += 1

    def _synchronise(self) -> None:
        audio, video = self.lines["audio"].server, self.lines["video"].server
        told = audio.capture_offset is not None and video.capture_offset is not None
        playout = self.mix.leg_statistics(self.now).get("near")
        latency = self.source.latency + 0.5 / self.clip.format.frame_rate + self.hold.margin
        delays = Delays(
            sound_delay(audio, playout, told, self.now),
            picture_delay(video, latency, told, self.hold.origin, self.now),
        )
        holds = self._sync.review(delays)
        self.mix.hold_back("near", holds.sound)
        self.hold.goal = holds.picture

    # The room behind the network

    def _receive_at_room(self) -> None:
        line = self.lines["audio"].room
        self.down.sound += [event.unit for event in line.events() if isinstance(event, SoundReceived)]
        for event in self.lines["video"].room.events():
            if isinstance(event, PictureReceived):
                self._see(event.unit)

    def _see(self, unit: CodedPicture) -> None:
        """As a room's decoder does, and as ``bench.loss`` looks at it."""
        if unit.timestamp is None or self._composed_from is None:
            return
        try:
            frames = self._viewer.decode(av.Packet(unit.data))
        except av.error.FFmpegError:
            return
        for frame in frames:
            behind = ((unit.timestamp - self._composed_from) & 0xFFFFFFFF) / 90_000
            place = round(behind * self.clip.format.frame_rate) % len(self._clean)
            likeness = None
            if len(self.down.seen) % COMPARE_EVERY == 0:
                likeness = similarity(self._clean[place], luma_of(frame))
            self.down.seen.append(Seen(place, unit.time, unit.timestamp, likeness))
