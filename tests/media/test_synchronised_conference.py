"""Lip sync in a real conference: sockets, threads, codecs. One room flashes and beeps, another watches and listens."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Iterator
from typing import cast

import av
import numpy as np

from mcu.media.codec import g711
from mcu.media.codec.video_decoder import VideoDecoder
from mcu.media.codec.video_encoder import VideoEncoder
from mcu.media.conference_media import ConferenceMedia
from mcu.media.leg_transport import BrowserAccess
from mcu.media.picture.planes import Colour, Planes
from mcu.media.picture.state import Rung
from mcu.media.rtp.session import PictureReceived, RtpStream, SoundReceived, StreamConfig
from mcu.media.spec import Address, AudioSpec, ConferenceSpec, DecorationSpec, LegSpec, PlainTransport, VideoSpec
from mcu.media.units import CodedPicture, CodedSound
from tests.media.picture.material import FONT
from tests.media.senders import H264, PCMA
from tests.peers.ports import port_block

NO_BROWSERS = cast(BrowserAccess, None)
LATE = 0.150
"""The sender's pictures take so much longer than its sound: more than anybody overlooks."""
SECONDS = 30.0
"""For so long at most it may take on a machine that has other work; else a few seconds."""
TOGETHER, IN_A_ROW = 0.040, 3
SIGNAL_EVERY, SIGNAL_SECONDS = 0.8, 0.24
TONE = g711.encode("PCMA", (0.5 * np.sin(np.arange(160) * 2 * np.pi / 8)).astype(np.float32))
QUIET = b"\xd5" * 160


def on(captured: float) -> bool:
    return captured % SIGNAL_EVERY < SIGNAL_SECONDS


def coded_flashes() -> Iterator[CodedPicture]:
    encoder = VideoEncoder(Rung(320, 180, 30, 400_000))
    for number in range(round(SECONDS * 30)):
        frame = av.VideoFrame(320, 180, "yuv420p")
        Planes.of(frame).fill(Colour.rgb(230, 230, 230) if on(number / 30) else Colour.rgb(20, 20, 20))
        unit = encoder.encode(frame, number / 30, number % 30 == 0)
        assert unit is not None
        yield unit


class End:
    """A room's sockets and streams, on one clock."""

    def __init__(self, first_port: int, remote: tuple[int, int], began: float) -> None:
        self.remote = remote
        self.streams = [
            RtpStream(StreamConfig("audio", 71, "end", {8: PCMA}, None, PCMA), random.Random(1), began, 1e9),
            RtpStream(StreamConfig("video", 72, "end", {99: H264}, None, H264), random.Random(2), began, 1e9),
        ]
        self.rtp, self.rtcp = ([_bound(first_port + offset), _bound(first_port + 2 + offset)] for offset in (0, 1))

    def exchange(self, now: float) -> Iterator[PictureReceived | SoundReceived]:
        """Take what has come, send what is to be sent."""
        for stream, rtp, rtcp, port in zip(self.streams, self.rtp, self.rtcp, self.remote, strict=True):
            for data in _waiting(rtp):
                stream.receive_rtp(data, now)
            for data in _waiting(rtcp):
                stream.receive_rtcp(data, now)
            stream.handle_timer(now)
            for packet in stream.rtp_to_send():
                rtp.sendto(packet, ("127.0.0.1", port))
            for packet in stream.rtcp_to_send():
                rtcp.sendto(packet, ("127.0.0.1", port + 1))
            yield from (event for event in stream.events() if isinstance(event, PictureReceived | SoundReceived))

    def close(self) -> None:
        for one in (*self.rtp, *self.rtcp):
            one.close()


