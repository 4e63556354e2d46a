"""A media worker and a signalling stack that remember what they were told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from mcu.media.facts import Fact
from mcu.media.spec import (
    Address,
    AudioSpec,
    CameraRequest,
    CodecSpec,
    ConferenceSpec,
    LegSpec,
    PlainTransport,
    Tiles,
    VideoSpec,
    WebRtcTransport,
)
from mcu.ports import MediaError

OPUS = CodecSpec(name="opus", payload_type=111, clock_rate=48000, channels=2)
H264 = CodecSpec(name="H264", payload_type=96, clock_rate=90000)


class FakeMedia:
    """MediaControl that keeps the newest spec of each conference.

    ``refuse`` fails applies; ``gate`` holds them up, and ``waiting`` tells that one is held up.
    """

    def __init__(self) -> None:
        self.specs: dict[str, ConferenceSpec] = {}
        self.history: list[ConferenceSpec] = []
        self.removed: list[str] = []
        self.key_frames: list[tuple[str, str]] = []
        self.digits: list[tuple[str, str]] = []
        self.camera_requests: list[tuple[str, CameraRequest]] = []
        self.tiles: list[tuple[str, Tiles]] = []
        self.refuse: MediaError | None = None
        self.gate: asyncio.Event | None = None
        self.waiting = asyncio.Event()
        self.fact_listeners: list[Callable[[Fact], None]] = []
        self.restart_listeners: list[Callable[[Sequence[str]], None]] = []

    async def apply(self, spec: ConferenceSpec) -> None:
        self.history.append(spec)
        await asyncio.sleep(0)  # other tasks get their turn, as they do with a real worker
        if self.gate is not None:
            self.waiting.set()
            await self.gate.wait()
        if self.refuse is not None:
            raise self.refuse
        self.specs[spec.id] = spec

    async def remove(self, conference_id: str) -> None:
        await asyncio.sleep(0)
        self.specs.pop(conference_id, None)
        self.removed.append(conference_id)

    def request_key_frame(self, conference_id: str, leg_id: str) -> None:
        self.key_frames.append((conference_id, leg_id))

    def send_digits(self, conference_id: str, leg_id: str, digits: str) -> None:
        self.digits.append((leg_id, digits))

    def control_camera(self, conference_id: str, leg_id: str, request: CameraRequest) -> None:
        self.camera_requests.append((leg_id, request))

    def show_tiles(self, conference_id: str, leg_id: str, tiles: Tiles) -> None:
        self.tiles.append((leg_id, tiles))

    def browser_port(self, conference_id: str) -> int:
        return 40000

    def browser_tcp_port(self, conference_id: str) -> int:
        return 40001

    def on_fact(self, listener: Callable[[Fact], None]) -> None:
        self.fact_listeners.append(listener)

    def on_restart(self, listener: Callable[[Sequence[str]], None]) -> None:
        self.restart_listeners.append(listener)

    def report(self, fact: Fact) -> None:
        """Let the worker report a fact."""
        for listener in self.fact_listeners:
            listener(fact)

    def restart(self) -> None:
        """Let a new worker take over all conferences."""
        for listener in self.restart_listeners:
            listener(list(self.specs))

    @property
    def only(self) -> ConferenceSpec:
        """The one conference that there is."""
        (spec,) = self.specs.values()
        return spec


class FakeLegOwner:
    """LegOwner: remembers whose call was ended, and why."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, str]] = []
        self.key_frames: list[str] = []
        self.hangs: asyncio.Event | None = None

    async def end(self, leg_id: str, reason: str) -> None:
        if self.hangs is not None:
            await self.hangs.wait()
        self.ended.append((leg_id, reason))

    async def request_key_frame(self, leg_id: str) -> None:
        self.key_frames.append(leg_id)


def room_leg(leg_id: str, name: str = "Room") -> LegSpec:
    """The leg of a SIP room with sound and picture."""
    return LegSpec(
        id=leg_id,
        name=name,
        transport=PlainTransport(
            local_host="192.0.2.1",
            audio_port=20000,
            video_port=20002,
            audio_remote=Address(host="192.0.2.9", port=30000),
            video_remote=Address(host="192.0.2.9", port=30002),
        ),
        audio=AudioSpec(send_codec=OPUS, receive_codecs=(OPUS,), ssrc=1),
        video=VideoSpec(send_codec=H264, receive_codecs=(H264,), ssrc=2),
    )


def browser_leg(leg_id: str, name: str = "Browser", ufrag: str = "them") -> LegSpec:
    """The leg of a browser with sound only."""
    return LegSpec(
        id=leg_id,
        name=name,
        transport=WebRtcTransport(
            local_ufrag="us", local_password="x" * 22, remote_ufrag=ufrag, remote_password="y" * 22, fingerprints=()
        ),
        audio=AudioSpec(send_codec=OPUS, receive_codecs=(OPUS,), ssrc=3),
    )


def forwarding_leg(leg_id: str, name: str = "Browser") -> LegSpec:
    """The leg of a browser with a picture, two slots for those of others, and a place for one's voice."""
    video = VideoSpec(send_codec=H264, receive_codecs=(H264,), ssrc=5)
    slots = tuple(video.model_copy(update={"ssrc": ssrc, "receive": False}) for ssrc in (6, 7))
    made = browser_leg(leg_id, name)
    voices = () if made.audio is None else (made.audio.model_copy(update={"ssrc": 8, "receive": False}),)
    return made.model_copy(update={"video": video, "slots": slots, "voices": voices})


def sharing_leg(leg_id: str, name: str = "Room") -> LegSpec:
    """The leg of a SIP room with a second picture."""
    leg = room_leg(leg_id, name)
    transport = leg.transport.model_copy(
        update={"content_port": 20004, "content_remote": Address(host="192.0.2.9", port=30004)}
    )
    content = VideoSpec(send_codec=H264, receive_codecs=(H264,), ssrc=4)
    return leg.model_copy(update={"transport": transport, "content": content})
