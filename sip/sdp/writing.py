"""Writing our own side of a session: whole descriptions and their m-lines, the first time and the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sip.sdp.bandwidth import video_lines
from sip.sdp.camera import is_camera
from sip.sdp.capabilities import LocalCapabilities, LocalMedia, audio_to_offer, video_to_offer
from sip.sdp.codecs import OfferedCodec, read_codecs
from sip.sdp.direction import Direction
from sip.sdp.floor import CONTENT_LABEL, is_floor
from sip.sdp.grammar import Attribute, Connection, MediaDescription, Origin, SessionDescription
from sip.sdp.ice import ice_lines
from sip.sdp.security import PROTOCOLS, offer_security, protocol_to_offer
from sip.sdp.selection import capabilities_for, format_of
from sip.sdp.session import StreamKind

KINDS: tuple[StreamKind, ...] = ("audio", "video", "content")
"""In the order in which we offer them."""

SESSION_NAME = "Consilium"
_DYNAMIC = range(96, 128)  # RFC 3551 section 3


def our_media(
    kind: StreamKind,
    protocol: str,
    codecs: Sequence[OfferedCodec],
    capabilities: LocalCapabilities,
    local: LocalMedia,
    direction: Direction,
    mux: bool,
    transport: Sequence[Attribute] = (),
) -> MediaDescription:
    """One of our m-lines; the address is the session's. ``transport`` are the lines of encryption, ICE and the like."""
    attributes = [attribute for codec in codecs for attribute in codec.attributes()]
    if kind == "content":
        attributes += [Attribute("content", "slides"), Attribute("label", CONTENT_LABEL)]
    if kind == "audio":
        attributes.append(Attribute("ptime", "20"))
    if mux:
        attributes.append(Attribute("rtcp-mux"))
    attributes += transport
    attributes.append(direction.attribute)
    return MediaDescription(
        media="audio" if kind == "audio" else "video",
        port=local.port(kind),
        protocol=protocol,
        formats=tuple(str(codec.payload_type) for codec in codecs),
        bandwidths=() if kind == "audio" else video_lines(capabilities.receive_bitrate),
        attributes=tuple(attributes),
    )


def offered_media(
    kind: StreamKind, capabilities: LocalCapabilities, local: LocalMedia, codecs: Sequence[OfferedCodec]
) -> MediaDescription:
    """An m-line of an offer of ours, with encryption as the policy has it."""
    policy, method = capabilities.encryption, capabilities.offer_method
    transport = list(offer_security(kind, policy, method, local.security))
    if capabilities.offer_feedback_profile:
        transport.append(Attribute("rtcp-rsize"))
    if capabilities.offer_ice and local.ice is not None:
        # Both components: whether RTCP gets a port of its own is for the answer to say.
        transport += ice_lines(local.ice, local.host, local.port(kind), rtcp_mux=False)
    protocol = protocol_to_offer(policy, method, local.security, capabilities.offer_feedback_profile)
    return our_media(kind, protocol, codecs, capabilities, local, local.direction(kind), local.rtcp_mux, transport)


def refused(media: MediaDescription) -> MediaDescription:
    """The answer to an m-line that we have no use for (RFC 3264 section 6): the same with port 0."""
    return MediaDescription(media.media, 0, media.protocol, media.formats or ("0",))


def kind_of(media: MediaDescription) -> StreamKind | None:
    """Which of our streams an m-line may be, by its medium and content; None for another medium."""
    if media.media == "audio":
        return "audio"
    if media.media != "video":
        return None
    return "content" if "slides" in contents(media) else "video"


def contents(media: MediaDescription) -> frozenset[str]:
    """What an m-line says that it shows (RFC 4796): several words may be given, with commas."""
    return frozenset(word.strip().lower() for word in (media.value("content") or "").split(",") if word.strip())


def codecs_to_offer(kind: StreamKind, capabilities: LocalCapabilities) -> tuple[OfferedCodec, ...]:
    """All that we speak of this kind."""
    if kind == "audio":
        return audio_to_offer(capabilities)
    return video_to_offer(capabilities_for(kind, capabilities))


