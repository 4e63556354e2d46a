"""The streams of a leg, as negotiated: codecs, sound, pictures, their protection."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mcu.media.spec.base import Model

VideoCodecName = Literal["H264", "VP8", "H263-2000", "H263-1998", "H263", "H261"]


AudioCodecName = Literal["opus", "G722", "PCMA", "PCMU", "G7221", "G729", "iLBC", "MP4A-LATM", "mpeg4-generic"]


class CodecSpec(Model):
    """One payload type of an m-line as negotiated (RFC 8866 rtpmap and fmtp). ``clock_rate`` is that of RTP in Hz."""

    name: VideoCodecName | AudioCodecName
    payload_type: Annotated[int, Field(ge=0, le=127)]
    clock_rate: int
    channels: int = 1
    parameters: dict[str, str] = {}


class AudioSpec(Model):
    """Sound of a leg. Directions are seen from us: ``send`` means that the leg gets the mix.

    ``receive_codecs`` lists every payload type the peer may use; ``send_codec`` the one that we use. ``mid_id`` is the
    number of the RTP header extension that carries the mid (RFC 8843 section 15.2), if negotiated, ``level_id`` of the
    one that tells how loud the sound in a packet is (RFC 6464), ``transport_sequence_id`` of the one that counts all
    packets of a transport (transport-wide congestion control). ``redundancy`` is the payload type of packets that
    carry frames of earlier ones as well (RED, RFC 2198), both ways.
    """

    send: bool = True
    receive: bool = True
    send_codec: CodecSpec
    receive_codecs: tuple[CodecSpec, ...]
    dtmf_payload_type: int | None = None
    dtmf_clock_rate: int = 8000
    ssrc: Annotated[int, Field(ge=1, le=0xFFFFFFFF)]
    mid: str | None = None
    mid_id: int | None = None
    level_id: int | None = None
    transport_sequence_id: int | None = None
    redundancy: int | None = None
    packet_ms: int = 20
    reduced_size_rtcp: bool = False


class RepairSpec(Model):
    """Forward error correction of a picture, both ways: packets that repair others.

    FlexFEC (draft-ietf-payload-flexible-fec-scheme-03) goes under an SSRC of its own, ours is ``ssrc``. ULPFEC (RFC
    5109) goes among the picture's packets, and all of them are in RED (RFC 2198) then, of payload type ``red``.
    ``single``: the peer mends one loss of a repair packet at a time, and is not known to do better.
    """

    form: Literal["flexfec-03", "ulpfec"]
    payload_type: Annotated[int, Field(ge=0, le=127)]
    ssrc: Annotated[int, Field(ge=1, le=0xFFFFFFFF)] | None = None
    red: Annotated[int, Field(ge=0, le=127)] | None = None
    single: bool = False


class VideoSpec(Model):
    """Picture of a leg.

    ``max_*`` is what the peer can take (RFC 6184 section 8.1, RFC 3890): pixels, frames/s, bit/s. With
    ``reduced_size_rtcp`` feedback may go out without a report before it (RFC 5506).

    ``rids`` are the peer's encodings of the same picture, the smallest first (RFC 8853), told apart by the RTP header
    extensions ``rid_id`` and, for repetitions, ``repaired_rid_id`` (RFC 8852). ``repeats`` gives for each payload type
    the one that repeats its packets (RTX, RFC 4588), both ways; ours go out under ``rtx_ssrc``.
    ``transport_sequence_id``: see ``AudioSpec``. ``repair`` is how its packets are protected against loss.
    """

    send: bool = True
    receive: bool = True
    send_codec: CodecSpec
    receive_codecs: tuple[CodecSpec, ...]
    ssrc: Annotated[int, Field(ge=1, le=0xFFFFFFFF)]
    rtx_ssrc: Annotated[int, Field(ge=1, le=0xFFFFFFFF)] | None = None
    repeats: dict[int, int] = {}
    rids: tuple[str, ...] = ()
    rid_id: int | None = None
    repaired_rid_id: int | None = None
    mid: str | None = None
    mid_id: int | None = None
    abs_send_time_id: int | None = None
    transport_sequence_id: int | None = None
    max_width: int = 1920
    max_height: int = 1080
    max_frame_rate: int = 30
    max_bitrate: int = 4_000_000
    feedback: frozenset[Literal["nack", "pli", "fir", "remb"]] = frozenset()
    repair: RepairSpec | None = None
    reduced_size_rtcp: bool = False
