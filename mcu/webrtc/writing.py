"""The m-lines of an answer to a browser (RFC 8829 section 5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mcu.webrtc.extensions import TRANSPORT_SEQUENCE, extension_lines
from mcu.webrtc.lines import Line, Role
from mcu.webrtc.local import BrowserLocal
from mcu.webrtc.simulcast import simulcast_lines
from mcu.webrtc.transport import BUNDLED_RTP, transport_lines
from sip.sdp.bandwidth import video_lines
from sip.sdp.codecs import OfferedCodec
from sip.sdp.grammar import Attribute, Connection, MediaDescription
from sip.sdp.selection import telephone_event


def answered_media(line: Line, local: BrowserLocal) -> MediaDescription:
    """The m-line that takes an offered one."""
    host, port = local.candidates[0] if local.candidates else ("0.0.0.0", 9)
    codecs = _told(_codecs(line), line)
    attributes = [Attribute("mid", mid) for mid in line.media.values("mid")][:1]
    attributes += [*transport_lines(local.ufrag, local.password, local.fingerprint)]
    attributes += extension_lines(line.extensions)
    attributes += [line.direction.attribute, Attribute("rtcp-mux")]
    if line.media.has("rtcp-rsize"):
        attributes.append(Attribute("rtcp-rsize"))
    attributes += [attribute for codec in codecs for attribute in codec.attributes()]
    attributes += simulcast_lines(line.rids)
    if line.direction.send:
        attributes += [Attribute("msid", _stream(line)), *_source_lines(line, local.cname)]
    attributes += _candidates(local.candidates, local.tcp_candidates)
    # Also where nothing is to come: Chromium has one limit for a whole connection, that of the line it read last.
    limited = line.role not in (Role.AUDIO, Role.VOICE) and local.picture_rate is not None
    return MediaDescription(
        media=line.media.media,
        port=port,
        protocol=line.media.protocol if line.media.protocol in BUNDLED_RTP else BUNDLED_RTP[0],
        formats=tuple(str(codec.payload_type) for codec in codecs),
        connection=Connection(host),
        bandwidths=video_lines(local.picture_rate) if limited and local.picture_rate is not None else (),
        attributes=tuple(attributes),
    )


def refused_media(media: MediaDescription) -> MediaDescription:
    """The m-line that takes nothing."""
    attributes = tuple(Attribute("mid", mid) for mid in media.values("mid"))
    return MediaDescription(
        media.media, 0, media.protocol, media.formats or ("0",), Connection("0.0.0.0"), attributes=attributes
    )


def _codecs(line: Line) -> list[OfferedCodec]:
    """What we take, each with what repeats it."""
    codecs = [agreed.local for agreed in line.agreed]
    if line.role in (Role.AUDIO, Role.VOICE):
        event = telephone_event(line.codecs, line.agreed[0].remote.clock_rate) if line.role is Role.AUDIO else None
        # Browsers send sound with earlier frames where that comes first.
        first = [line.redundancy] if line.redundancy is not None else []
        return [*first, *codecs] if event is None else [*first, *codecs, event]
    repeats = {codec.parameters["apt"]: codec for codec in line.repeats}
    found: list[OfferedCodec] = []
    for codec in codecs:
        found.append(codec)
        repeat = repeats.get(str(codec.payload_type))
        if repeat is not None:
            found.append(replace(repeat, parameters={"apt": repeat.parameters["apt"]}, feedback=frozenset()))
    if line.repairing is not None:
        found.append(replace(line.repairing, feedback=frozenset()))
    return found


def _told(codecs: Sequence[OfferedCodec], line: Line) -> list[OfferedCodec]:
    """With transport-wide feedback for what is counted, and without where nothing is."""
    counted = {agreed.local.payload_type for agreed in line.agreed if TRANSPORT_SEQUENCE in line.extensions}
    found = []
    for codec in codecs:
        others = codec.feedback - {"twcc"}
        found.append(replace(codec, feedback=others | {"twcc"} if codec.payload_type in counted else others))
    return found


def _stream(line: Line) -> str:
    """Stream and track: what is played in time with the sound is of one stream with it."""
    match line.role:
        case Role.SLOT:
            return f"consilium-slot-{line.slot} slot-{line.slot}"
        case Role.VOICE:
            return f"consilium-slot-{line.slot} voice-{line.slot}"
        case Role.CONTENT:
            return "consilium-content content"
        case Role.SHARED:
            return "consilium-shared shared"
        case _:
            return f"consilium {line.role}"


def _source_lines(line: Line, cname: str) -> list[Attribute]:
    """Our SSRCs (RFC 5576); those of repetitions and repairs belong to the one before them (RFC 4588 section 8.3, RFC
    5956 section 4.3).
    """
    sources = line.sources
    groups, ssrcs = [], [sources.ssrc]
    if line.repeats:
        groups.append(Attribute("ssrc-group", f"FID {sources.ssrc} {sources.repeats}"))
        ssrcs.append(sources.repeats)
    if line.repairing is not None:
        groups.append(Attribute("ssrc-group", f"FEC-FR {sources.ssrc} {sources.repairs}"))
        ssrcs.append(sources.repairs)
    return [*groups, *(Attribute("ssrc", f"{ssrc} cname:{cname}") for ssrc in ssrcs)]


def _candidates(udp: Sequence[tuple[str, int]], tcp: Sequence[tuple[str, int]]) -> list[Attribute]:
    """Host candidates of component 1 (RFC 8839 section 5.1), priorities by RFC 8445 section 5.1.2.1.

    Those of TCP wait for the browser to connect, and are for when UDP finds no way (RFC 6544 sections 4.2 and 4.5).
    """
    lines = [
        Attribute("candidate", f"{index + 1} 1 udp {_priority(_UDP_HOST, 65_535 - index)} {host} {port} typ host")
        for index, (host, port) in enumerate(udp)
    ]
    lines += [
        Attribute(
            "candidate",
            f"{len(udp) + index + 1} 1 tcp {_priority(_TCP_HOST, _PASSIVE << 13 | 8191 - index)} {host} {port} "
            "typ host tcptype passive",
        )
        for index, (host, port) in enumerate(tcp)
    ]
    return [*lines, Attribute("end-of-candidates")]


# Type preferences of host candidates, and the direction preference of a passive one.
_UDP_HOST, _TCP_HOST, _PASSIVE = 126, 90, 4


def _priority(kind: int, local: int) -> int:
    return kind << 24 | local << 8 | 255
