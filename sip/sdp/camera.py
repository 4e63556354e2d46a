"""The m-line of far-end camera control: ``m=application … RTP/AVP`` with ``H224/4800`` (RFC 4573). Pure.

Encrypted it is by SDES alone: rooms that set up DTLS do so for sound and picture, and a line whose handshake never
comes would keep the whole leg waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.direction import Direction, connection_address, described_direction, ip_address
from sip.sdp.grammar import Attribute, MediaDescription, SessionDescription
from sip.sdp.refusal import NotAcceptable
from sip.sdp.security import (
    PROTOCOLS,
    Encryption,
    SdesAgreement,
    accepted_security,
    answer_security,
    offer_security,
    protocol_to_offer,
)

_ENCODING = "h224/4800"

# Any dynamic number would do; this is the one that most rooms use.
_PAYLOAD_TYPE = 100

# More rtpmap lines are no camera's.
_MAX_RTPMAPS = 16


@dataclass(frozen=True)
class NegotiatedCamera:
    """Camera control as agreed; ``direction`` is ours, ``security`` None in the clear."""

    index: int
    direction: Direction
    payload_type: int
    remote_host: str | None
    remote_port: int
    security: SdesAgreement | None = None


def payload_type_of(media: MediaDescription) -> int | None:
    """The payload type of H.224 in this m-line; None where it is none of camera control, or not over RTP."""
    if media.media != "application" or media.protocol not in PROTOCOLS:
        return None
    for value in islice(media.values("rtpmap"), _MAX_RTPMAPS):
        number, _, encoding = value.strip().partition(" ")
        if encoding.strip().lower().startswith(_ENCODING) and number.isascii() and number.isdecimal():
            return int(number) if len(number) <= 3 and int(number) <= 127 else None
    return None


def is_camera(media: MediaDescription) -> bool:
    """Whether this m-line is camera control that we can take."""
    return payload_type_of(media) is not None


def camera_line(
    local: LocalMedia, protocol: str, payload_type: int, transport: Sequence[Attribute]
) -> MediaDescription:
    """Our m-line; ``transport`` are the lines of encryption."""
    rtpmap = Attribute("rtpmap", f"{payload_type} H224/4800")
    return MediaDescription(
        "application",
        local.camera_port,
        protocol,
        (str(payload_type),),
        attributes=(rtpmap, *transport, local.direction("camera").attribute),
    )


def offered_camera(capabilities: LocalCapabilities, local: LocalMedia) -> MediaDescription:
    """The m-line of an offer of ours: in the clear, or by SDES where everything must be encrypted."""
    required = capabilities.encryption is Encryption.REQUIRED
    protocol = protocol_to_offer(capabilities.encryption, "sdes", local.security, feedback=False)
    security = None if local.security is None else replace(local.security, fingerprint=None)
    keys = offer_security("camera", capabilities.encryption, "sdes", security) if required else ()
    return camera_line(local, protocol, _PAYLOAD_TYPE, keys)


def answer_camera(
    offer: SessionDescription, capabilities: LocalCapabilities, local: LocalMedia
) -> tuple[NegotiatedCamera, MediaDescription] | None:
    """Take the first m-line of camera control that we can; None when there is none."""
    for index, media in enumerate(offer.media):
        payload_type = payload_type_of(media)
        if payload_type is None or media.port == 0 or not local.camera_port:
            continue
        try:
            protection = answer_security(offer, media, "camera", capabilities.encryption, local.security)
        except NotAcceptable:
            continue
        agreement = protection.agreement
        if agreement is not None and not isinstance(agreement, SdesAgreement):
            continue
        direction = described_direction(offer, media).reversed().limited_to(local.direction("camera"))
        line = camera_line(local, media.protocol, payload_type, protection.attributes)
        attributes = (*line.attributes[:-1], direction.attribute)
        line = replace(line, attributes=attributes)
        return _negotiated(offer, index, media, direction, payload_type, agreement), line
    return None


def accept_camera(offer: SessionDescription, answer: SessionDescription, policy: Encryption) -> NegotiatedCamera | None:
    """What an answer made of the camera control that we offered; None when it was refused."""
    for index, (ours, theirs) in enumerate(zip(offer.media, answer.media, strict=False)):
        payload_type = payload_type_of(ours)
        if payload_type is None or ours.port == 0 or theirs.port == 0 or theirs.protocol not in PROTOCOLS:
            continue
        try:
            agreement = accepted_security(ours, answer, theirs, policy)
        except NotAcceptable:
            return None
        if agreement is not None and not isinstance(agreement, SdesAgreement):
            return None
        direction = described_direction(answer, theirs).reversed().limited_to(described_direction(offer, ours))
        # What it answers with is what it wants; without a word about that it is what we offered.
        return _negotiated(answer, index, theirs, direction, payload_type_of(theirs) or payload_type, agreement)
    return None


def _negotiated(
    remote: SessionDescription,
    index: int,
    media: MediaDescription,
    direction: Direction,
    payload_type: int,
    security: SdesAgreement | None,
) -> NegotiatedCamera:
    host = ip_address(connection_address(remote, media))
    return NegotiatedCamera(index, direction, payload_type, host, media.port, security)
