"""From a negotiated SIP session to the leg that a media worker is told of. Pure mapping: no sockets, no model."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Literal, cast

from mcu.media.spec import (
    Address,
    AudioCodecName,
    AudioSpec,
    CameraSpec,
    CodecSpec,
    DtlsKeys,
    IceSpec,
    LegSpec,
    Line,
    PlainTransport,
    RepairSpec,
    SdesKeys,
    SuiteName,
    VideoCodecName,
    VideoSpec,
)
from sip.sdp.camera import NegotiatedCamera
from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.codecs import OfferedCodec
from sip.sdp.direction import Direction
from sip.sdp.floor import FloorRole, LocalFloor
from sip.sdp.ice import LocalIce
from sip.sdp.repair import Repair
from sip.sdp.security import Agreement, Encryption, LocalSecurity, SdesAgreement
from sip.sdp.session import NegotiatedSession, NegotiatedStream

Feedback = Literal["nack", "pli", "fir"]


@dataclass(frozen=True)
class RoomMedia:
    """What a room's leg is given by us for as long as its call lasts.

    ``bind_host`` is the address that the worker's sockets are bound to, ``public_host`` the one that goes into our
    descriptions: behind a NAT with a fixed public address they differ. The ports are even, RTCP has the one above; a
    port of 0 means that the leg shall not have that medium at all. ``content_*`` is the second picture, ``camera_*``
    far-end camera control; ``floor_port``, for floor control, is served by the gateway itself. ``security`` and ``ice``
    are the call's own secrets.
    """

    bind_host: str
    public_host: str
    audio_port: int
    video_port: int
    audio_ssrc: int
    video_ssrc: int
    security: LocalSecurity | None = None
    ice: LocalIce | None = None
    content_port: int = 0
    content_ssrc: int = 1
    camera_port: int = 0
    camera_ssrc: int = 1
    floor_port: int = 0
    floor_conference: int = 1
    floor_roles: tuple[FloorRole, ...] = (FloorRole.SERVER,)
    floor_protocol: str = "UDP/BFCP"

    @property
    def ports(self) -> tuple[int, ...]:
        """All of them; 0 stands for none."""
        return self.audio_port, self.video_port, self.content_port, self.floor_port, self.camera_port


def room_capabilities(
    *,
    bitrate: int = 4_000_000,
    frame_rate: int = 30,
    encryption: Encryption = Encryption.ALLOWED,
    sends_g729: bool = False,
) -> LocalCapabilities:
    """What the server speaks with rooms: the media worker's codecs, H.264 up to level 4.0; ``bitrate`` in bit/s.

    ``sends_g729``: there is an encoder for it, which not every machine has.
    """
    return LocalCapabilities(
        receive_only=LocalCapabilities.receive_only - ({"G729"} if sends_g729 else set()),
        audio=("opus", "G722", "PCMA", "PCMU", "G7221", "G729", "iLBC", "MP4A-LATM", "mpeg4-generic"),
        video=("H264", "VP8", "H263-2000", "H263-1998", "H263", "H261"),
        receive_bitrate=bitrate,
        send_bitrate=bitrate,
        frame_rate=frame_rate,
        encryption=encryption,
        repair=True,
        redundancy=True,
    )


def local_media(room: RoomMedia, *, hold: bool = False) -> LocalMedia:
    """Our side of a description for this room; with ``hold`` we neither want its media nor make it play music."""
    direction = Direction.INACTIVE if hold else Direction.SENDRECV
    floor = LocalFloor(
        room.floor_port,
        room.floor_roles,
        room.floor_protocol,
        conference_id=room.floor_conference,
        fingerprint=None if room.security is None else room.security.fingerprint,
    )
    return LocalMedia(
        host=room.public_host,
        audio_port=room.audio_port,
        video_port=room.video_port,
        audio_direction=direction,
        video_direction=direction,
        security=room.security,
        ice=room.ice,
        content_port=room.content_port,
        content_direction=direction,
        floor=floor if room.floor_port else None,
        camera_port=room.camera_port,
    )


def sip_leg(session: NegotiatedSession, *, leg_id: str, name: str, room: RoomMedia) -> LegSpec:
    """The leg of a call. ``name`` is what its tile shows; mutes are laid over it by the conference."""
    audio, video, content, camera = session.audio, session.video, session.content, session.camera
    return LegSpec(
        id=leg_id,
        name=name,
        transport=PlainTransport(
            local_host=room.bind_host,
            audio_port=room.audio_port if audio else 0,
            video_port=room.video_port if video else 0,
            audio_remote=_remote(audio),
            video_remote=_remote(video),
            content_port=room.content_port if content else 0,
            content_remote=_remote(content),
            camera_port=room.camera_port if camera else 0,
            camera_remote=_remote(camera),
            rtcp_mux=bool(session.streams) and all(stream.rtcp_mux for stream in session.streams),
            security=_security(session),
            ice={stream.kind: ice for stream in session.streams if (ice := _ice(stream))},
        ),
        audio=_audio(audio, room.audio_ssrc) if audio else None,
        video=_video(video, room.video_ssrc) if video else None,
        content=_video(content, room.content_ssrc) if content else None,
        picture_bitrate=session.pictures_bitrate,
        held=session.held,
        camera=_camera(camera, room.camera_ssrc) if camera else None,
    )


def _security(session: NegotiatedSession) -> dict[Line, SdesKeys | DtlsKeys]:
    found: dict[Line, SdesKeys | DtlsKeys] = {
        stream.kind: keys for stream in session.streams if (keys := _keys(stream.security))
    }
    if session.camera is not None and (keys := _keys(session.camera.security)):
        found["camera"] = keys
    return found


def _camera(camera: NegotiatedCamera, ssrc: int) -> CameraSpec:
    return CameraSpec(
        payload_type=camera.payload_type, ssrc=ssrc, send=camera.direction.send, receive=camera.direction.receive
    )


def _remote(stream: NegotiatedStream | NegotiatedCamera | None) -> Address | None:
    """Where to send; None while only the peer's first packet can tell (RFC 4961), or nothing is to be sent."""
    if stream is None or stream.remote_host is None:
        return None
    return Address(host=stream.remote_host, port=stream.remote_port)


