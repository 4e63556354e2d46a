"""What a leg's description means for its streams and its sockets. Pure."""

from __future__ import annotations

from mcu.media.demultiplexer import Media, MidExtension, PayloadTypes
from mcu.media.rtp.beginning import Beginning
from mcu.media.rtp.session import StreamConfig
from mcu.media.secured_legs import same_protection
from mcu.media.spec import AudioSpec, CameraSpec, LegSpec, Line, PlainTransport, VideoSpec, WebRtcTransport


def stream_config(
    leg_id: str, media: Media, spec: AudioSpec | VideoSpec, ssrc: int, beginning: Beginning
) -> StreamConfig:
    """The stream of one m-line, which we send under ``ssrc``."""
    return StreamConfig(
        kind="audio" if media == "audio" else "video",
        ssrc=ssrc,
        cname=leg_id,
        receive={codec.payload_type: codec for codec in spec.receive_codecs},
        dtmf_payload_type=spec.dtmf_payload_type if isinstance(spec, AudioSpec) else None,
        send_codec=spec.send_codec,
        dtmf_clock_rate=spec.dtmf_clock_rate if isinstance(spec, AudioSpec) else 8000,
        feedback=frozenset(spec.feedback) if isinstance(spec, VideoSpec) else frozenset(),
        abs_send_time_id=spec.abs_send_time_id if isinstance(spec, VideoSpec) else None,
        transport_sequence_id=spec.transport_sequence_id,
        mid_id=spec.mid_id,
        mid=spec.mid,
        level_id=spec.level_id if isinstance(spec, AudioSpec) else None,
        label=leg_id,
        reduced_size_rtcp=spec.reduced_size_rtcp,
        beginning=beginning,
        repeats=spec.repeats if isinstance(spec, VideoSpec) else {},
        redundancy=spec.redundancy if isinstance(spec, AudioSpec) else None,
        rtx_ssrc=spec.rtx_ssrc if isinstance(spec, VideoSpec) else None,
        repair=spec.repair if isinstance(spec, VideoSpec) else None,
    )


def payload_types(spec: LegSpec) -> PayloadTypes:
    """The payload types that may come, by m-line."""
    audio = {codec.payload_type for codec in spec.audio.receive_codecs} if spec.audio else set()
    if spec.audio is not None and spec.audio.dtmf_payload_type is not None:
        audio.add(spec.audio.dtmf_payload_type)
    if spec.audio is not None and spec.audio.redundancy is not None:
        audio.add(spec.audio.redundancy)
    return {
        "audio": frozenset(audio),
        "video": _picture_types(spec.video),
        "content": _picture_types(spec.content),
        "camera": frozenset({spec.camera.payload_type} if spec.camera else ()),
    }


def _picture_types(video: VideoSpec | None) -> frozenset[int]:
    """Pictures, repetitions of their packets, and what repairs them."""
    if video is None:
        return frozenset()
    numbers = {codec.payload_type for codec in video.receive_codecs}
    numbers |= {video.repeats[number] for number in numbers if number in video.repeats}
    if video.repair is not None:
        numbers |= {video.repair.payload_type} if video.repair.red is None else {video.repair.red}
    return frozenset(numbers)


def mids(spec: LegSpec) -> dict[Line, MidExtension]:
    """What tells a browser's streams apart (RFC 8843 section 15.2)."""
    lines: dict[Line, AudioSpec | VideoSpec | None] = {
        "audio": spec.audio,
        "video": spec.video,
        "content": spec.content,
    }
    return {
        media: MidExtension(line.mid, line.mid_id)
        for media, line in lines.items()
        if line is not None and line.mid is not None and line.mid_id is not None
    }


def is_same_path(mine: LegSpec, theirs: LegSpec) -> bool:
    """Whether both descriptions have the same sockets, the same credentials and the same streams."""
    one, other = mine.transport, theirs.transport
    if isinstance(one, PlainTransport) and isinstance(other, PlainTransport):
        same = _ports(one) == _ports(other) and same_protection(one, other)
    else:
        same = isinstance(one, WebRtcTransport) and one.goes_on_as(other)
    return (
        same
        and _same_stream(mine.audio, theirs.audio)
        and _same_stream(mine.video, theirs.video)
        and _same_stream(mine.content, theirs.content)
        and _same_camera(mine.camera, theirs.camera)
    )


def _ports(transport: PlainTransport) -> tuple[str, int, int, int, int]:
    return (
        transport.local_host,
        transport.audio_port,
        transport.video_port,
        transport.content_port,
        transport.camera_port,
    )


def _same_camera(mine: CameraSpec | None, theirs: CameraSpec | None) -> bool:
    if mine is None or theirs is None:
        return mine is theirs
    return (mine.ssrc, mine.payload_type) == (theirs.ssrc, theirs.payload_type)


def _same_stream(mine: AudioSpec | VideoSpec | None, theirs: AudioSpec | VideoSpec | None) -> bool:
    if mine is None or theirs is None:
        return mine is theirs
    fields = {
        "ssrc",
        "send_codec",
        "receive_codecs",
        "mid",
        "reduced_size_rtcp",
        "level_id",
        "repeats",
        "rtx_ssrc",
        "redundancy",
        "repair",
    }
    return mine.model_dump(include=fields) == theirs.model_dump(include=fields)