def _bound(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", port))
    made.setblocking(False)
    return made


def _waiting(one: socket.socket) -> Iterator[bytes]:
    while True:
        try:
            yield one.recv(2048)
        except BlockingIOError:
            return


class Watcher:
    """Reads flashes and beeps off what a room receives, each with the time that the sender reports give it."""

    def __init__(self, end: End) -> None:
        self.sound, self.picture = end.streams
        self.decoder = VideoDecoder("H264")
        self.beeps: list[float] = []
        self.flashes: list[float] = []
        self._loud_at = float("-inf")
        self._bright = False

    def see(self, unit: CodedPicture) -> None:
        frame = self.decoder.decode(unit.data)
        assert unit.timestamp is not None
        shown_at = self.picture.capture_time(unit.timestamp)
        if frame is None or shown_at is None:
            return
        bright = float(Planes.of(frame).y[60:120, 100:220].mean()) > 120
        if bright and not self._bright:
            self.flashes.append(shown_at)
        self._bright = bright

    def hear(self, unit: CodedSound) -> None:
        assert unit.timestamp is not None
        loud = np.flatnonzero(np.abs(g711.decode("PCMA", unit.data)) > 0.2)
        for sample in loud:
            heard_at = self.sound.capture_time(unit.timestamp + int(sample))
            if heard_at is None:
                return
            if heard_at - self._loud_at > 0.2:
                self.beeps.append(heard_at)
            self._loud_at = heard_at

    def apart(self) -> list[float]:
        """By how much each flash came after its beep, seconds; of those that have both."""
        found = [min((flash - beep for flash in self.flashes), key=abs) for beep in self.beeps if self.flashes]
        return [one for one in found if abs(one) < SIGNAL_EVERY / 2]

    def together(self) -> bool:
        """Whether some signals in a row came together. By chance they do not: they would be apart by LATE at least."""
        near = [abs(one) <= TOGETHER for one in self.apart()]
        return any(all(near[at : at + IN_A_ROW]) for at in range(len(near) - IN_A_ROW + 1))


def leg(name: str, ours: int, theirs: int) -> LegSpec:
    return LegSpec(
        id=name,
        name="",
        transport=PlainTransport(
            local_host="127.0.0.1",
            audio_port=ours,
            video_port=ours + 2,
            audio_remote=Address(host="127.0.0.1", port=theirs),
            video_remote=Address(host="127.0.0.1", port=theirs + 2),
        ),
        audio=AudioSpec(send_codec=PCMA, receive_codecs=(PCMA,), ssrc=1000 + ours),
        video=VideoSpec(send_codec=H264, receive_codecs=(H264,), ssrc=2000 + ours, max_width=320, max_height=180),
    )


async def test_a_flash_and_its_beep_leave_together_though_the_picture_came_late() -> None:
    ports = port_block(16)
    speaker, watcher = leg("speaker", ports[0], ports[4]), leg("watcher", ports[8], ports[12])
    conference = ConferenceMedia("meeting", FONT, NO_BROWSERS, lambda fact: None)
    began = time.monotonic() + 0.2
    speaking = End(ports[4], (ports[0], ports[2]), began)
    watching = End(ports[12], (ports[8], ports[10]), began)
    seen = Watcher(watching)
    try:
        await conference.apply(
            ConferenceSpec(
                id="meeting", revision=1, width=320, height=180, watch="speaker", legs=(speaker, watcher),
                decoration=DecorationSpec(names=False, signs=False, speaker_frame=False),
            )
        )  # fmt: skip
        pictures = list(coded_flashes())
        sent_pictures = sent_sounds = 0
        while (now := time.monotonic()) < began + SECONDS and not seen.together():
            while sent_sounds * 0.02 + 0.02 <= now - began:
                captured = sent_sounds * 0.02
                unit = CodedSound(TONE if on(captured) else QUIET, 8, began + captured, samples=160)
                speaking.streams[0].send_sound(unit, now)
                sent_sounds += 1
            while sent_pictures < len(pictures) and sent_pictures / 30 + LATE <= now - began:
                unit_sent = pictures[sent_pictures]
                instant = began + sent_pictures / 30
                speaking.streams[1].send_picture(CodedPicture(unit_sent.data, unit_sent.keyframe, instant), now)
                sent_pictures += 1
            list(speaking.exchange(now))
            for event in watching.exchange(now):
                if isinstance(event, PictureReceived):
                    seen.see(event.unit)
                else:
                    seen.hear(event.unit)
            conference.handle_timer(now)
            await asyncio.sleep(0.004)
    finally:
        speaking.close()
        watching.close()
        await conference.close()
    assert seen.together(), seen.apart()
