"""From an m-line that was taken to the desired state of the leg's stream."""

from __future__ import annotations

from typing import Literal, cast

from mcu.media.spec import AudioCodecName, AudioSpec, CodecSpec, RepairSpec, VideoCodecName, VideoSpec
from mcu.webrtc.extensions import ABS_SEND_TIME, AUDIO_LEVEL, MID, REPAIRED_RID, RID, TRANSPORT_SEQUENCE
from mcu.webrtc.lines import Line, Role
from mcu.webrtc.local import BrowserLocal
from sip.sdp.bandwidth import video_limit
from sip.sdp.codecs import OfferedCodec
from sip.sdp.grammar import SessionDescription
from sip.sdp.selection import telephone_event

Feedback = Literal["nack", "pli", "fir", "remb"]


def audio_spec(line: Line) -> AudioSpec:
    """The sound of a browser leg."""
    first = line.agreed[0].remote
    event = telephone_event(line.codecs, first.clock_rate) if line.role is Role.AUDIO else None
    return AudioSpec(
        send=line.direction.send,
        receive=line.direction.receive,
        send_codec=_codec_spec(first),
        receive_codecs=tuple(_codec_spec(agreed.remote) for agreed in line.agreed),
        dtmf_payload_type=event.payload_type if event else None,
        dtmf_clock_rate=event.clock_rate if event else 8000,
        ssrc=line.sources.ssrc,
        mid=line.mid or None,
        mid_id=line.extensions.get(MID),
        redundancy=line.redundancy.payload_type if line.redundancy else None,
        level_id=line.extensions.get(AUDIO_LEVEL),
        transport_sequence_id=line.extensions.get(TRANSPORT_SEQUENCE),
    )


def video_spec(offer: SessionDescription, line: Line, local: BrowserLocal) -> VideoSpec:
    """A picture of a browser leg.

    Browsers print level 3.1 into every H.264 payload type out of habit and decode whatever fits the machine, so their
    level does not limit what we send: they get the composite at its full size.
    """
    first = line.agreed[0].remote
    limits = [limit for limit in (video_limit(offer, line.media), local.picture_rate) if limit is not None]
    return VideoSpec(
        send=line.direction.send,
        receive=line.direction.receive,
        send_codec=_codec_spec(first),
        receive_codecs=tuple(_codec_spec(agreed.remote) for agreed in line.agreed),
        ssrc=line.sources.ssrc,
        rtx_ssrc=line.sources.repeats if line.repeats else None,
        repeats=line.repeating,
        rids=line.rids,
        rid_id=line.extensions.get(RID) if line.rids else None,
        repaired_rid_id=line.extensions.get(REPAIRED_RID) if line.rids else None,
        mid=line.mid or None,
        mid_id=line.extensions.get(MID),
        abs_send_time_id=line.extensions.get(ABS_SEND_TIME),
        transport_sequence_id=line.extensions.get(TRANSPORT_SEQUENCE),
        max_frame_rate=local.capabilities.frame_rate,
        max_bitrate=min([local.capabilities.send_bitrate, *limits]),
        feedback=cast("frozenset[Feedback]", first.feedback & local.capabilities.feedback),
        repair=_repair(line),
    )


def _repair(line: Line) -> RepairSpec | None:
    """Browsers look for a repair packet of which one packet is lost."""
    if line.repairing is None:
        return None
    payload_type = line.repairing.payload_type
    return RepairSpec(form="flexfec-03", payload_type=payload_type, ssrc=line.sources.repairs, single=True)


def _codec_spec(codec: OfferedCodec) -> CodecSpec:
    return CodecSpec(
        name=cast("AudioCodecName | VideoCodecName", codec.name),
        payload_type=codec.payload_type,
        clock_rate=codec.clock_rate,
        channels=codec.channels,
        parameters=dict(codec.parameters),
    )
