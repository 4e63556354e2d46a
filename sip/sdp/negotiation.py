"""Offer and answer (RFC 3264) for rooms: RTP in the clear or encrypted, one sound stream, one or two picture streams.

All here is pure. ``answer`` serves a call that comes in with an offer; ``make_offer`` and ``accept_answer`` serve a
call that we make, a call that came in without an offer, and a re-INVITE of ours. Every m-line of an offer is answered
in its place; what we have no use for is refused with port 0. Where both sides have one, a second picture for what is
shown (``content``) is agreed on as well, with the control of its floor (``sip.sdp.floor``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sip.sdp.bandwidth import forbids_sending, pictures_limit, video_limit
from sip.sdp.camera import NegotiatedCamera, accept_camera, answer_camera, offered_camera
from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.codecs import OfferedCodec, read_codecs
from sip.sdp.direction import Direction, connection_address, described_direction, ip_address, is_nowhere
from sip.sdp.floor import NegotiatedFloor, accept_floor, answer_floor, is_floor, labels_of_floors, offered_floor
from sip.sdp.grammar import Attribute, MediaDescription, SessionDescription
from sip.sdp.ice import IceAgreement, answer_ice, ice_lines, own_ice
from sip.sdp.refusal import MEDIA_FORMAT, MEDIA_TYPE, NETWORK_ADDRESS, TRANSPORT, NotAcceptable, shown
from sip.sdp.repair import agree_redundancy, agree_repair
from sip.sdp.security import PROTOCOLS, Protection, accepted_security, answer_security
from sip.sdp.selection import Agreed, agree, match_answer, telephone_event
from sip.sdp.session import NegotiatedSession, NegotiatedStream, StreamKind
from sip.sdp.writing import (
    KINDS,
    codecs_to_offer,
    contents,
    describe,
    kind_of,
    offered_media,
    our_media,
    refused,
    renew,
    renew_in_full,
)

__all__ = ["NotAcceptable", "accept_answer", "answer", "make_offer"]


@dataclass(frozen=True)
class _Accepted:
    """An m-line of an offer that will be answered with a port, or of an answer that has one."""

    index: int
    kind: StreamKind
    media: MediaDescription
    codecs: tuple[OfferedCodec, ...]
    agreed: list[Agreed]
    protection: Protection
    ice: IceAgreement | None = None


def answer(
    offer: SessionDescription,
    capabilities: LocalCapabilities,
    local: LocalMedia,
    *,
    session_id: int,
    version: int,
) -> NegotiatedSession:
    """Answer an offer (RFC 3264 section 6). Raises NotAcceptable when no m-line at all can be answered."""
    accepted: dict[StreamKind, _Accepted] = {}
    refusals: list[NotAcceptable] = []
    for index, kind, media in _candidates(offer):
        if media.port == 0 or not local.port(kind) or kind in accepted:
            continue
        try:
            accepted[kind] = _accept(offer, index, kind, media, capabilities, local)
        except NotAcceptable as refusal:
            refusals.append(refusal)
    if not accepted:
        raise _most_telling(refusals)
    by_index = {one.index: one for one in accepted.values()}
    mux = local.rtcp_mux and all(one.media.has("rtcp-mux") for one in by_index.values())
    streams: dict[StreamKind, NegotiatedStream] = {}
    lines = []
    floor = None
    if local.floor is not None and "content" in accepted:
        floor = answer_floor(offer, local.floor, capabilities.encryption)
    camera = answer_camera(offer, capabilities, local)
    for index, media in enumerate(offer.media):
        one = by_index.get(index)
        if camera is not None and index == camera[0].index:
            lines.append(camera[1])
            continue
        if floor is not None and index == floor[0].index:
            lines.append(floor[1])
            continue
        if one is None:
            lines.append(refused(media))
            continue
        streams[one.kind] = _stream(offer, one, capabilities, local, mux)
        lines.append(_answer_media(one, streams[one.kind], capabilities, local))
    description = describe(local, session_id, version, lines, timing=offer.timing)
    session = _session(
        description, streams, floor[0] if floor is not None else None, camera[0] if camera is not None else None
    )
    return _within_one_rate(session, offer, capabilities)


def make_offer(
    capabilities: LocalCapabilities,
    local: LocalMedia,
    *,
    session_id: int,
    version: int,
    previous: SessionDescription | None = None,
    full: bool = False,
) -> SessionDescription:
    """Our offer (RFC 3264 section 5), or with ``previous``, our last description, the next one (section 8).

    A next offer keeps every m-line in its place with its payload types, and changes ports, address and directions. With
    ``full`` it offers all that we speak beside them, as the answer to a re-INVITE without an offer should.
    """
    if previous is None:
        lines = [
            offered_media(kind, capabilities, local, codecs_to_offer(kind, capabilities))
            for kind in KINDS
            if local.port(kind)
        ]
        if local.floor is not None and local.content_port:
            floor = offered_floor(local.floor, capabilities.encryption)
            lines += [] if floor is None else [floor]
        if local.camera_port:
            lines.append(offered_camera(capabilities, local))
    else:
        lines = (renew_in_full if full else renew)(previous, capabilities, local)
    return describe(local, session_id, version, lines)


def accept_answer(
    offer: SessionDescription,
    answer: SessionDescription,
    capabilities: LocalCapabilities | None = None,
) -> NegotiatedSession:
    """What an answer to our ``offer`` comes to (RFC 3264 section 7). Raises NotAcceptable when nothing is left.

    An answer with too few m-lines is taken as if the missing ones were refused; surplus ones are not looked at.
    """
    capabilities = capabilities or LocalCapabilities()
    accepted: dict[StreamKind, _Accepted] = {}
    refusals: list[NotAcceptable] = []
    for index, (ours, theirs) in enumerate(zip(offer.media, answer.media, strict=False)):
        kind = kind_of(ours)
        if kind is None or ours.port == 0 or theirs.port == 0 or kind in accepted:
            continue
        codecs = read_codecs(theirs)
        agreed = match_answer(read_codecs(ours), codecs, kind, capabilities)
        try:
            if theirs.media != ours.media or theirs.protocol not in PROTOCOLS:
                answered = f"{shown(theirs.media)} {shown(theirs.protocol)}"
                raise NotAcceptable(f"the {kind} line was answered as {answered}", TRANSPORT)
            if not agreed:
                raise NotAcceptable(f"no {kind} codec of the answer was offered", MEDIA_FORMAT)
            security = accepted_security(ours, answer, theirs, capabilities.encryption)
        except NotAcceptable as refusal:
            refusals.append(refusal)
        else:
            ice = answer_ice(answer, theirs, own_ice(ours))
            accepted[kind] = _Accepted(index, kind, theirs, codecs, agreed, Protection(security), ice)
    if not accepted:
        raise _most_telling(refusals)
    mux = all(one.media.has("rtcp-mux") and offer.media[one.index].has("rtcp-mux") for one in accepted.values())
    streams = {
        kind: _hearing_all(
            _stream(answer, one, capabilities, _our_side(offer, one.index), mux), read_codecs(offer.media[one.index])
        )
        for kind, one in accepted.items()
    }
    floor = accept_floor(offer, answer) if "content" in streams else None
    session = _session(offer, streams, floor, accept_camera(offer, answer, capabilities.encryption))
    return _within_one_rate(session, answer, capabilities)


def _session(
    description: SessionDescription,
    streams: dict[StreamKind, NegotiatedStream],
    floor: NegotiatedFloor | None,
    camera: NegotiatedCamera | None,
) -> NegotiatedSession:
    return NegotiatedSession(
        description, streams.get("audio"), streams.get("video"), streams.get("content"), floor, camera
    )


def _within_one_rate(
    session: NegotiatedSession, remote: SessionDescription, capabilities: LocalCapabilities
) -> NegotiatedSession:
    """A call has one rate, however many pictures share it."""
    if session.content is None:
        return session
    limit = pictures_limit(remote) or capabilities.send_bitrate
    return replace(session, pictures_bitrate=min(capabilities.send_bitrate, limit))


def _candidates(offer: SessionDescription) -> list[tuple[int, StreamKind, MediaDescription]]:
    """The m-lines that may be somebody's voice, face or slides, those that say so first (RFC 4796).

    Slides are also told by the label that a floor stands for (RFC 8856 section 5.4), and by being a second
    picture that says nothing, where floor control is offered with it.
    """
    floors = labels_of_floors(offer)
    shared = any(is_floor(media) and media.port for media in offer.media)
    found: list[tuple[bool, int, StreamKind, MediaDescription]] = []
    pictures = 0
    for index, media in enumerate(offer.media):
        kind, said = kind_of(media), contents(media)
        if kind is None or said - {"main", "slides"}:
            continue
        if kind == "video" and media.port:
            pictures += 1
            if not said and pictures > 1 and (shared or media.value("label") in floors):
                kind = "content"
        found.append((not said, index, kind, media))
    return [(index, kind, media) for _, index, kind, media in sorted(found, key=lambda candidate: candidate[:2])]


def _accept(
    offer: SessionDescription,
    index: int,
    kind: StreamKind,
    media: MediaDescription,
    capabilities: LocalCapabilities,
    local: LocalMedia,
) -> _Accepted:
    if media.protocol not in PROTOCOLS:
        raise NotAcceptable(
            f"{kind} over {shown(media.protocol)} is not supported, only {' and '.join(PROTOCOLS)}", TRANSPORT
        )
    address = connection_address(offer, media)
    if address is not None and not is_nowhere(address) and (":" in address) != (":" in local.host):
        raise NotAcceptable(f"{kind} would need the other IP version", NETWORK_ADDRESS)
    codecs = read_codecs(media)
    agreed = agree(codecs, kind, capabilities)
    if not agreed:
        wanted = ", ".join(capabilities.audio if kind == "audio" else capabilities.video)
        raise NotAcceptable(f"no {kind} codec in common, we speak {wanted}", MEDIA_FORMAT)
    protection = answer_security(offer, media, kind, capabilities.encryption, local.security)
    return _Accepted(index, kind, media, codecs, agreed, protection, answer_ice(offer, media, local.ice))


def _most_telling(refusals: Sequence[NotAcceptable]) -> NotAcceptable:
    """The refusal that came nearest to a stream: a codec that is missing tells more than a transport."""
    if not refusals:
        return NotAcceptable("there is no sound and no picture in it that we could take", MEDIA_TYPE)
    return max(refusals, key=lambda refusal: refusal.warning)


def _stream(
    remote: SessionDescription, one: _Accepted, capabilities: LocalCapabilities, local: LocalMedia, mux: bool
) -> NegotiatedStream:
    theirs = described_direction(remote, one.media)
    direction = theirs.reversed().limited_to(local.direction(one.kind))
    if forbids_sending(one.media):
        direction = direction.limited_to(Direction.RECVONLY)
    first = one.agreed[0]
    host = ip_address(connection_address(remote, one.media))
    stream = NegotiatedStream(
        kind=one.kind,
        index=one.index,
        direction=direction,
        held=not theirs.receive,
        send_codec=first.remote,
        receive_codecs=_receive_codecs(one.agreed),
        dtmf=telephone_event(one.codecs, first.remote.clock_rate) if one.kind == "audio" else None,
        remote_host=host,
        remote_port=one.media.port,
        remote_rtcp_port=one.media.port if mux else _rtcp_port(one.media),
        rtcp_mux=mux,
        feedback=first.remote.feedback & capabilities.feedback,
        security=one.protection.agreement,
        ice=one.ice,
        reduced_size_rtcp=one.media.has("rtcp-rsize"),
    )
    if one.kind == "audio":
        found = agree_redundancy(one.codecs, first.remote) if capabilities.redundancy else None
        return replace(stream, redundancy=found)
    limits = [capabilities.send_bitrate, video_limit(remote, one.media), first.h264 and first.h264.bitrate]
    return replace(
        stream,
        max_bitrate=min(limit for limit in limits if limit),
        picture=first.picture_limit(capabilities.frame_rate),
        repair=agree_repair(one.codecs, stream.feedback) if capabilities.repair else None,
    )


def _hearing_all(stream: NegotiatedStream, offered: Iterable[OfferedCodec]) -> NegotiatedStream:
    """Ready for all that was offered of a codec (RFC 3264 section 5.1).

    Some rooms answer with one of several payload types of H.264 and send with another.
    """
    known = {codec.payload_type for codec in stream.receive_codecs}
    spoken = {(codec.name, codec.clock_rate) for codec in stream.receive_codecs}
    more = [
        replace(codec, parameters=stream.receive_codecs[0].parameters)
        for codec in offered
        if codec.payload_type not in known and (codec.name, codec.clock_rate) in spoken
    ]
    return replace(stream, receive_codecs=(*stream.receive_codecs, *more))


def _receive_codecs(agreed: Iterable[Agreed]) -> tuple[OfferedCodec, ...]:
    """What may come in, by payload type: the numbers are ours, the parameters tell what the peer sends."""
    codecs: dict[int, OfferedCodec] = {}
    for one in agreed:
        codecs.setdefault(one.local.payload_type, replace(one.remote, payload_type=one.local.payload_type))
    for one in agreed:  # an answerer that renumbered and sends with its own numbers all the same
        codecs.setdefault(one.remote.payload_type, one.remote)
    return tuple(codecs.values())


def _rtcp_port(media: MediaDescription) -> int:
    """``a=rtcp`` (RFC 3605), else the port above (RFC 3550 section 11)."""
    word = (media.value("rtcp") or "").partition(" ")[0]
    if word.isascii() and word.isdecimal() and len(word) <= 5 and 0 < int(word) <= 65_535:
        return int(word)
    return min(media.port + 1, 65_535)


def _answer_media(
    one: _Accepted, stream: NegotiatedStream, capabilities: LocalCapabilities, local: LocalMedia
) -> MediaDescription:
    codecs = tuple(agreed.local for agreed in one.agreed) + (() if stream.dtmf is None else (stream.dtmf,))
    codecs += () if stream.repair is None else stream.repair.codecs
    codecs += () if stream.redundancy is None else (stream.redundancy,)
    transport = list(one.protection.attributes)
    if stream.reduced_size_rtcp:
        transport.append(Attribute("rtcp-rsize"))
    if one.ice is not None:
        transport += ice_lines(one.ice.local, local.host, local.port(one.kind), stream.rtcp_mux)
    mux, direction = stream.rtcp_mux, stream.direction
    return our_media(one.kind, one.media.protocol, codecs, capabilities, local, direction, mux, transport)


def _our_side(offer: SessionDescription, index: int) -> LocalMedia:
    """Our own offer read back: what direction it gave this m-line."""
    direction = described_direction(offer, offer.media[index])
    return LocalMedia(host="", audio_direction=direction, video_direction=direction, content_direction=direction)
