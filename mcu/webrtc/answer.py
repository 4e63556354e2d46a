"""A browser's offer answered: ICE-lite, DTLS server, everything bundled on one port (RFC 8829, 8839, 8842, 8843).

Pure. The answer takes the first sound and the first two pictures of the bundle, the second of which is for what is
shared; whatever else is offered (data channel, more pictures) is refused with port 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from mcu.media.spec import AudioCodecName, AudioSpec, CodecSpec, VideoCodecName, VideoSpec, WebRtcTransport
from mcu.webrtc.transport import BUNDLED_RTP, bundle, is_usable, read_transport, transport_lines
from sip.sdp.bandwidth import video_limit, video_lines
from sip.sdp.capabilities import LocalCapabilities
from sip.sdp.codecs import OfferedCodec, read_codecs
from sip.sdp.direction import Direction, attribute_direction
from sip.sdp.grammar import Attribute, Connection, MediaDescription, Origin, SessionDescription, parse
from sip.sdp.negotiation import NotAcceptable
from sip.sdp.selection import Agreed, agree, telephone_event
from sip.sdp.writing import SESSION_NAME

CAPABILITIES = LocalCapabilities(feedback=frozenset({"nack", "pli", "fir", "remb"}), prefer_offer_order=False)
"""What we speak with browsers: Opus and H.264 before all others, so that rooms and browsers share one encoder."""

ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"

Feedback = Literal["nack", "pli", "fir", "remb"]


@dataclass(frozen=True)
class BrowserLocal:
    """Our side of a browser's transport. ``candidates`` are (IP address, UDP port), the best first.

    ``fingerprint`` is of our certificate, as (algorithm, value), e.g. ("sha-256", "AB:CD:…"). ``session_id`` and
    ``version`` go into the answer's origin; ``cname`` ties sound and picture together for lip sync (RFC 3550). A
    ``content_ssrc`` of 0 takes no second picture. ``picture_rate`` is the most that it may send or get of either
    picture, bit/s, where the bandwidth of its zone says so.
    """

    ufrag: str
    password: str = field(repr=False)
    fingerprint: tuple[str, str]
    candidates: tuple[tuple[str, int], ...]
    audio_ssrc: int
    video_ssrc: int
    cname: str
    session_id: int = 1
    version: int = 1
    capabilities: LocalCapabilities = CAPABILITIES
    content_ssrc: int = 0
    picture_rate: int | None = None

    def ssrc(self, kind: str) -> int:
        return {"audio": self.audio_ssrc, "content": self.content_ssrc}.get(kind, self.video_ssrc)


@dataclass(frozen=True)
class BrowserAnswer:
    """The answer to send, and what it makes of the leg."""

    sdp: str = field(repr=False)
    transport: WebRtcTransport
    audio: AudioSpec | None
    video: VideoSpec | None
    content: VideoSpec | None = None


@dataclass(frozen=True)
class _Line:
    """An m-line of the offer that is answered; ``index`` is its place."""

    index: int
    media: MediaDescription
    mid: str
    codecs: tuple[OfferedCodec, ...]
    agreed: list[Agreed]
    direction: Direction
    extensions: dict[str, int]


def answer_browser_offer(offer_sdp: str, local: BrowserLocal) -> BrowserAnswer:
    """Answer a browser. Raises SdpError for what is no SDP, NotAcceptable for what we cannot take."""
    offer = parse(offer_sdp)
    lines = _choose_lines(offer, local)
    if not lines:
        raise NotAcceptable("neither sound nor picture of this browser can be taken: no bundled codec in common")
    first, *_ = by_index = {line.index: kind for kind, line in sorted(lines.items(), key=lambda item: item[1].index)}
    transport = read_transport(offer, offer.media[first], local.ufrag, local.password)
    session_attributes = [Attribute("ice-lite"), Attribute("msid-semantic", "WMS *")]
    if bundle(offer) is not None:
        session_attributes.insert(
            1, Attribute("group", " ".join(["BUNDLE", *(lines[k].mid for k in by_index.values())]))
        )
    description = SessionDescription(
        origin=Origin("-", local.session_id, local.version, "127.0.0.1"),  # as browsers do: no address is told here
        session_name=SESSION_NAME,
        attributes=tuple(session_attributes),
        media=tuple(
            _answer_media(by_index[index], lines[by_index[index]], local) if index in by_index else _refused(media)
            for index, media in enumerate(offer.media)
        ),
    )
    audio, video, content = lines.get("audio"), lines.get("video"), lines.get("content")
    return BrowserAnswer(
        sdp=str(description),
        transport=transport,
        audio=_audio_spec(audio, local) if audio else None,
        video=_video_spec(offer, video, local, local.video_ssrc) if video else None,
        content=_video_spec(offer, content, local, local.content_ssrc) if content else None,
    )


def _choose_lines(offer: SessionDescription, local: BrowserLocal) -> dict[str, _Line]:
    """The first usable m-line of each kind, by kind; the second picture is "content"."""
    lines: dict[str, _Line] = {}
    bundled = bundle(offer)
    for index, media in enumerate(offer.media):
        mid = media.value("mid") or ""
        # Browsers do not say what a picture is of (RFC 4796), so the order of the m-lines has to.
        kind = "content" if media.media == "video" and "video" in lines and local.content_ssrc else media.media
        if media.media not in ("audio", "video") or kind in lines or not is_usable(media, mid, bundled):
            continue
        if lines and (bundled is None or any(mid == line.mid for line in lines.values())):
            continue
        codecs = read_codecs(media)
        agreed = agree(codecs, media.media, local.capabilities)
        if agreed:
            # not described_direction(): a browser writes 0.0.0.0 until it has candidates, which is no hold
            direction = attribute_direction(offer, media).reversed()
            lines[kind] = _Line(index, media, mid, codecs, agreed, direction, _extensions(media))
    return lines


def _extensions(media: MediaDescription) -> dict[str, int]:
    """Numbers of the header extensions that we use (RFC 8285 section 5); one-byte headers hold 1 to 14."""
    found: dict[str, int] = {}
    for value in media.values("extmap"):
        words = value.split()
        number = words[0].partition("/")[0] if len(words) > 1 else ""
        if number.isascii() and number.isdecimal() and len(number) <= 2 and 1 <= int(number) <= 14:
            for uri in (MID, ABS_SEND_TIME):
                if words[1] == uri:
                    found.setdefault(uri, int(number))
    return found


def _refused(media: MediaDescription) -> MediaDescription:
    attributes = tuple(Attribute("mid", mid) for mid in media.values("mid"))
    return MediaDescription(
        media.media, 0, media.protocol, media.formats or ("0",), Connection("0.0.0.0"), attributes=attributes
    )


def _answer_media(kind: str, line: _Line, local: BrowserLocal) -> MediaDescription:
    host, port = local.candidates[0] if local.candidates else ("0.0.0.0", 9)
    codecs = [agreed.local for agreed in line.agreed]
    event = telephone_event(line.codecs, line.agreed[0].remote.clock_rate) if kind == "audio" else None
    if event is not None:
        codecs.append(event)
    attributes = [Attribute("mid", mid) for mid in line.media.values("mid")][:1]
    attributes += [*transport_lines(local.ufrag, local.password, local.fingerprint)]
    attributes += [Attribute("extmap", f"{number} {uri}") for uri, number in line.extensions.items()]
    attributes += [line.direction.attribute, Attribute("rtcp-mux")]
    if line.media.has("rtcp-rsize"):
        attributes.append(Attribute("rtcp-rsize"))
    attributes += [attribute for codec in codecs for attribute in codec.attributes()]
    if line.direction.send:
        stream = "consilium-content" if kind == "content" else "consilium"
        attributes += [
            Attribute("msid", f"{stream} {kind}"),
            Attribute("ssrc", f"{local.ssrc(kind)} cname:{local.cname}"),
        ]
    attributes += _candidates(local.candidates)
    return MediaDescription(
        media=line.media.media,
        port=port,
        protocol=line.media.protocol if line.media.protocol in BUNDLED_RTP else BUNDLED_RTP[0],
        formats=tuple(str(codec.payload_type) for codec in codecs),
        connection=Connection(host),
        bandwidths=() if kind == "audio" or local.picture_rate is None else video_lines(local.picture_rate),
        attributes=tuple(attributes),
    )


def _candidates(candidates: Sequence[tuple[str, int]]) -> list[Attribute]:
    """Host candidates of component 1 (RFC 8839 section 5.1), priorities by RFC 8445 section 5.1.2.1."""
    lines = [
        Attribute("candidate", f"{index + 1} 1 udp {126 << 24 | (65_535 - index) << 8 | 255} {host} {port} typ host")
        for index, (host, port) in enumerate(candidates)
    ]
    return [*lines, Attribute("end-of-candidates")]


def _codec_spec(codec: OfferedCodec) -> CodecSpec:
    return CodecSpec(
        name=cast("AudioCodecName | VideoCodecName", codec.name),
        payload_type=codec.payload_type,
        clock_rate=codec.clock_rate,
        channels=codec.channels,
        parameters=dict(codec.parameters),
    )


def _audio_spec(line: _Line, local: BrowserLocal) -> AudioSpec:
    first = line.agreed[0].remote
    event = telephone_event(line.codecs, first.clock_rate)
    return AudioSpec(
        send=line.direction.send,
        receive=line.direction.receive,
        send_codec=_codec_spec(first),
        receive_codecs=tuple(_codec_spec(agreed.remote) for agreed in line.agreed),
        dtmf_payload_type=event.payload_type if event else None,
        dtmf_clock_rate=event.clock_rate if event else 8000,
        ssrc=local.audio_ssrc,
        mid=line.mid or None,
        mid_id=line.extensions.get(MID),
    )


def _video_spec(offer: SessionDescription, line: _Line, local: BrowserLocal, ssrc: int) -> VideoSpec:
    """The picture of a browser leg.

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
        ssrc=ssrc,
        mid=line.mid or None,
        mid_id=line.extensions.get(MID),
        abs_send_time_id=line.extensions.get(ABS_SEND_TIME),
        max_frame_rate=local.capabilities.frame_rate,
        max_bitrate=min([local.capabilities.send_bitrate, *limits]),
        feedback=cast("frozenset[Feedback]", first.feedback & local.capabilities.feedback),
    )