def _keys(agreement: Agreement | None) -> SdesKeys | DtlsKeys | None:
    if agreement is None:
        return None
    if isinstance(agreement, SdesAgreement):
        return SdesKeys(
            suite=cast("SuiteName", agreement.suite.name),
            local=base64.b64encode(agreement.local).decode(),
            remote=base64.b64encode(agreement.remote).decode(),
            local_mki=agreement.local_mki.hex(),
            remote_mki=agreement.remote_mki.hex(),
        )
    return DtlsKeys(fingerprints=agreement.fingerprints, role=agreement.role)


def _ice(stream: NegotiatedStream) -> IceSpec | None:
    if stream.ice is None:
        return None
    local = stream.ice.local
    return IceSpec(local_ufrag=local.ufrag, local_password=local.password, remote_ufrag=stream.ice.remote_ufrag)


def _audio(stream: NegotiatedStream, ssrc: int) -> AudioSpec:
    return AudioSpec(
        send=stream.send,
        receive=stream.receive,
        send_codec=_codec(stream.send_codec),
        receive_codecs=tuple(_codec(codec) for codec in stream.receive_codecs),
        dtmf_payload_type=stream.dtmf_payload_type,
        dtmf_clock_rate=stream.dtmf.clock_rate if stream.dtmf else 8000,
        ssrc=ssrc,
        reduced_size_rtcp=stream.reduced_size_rtcp,
        redundancy=None if stream.redundancy is None else stream.redundancy.payload_type,
    )


def _video(stream: NegotiatedStream, ssrc: int) -> VideoSpec:
    if stream.picture is None or stream.max_bitrate is None:
        raise ValueError("a negotiated video stream always has its limits")
    return VideoSpec(
        send=stream.send,
        receive=stream.receive,
        send_codec=_codec(stream.send_codec),
        receive_codecs=tuple(_codec(codec) for codec in stream.receive_codecs),
        ssrc=ssrc,
        max_width=stream.picture.width,
        max_height=stream.picture.height,
        max_frame_rate=stream.picture.frame_rate,
        max_bitrate=stream.max_bitrate,
        feedback=cast("frozenset[Feedback]", stream.feedback),
        reduced_size_rtcp=stream.reduced_size_rtcp,
        repair=None if stream.repair is None else _repair(stream.repair),
    )


def _repair(repair: Repair) -> RepairSpec:
    return RepairSpec(form="ulpfec", payload_type=repair.ulpfec.payload_type, red=repair.red.payload_type, single=True)


def _codec(codec: OfferedCodec) -> CodecSpec:
    return CodecSpec(
        name=cast("AudioCodecName | VideoCodecName", codec.name),
        payload_type=codec.payload_type,
        clock_rate=codec.clock_rate,
        channels=codec.channels,
        parameters=dict(codec.parameters),
    )
