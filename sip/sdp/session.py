"""What an offer and its answer come to, as values: the result of a negotiation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sip.sdp.camera import NegotiatedCamera
from sip.sdp.codecs import OfferedCodec
from sip.sdp.direction import Direction
from sip.sdp.floor import NegotiatedFloor
from sip.sdp.grammar import SessionDescription
from sip.sdp.h264 import PictureLimit
from sip.sdp.ice import IceAgreement
from sip.sdp.repair import Repair
from sip.sdp.security import Agreement

StreamKind = Literal["audio", "video", "content"]
"""Voice, face, and what is shown: a second picture (``a=content:slides``, RFC 4796)."""


@dataclass(frozen=True)
class NegotiatedStream:
    """One agreed m-line. ``index`` is its place in the description, ``direction`` is ours.

    ``send_codec`` is as the peer describes it (its payload type, its limits); ``receive_codecs`` have the payload types
    on which we receive, and the peer's parameters, among them sprop-parameter-sets. ``remote_host`` is None when the
    peer gave no address that packets could go to (hold, a host name). ``held`` tells that the peer does not want to
    get anything now. ``security`` is None for a stream in the clear. ``reduced_size_rtcp``: feedback may go without a
    report before it (RFC 5506). ``max_bitrate`` (bit/s) and ``picture`` are the most that we may send of video,
    None for audio; ``repair`` is how its packets are protected against loss. ``redundancy`` are packets of sound that
    carry earlier frames as well.
    """

    kind: StreamKind
    index: int
    direction: Direction
    held: bool
    send_codec: OfferedCodec
    receive_codecs: tuple[OfferedCodec, ...]
    dtmf: OfferedCodec | None
    remote_host: str | None
    remote_port: int
    remote_rtcp_port: int
    rtcp_mux: bool
    feedback: frozenset[str]
    max_bitrate: int | None = None
    picture: PictureLimit | None = None
    security: Agreement | None = None
    ice: IceAgreement | None = None
    reduced_size_rtcp: bool = False
    repair: Repair | None = None
    redundancy: OfferedCodec | None = None

    @property
    def send(self) -> bool:
        return self.direction.send

    @property
    def receive(self) -> bool:
        return self.direction.receive

    @property
    def dtmf_payload_type(self) -> int | None:
        return None if self.dtmf is None else self.dtmf.payload_type

    @property
    def remote_sprop(self) -> str | None:
        """The peer's sprop-parameter-sets for the codec that we would send (RFC 6184 section 8.1)."""
        return self.send_codec.parameters.get("sprop-parameter-sets")


@dataclass(frozen=True)
class NegotiatedSession:
    """An agreed session. ``description`` is ours: the answer to send, or the offer that was answered.

    ``content`` is the second picture, ``floor`` the control of who may send one, ``camera`` that of cameras from afar.
    ``pictures_bitrate`` (bit/s) is the most that both pictures together may take of what we send; None where there is
    but one.
    """

    description: SessionDescription
    audio: NegotiatedStream | None = None
    video: NegotiatedStream | None = None
    content: NegotiatedStream | None = None
    floor: NegotiatedFloor | None = None
    camera: NegotiatedCamera | None = None
    pictures_bitrate: int | None = None

    @property
    def streams(self) -> tuple[NegotiatedStream, ...]:
        return tuple(stream for stream in (self.audio, self.video, self.content) if stream is not None)

    @property
    def held(self) -> bool:
        """Whether the peer has put the call on hold: its sound, or where there is none its picture, is not wanted."""
        return bool(self.streams) and self.streams[0].held
