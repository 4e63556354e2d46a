"""The streams of a leg as it is opened: each begins where its numbers say. Pure."""

from __future__ import annotations

import random

from mcu.media.camera_stream import CameraStream
from mcu.media.demultiplexer import Media
from mcu.media.leg_beginnings import LegBeginnings
from mcu.media.leg_rates import receive_bitrate
from mcu.media.leg_streams import stream_config
from mcu.media.rtp.session import RtpStream
from mcu.media.spec import AudioSpec, LegSpec, VideoSpec


def make_streams(
    spec: LegSpec, beginnings: LegBeginnings, rng: random.Random, now: float, wallclock: float
) -> dict[Media, RtpStream]:
    """Those of the lines that there are; ``wallclock`` is the Unix time at the monotonic instant ``now``."""
    lines: dict[Media, AudioSpec | VideoSpec | None] = {
        "audio": spec.audio,
        "video": spec.video,
        "content": spec.content,
    }
    streams: dict[Media, RtpStream] = {}
    for media, line in lines.items():
        if line is None:
            continue
        ssrc = beginnings.ssrc(media, line.ssrc)
        config = stream_config(spec.id, media, line, ssrc, beginnings.beginning(media, ssrc))
        stream = streams[media] = RtpStream(config, rng, now, wallclock)
        if media == "video" and "remb" in config.feedback:
            stream.set_maximum_bitrate(receive_bitrate(spec))
    return streams


def make_camera(spec: LegSpec, beginnings: LegBeginnings, now: float) -> CameraStream | None:
    """Where far-end camera control was agreed."""
    if spec.camera is None:
        return None
    ssrc = beginnings.ssrc("camera", spec.camera.ssrc)
    return CameraStream(spec.camera, ssrc, beginnings.beginning("camera", ssrc), now)