def renew(previous: SessionDescription, capabilities: LocalCapabilities, local: LocalMedia) -> list[MediaDescription]:
    """The m-lines of ``previous``, each in its place with the same payload types; ports and directions are anew."""
    return [_renewed(media, local) for media in previous.media]


def renew_in_full(
    previous: SessionDescription, capabilities: LocalCapabilities, local: LocalMedia
) -> list[MediaDescription]:
    """Like ``renew``, but everything is offered once more, as if the call were new (RFC 3261 section 14.2).

    Payload types in use keep their meaning (RFC 3264 section 8.3.2), what else we speak is added to them. A kind of
    which no stream is left gets the first m-line of that kind back: so a call that was held with music alone gets its
    picture again.
    """
    lines = renew(previous, capabilities, local)
    for kind in KINDS:
        of_kind = [index for index, media in enumerate(lines) if kind_of(media) == kind and media.protocol in PROTOCOLS]
        if not of_kind or not local.port(kind):
            continue
        index = next((index for index in of_kind if lines[index].port), of_kind[0])
        media = previous.media[index]
        codecs = _completed(read_codecs(media) if media.port else (), codecs_to_offer(kind, capabilities))
        if media.port:
            kept = [_reoffered(one) for one in media.attributes if one.name in _TRANSPORT_ATTRIBUTES]
            direction = local.direction(kind)
            lines[index] = our_media(kind, media.protocol, codecs, capabilities, local, direction, local.rtcp_mux, kept)
        else:
            lines[index] = offered_media(kind, capabilities, local, codecs)
    return lines


# What a stream in use goes on with: other keys would end its association (RFC 8842 section 5.2, RFC 4568 7.1.4).
_TRANSPORT_ATTRIBUTES = frozenset({"crypto", "fingerprint", "setup", "rtcp-rsize", "ice-ufrag", "ice-pwd", "candidate"})


def _reoffered(attribute: Attribute) -> Attribute:
    """An attribute of our last description in our next offer: there the peer has the choice of roles again."""
    return Attribute("setup", "actpass") if attribute.name == "setup" else attribute


def _renewed(media: MediaDescription, local: LocalMedia) -> MediaDescription:
    if is_floor(media) and media.port and local.floor is not None:
        # As negotiated: neither the role nor the numbers change while the call lasts, and the connection goes on.
        attributes = tuple(
            Attribute("connection", "existing") if attribute.name == "connection" else attribute
            for attribute in media.attributes
        )
        return replace(media, port=local.floor.port, attributes=attributes, connection=None)
    if is_camera(media) and media.port and local.camera_port:
        kept = [one for one in media.attributes if one.name not in Direction._value2member_map_]
        attributes = (*kept, local.direction("camera").attribute)
        return replace(media, port=local.camera_port, attributes=attributes, connection=None)
    kind = kind_of(media)
    if kind is None or media.port == 0 or not local.port(kind):
        return refused(media)
    kept = [one for one in media.attributes if one.value is not None or one.name not in Direction._value2member_map_]
    attributes = (*map(_reoffered, kept), local.direction(kind).attribute)
    return replace(media, port=local.port(kind), attributes=attributes, connection=None)


def _completed(used: Sequence[OfferedCodec], all_codecs: Sequence[OfferedCodec]) -> list[OfferedCodec]:
    """``used`` and behind them what else we speak, on numbers that are still free."""
    codecs = list(used)
    formats = {format_of(codec) for codec in used}
    for codec in all_codecs:
        if format_of(codec) in formats:
            continue
        taken = {one.payload_type for one in codecs}
        number = codec.payload_type
        if number in taken:
            number = next((free for free in _DYNAMIC if free not in taken), -1)
        if number >= 0:
            codecs.append(replace(codec, payload_type=number))
    return codecs


def describe(
    local: LocalMedia, session_id: int, version: int, lines: Sequence[MediaDescription], timing: str = "0 0"
) -> SessionDescription:
    """A whole description of ours (RFC 8866 section 5) with these m-lines."""
    ice = any(line.has("ice-ufrag") for line in lines)
    return SessionDescription(
        origin=Origin("-", session_id, version, local.host),
        session_name=SESSION_NAME,
        connection=Connection(local.host),
        timing=timing,
        attributes=(Attribute("ice-lite"),) if ice else (),
        media=tuple(lines),
    )
