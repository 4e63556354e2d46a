"""Who is large for its voice sees another there; all others, and the recording, see it."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from mcu.media.codec.video_decoder import VideoDecoder
from mcu.media.conference_pictures import ConferencePictures
from mcu.media.leg import MediaLeg
from mcu.media.picture.planes import Colour, Planes
from mcu.media.picture.state import Rung
from mcu.media.spec import CodecSpec, ConferenceSpec, DecorationSpec, LegSpec, SeatingSpec, VideoSpec
from mcu.media.units import CodedPicture
from tests.fakes.media import room_leg
from tests.media.picture.material import BLUE, FONT, GREEN, RED, coded_colour

VP8 = CodecSpec(name="VP8", payload_type=96, clock_rate=90_000)
COLOURS = {"a": RED, "b": GREEN, "c": BLUE}
UNITS = {who: coded_colour(Rung(320, 180, 30, 400_000, "VP8"), colour, 0.0) for who, colour in COLOURS.items()}
PATIENCE = 15.0
_ROUNDING = 24


class Viewer:
    """As much of a leg as pictures need."""

    def __init__(self, spec: LegSpec) -> None:
        self.id, self.spec = spec.id, spec
        self.seen = ""
        self._decoder = VideoDecoder("VP8")

    def takes_picture(self, media: str) -> bool:
        return media == "video"

    def request_key_frame(self, media: str = "video") -> None:
        """Every picture that is sent here is one."""

    def wants_picture_from(self) -> bool:
        return True

    def send_picture(self, unit: CodedPicture, media: str) -> None:
        frame = self._decoder.decode(unit.data)
        if frame is not None:
            picture = Planes.of(frame)
            self.seen = min(COLOURS, key=lambda who: _distance(picture, COLOURS[who]))
            if _distance(picture, COLOURS[self.seen]) > _ROUNDING:
                self.seen = ""


def _distance(picture: Planes, colour: Colour) -> float:
    u, v = picture.u[20:40, 20:40].mean(), picture.v[20:40, 20:40].mean()
    return float(abs(u - colour.u) + abs(v - colour.v))


def test_the_speaker_sees_who_spoke_before_and_the_others_see_the_speaker() -> None:
    video = VideoSpec(send_codec=VP8, receive_codecs=(VP8,), ssrc=2, max_width=320, max_height=180, max_bitrate=400_000)
    legs = tuple(room_leg(who).model_copy(update={"video": video}) for who in "abc")
    spec = ConferenceSpec(id="c", revision=1, layout="1", seating=SeatingSpec(mode="voice", switch_after=0.1, hold=0.1),
                          decoration=DecorationSpec(names=False, speaker_frame=False), legs=legs)  # fmt: skip
    viewers = {leg.id: Viewer(leg) for leg in legs}
    loop: queue.Queue[tuple[Callable[..., None], tuple[object, ...]]] = queue.Queue()
    pictures = ConferencePictures(
        "c",
        FONT,
        time.monotonic,
        cast(dict[str, MediaLeg], viewers),
        lambda function, *arguments: loop.put((function, arguments)),
        lambda rung, unit: None,
    )

    def all_see(expected: dict[str, str]) -> None:
        deadline = time.monotonic() + PATIENCE
        while {who: one.seen for who, one in viewers.items()} != expected:
            assert time.monotonic() < deadline, {who: one.seen for who, one in viewers.items()}
            for who, unit in UNITS.items():
                pictures.received(who, replace(unit, time=time.monotonic()), "video")
            function, arguments = loop.get(timeout=PATIENCE)
            function(*arguments)

    try:
        pictures.apply(spec, ())
        all_see({"a": "b", "b": "a", "c": "a"})
        pictures.speaker("c")
        all_see({"a": "c", "b": "c", "c": "a"})
        pictures.speaker("b")
        all_see({"a": "b", "b": "c", "c": "b"})
        assert pictures.statistics().encoders == 2
    finally:
        pictures.stop()
