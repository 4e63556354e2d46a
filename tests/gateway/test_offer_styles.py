"""Offers of calls out against rooms that speak but one thing: which of them is taken, and which never is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcu.gateway.offer_styles import OfferStyle, offer_styles
from mcu.gateway.sip_call import CallDescriptions
from mcu.gateway.sip_media import RoomMedia, room_capabilities
from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.grammar import SessionDescription, parse
from sip.sdp.ice import LocalIce
from sip.sdp.negotiation import NotAcceptable, answer
from sip.sdp.security import Encryption, LocalSecurity
from sip.sdp.session import NegotiatedSession

OURS = ("sha-256", ":".join(["AB"] * 32))
THEIRS = ("sha-256", ":".join(["CD"] * 32))
PEER = LocalMedia("192.0.2.9", 30000, 30002, security=LocalSecurity(bytes(32), THEIRS))


class Room:
    """A room that takes only descriptions of these transport protocols."""

    def __init__(self, *protocols: str, encrypts: bool = False) -> None:
        self._protocols = protocols
        self._policy = Encryption.REQUIRED if encrypts else Encryption.ALLOWED

    def answer(self, offer: SessionDescription) -> str:
        """Raises NotAcceptable, which is a 488."""
        lines = tuple(
            media if media.protocol in self._protocols else replace(media, protocol="RTP/UNKNOWN")
            for media in offer.media
        )
        capabilities = LocalCapabilities(encryption=self._policy)
        return str(answer(replace(offer, media=lines), capabilities, PEER, session_id=2, version=1).description)


class Browser(Room):
    """One that speaks ICE in full, and nothing without it."""

    def answer(self, offer: SessionDescription) -> str:
        """Raises NotAcceptable, which is a 488."""
        assert offer.has("ice-lite") and all(media.has("candidate") for media in offer.media)
        lines = "a=ice-ufrag:abcd\r\na=ice-pwd:{}\r\na=candidate:1 1 UDP 2130706431 192.0.2.9 30000 typ host\r\n"
        return super().answer(offer).replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\n" + lines.format("p" * 24))


def called(room: Room, policy: Encryption, transport: str = "udp") -> tuple[str, NegotiatedSession]:
    """The transport protocol on which we come together. Raises NotAcceptable when we do not."""
    media = RoomMedia(
        "0.0.0.0",
        "198.51.100.7",
        40000,
        40002,
        1,
        2,
        security=LocalSecurity(bytes(range(32)), OURS),
        ice=LocalIce("efgh", "q" * 24),
    )
    descriptions = CallDescriptions(media, room_capabilities(encryption=policy), 1)
    refusal = NotAcceptable("nothing was offered", 399)
    for style in offer_styles(descriptions.capabilities, transport):
        offer = descriptions.first_offer(style.of(descriptions.capabilities))
        descriptions.sent(offer, is_offer=True)
        try:
            return offer.media[0].protocol, descriptions.take_answer(room.answer(parse(str(offer))))
        except NotAcceptable as error:
            refusal = error
    raise refusal


@pytest.mark.parametrize(
    ("room", "policy", "protocol", "security"),
    [
        (Room("RTP/AVP", "RTP/AVPF"), Encryption.ALLOWED, "RTP/AVPF", "NoneType"),
        (Room("RTP/AVP"), Encryption.ALLOWED, "RTP/AVP", "NoneType"),
        (Room("RTP/AVP", "RTP/SAVP", encrypts=True), Encryption.ALLOWED, "RTP/SAVP", "SdesAgreement"),
        (Room("RTP/AVP", encrypts=True), Encryption.PREFERRED, "RTP/AVP", "DtlsAgreement"),
        (Room("RTP/SAVP"), Encryption.PREFERRED, "RTP/SAVP", "SdesAgreement"),
        (Room("RTP/SAVPF", "RTP/SAVP"), Encryption.REQUIRED, "RTP/SAVPF", "SdesAgreement"),
        (Room("RTP/SAVP", "RTP/AVP"), Encryption.REQUIRED, "RTP/SAVP", "SdesAgreement"),
        (Room("UDP/TLS/RTP/SAVPF"), Encryption.REQUIRED, "UDP/TLS/RTP/SAVPF", "DtlsAgreement"),
    ],
)
def test_a_room_is_reached_on_what_it_speaks(room: Room, policy: Encryption, protocol: str, security: str) -> None:
    taken, session = called(room, policy)
    assert taken == protocol
    assert {type(stream.security).__name__ for stream in session.streams} == {security}
    assert len(session.streams) == 2


def test_where_encryption_is_required_nothing_is_ever_offered_in_the_clear() -> None:
    with pytest.raises(NotAcceptable):
        called(Room("RTP/AVP", "RTP/AVPF"), Encryption.REQUIRED)
    for transport in ("udp", "tls", "ws"):
        styles = offer_styles(room_capabilities(encryption=Encryption.REQUIRED), transport)
        assert {style.encryption for style in styles} == {Encryption.REQUIRED}


@pytest.mark.parametrize("policy", Encryption)
def test_no_style_is_tried_twice_and_there_are_few(policy: Encryption) -> None:
    for transport in ("udp", "wss"):
        styles = offer_styles(room_capabilities(encryption=policy), transport, ice=True)
        assert len(set(styles)) == len(styles) <= 4


def test_a_browser_and_we_agree_on_ice() -> None:
    protocol, session = called(Browser("UDP/TLS/RTP/SAVPF"), Encryption.ALLOWED, "wss")
    assert protocol == "UDP/TLS/RTP/SAVPF"
    assert all(stream.ice is not None and stream.ice.remote_ufrag == "abcd" for stream in session.streams)
    assert all(stream.rtcp_mux for stream in session.streams)


def test_a_room_that_is_offered_ice_and_has_none_gets_its_packets_all_the_same() -> None:
    style = OfferStyle(Encryption.ALLOWED, ice=True)
    media = RoomMedia("0.0.0.0", "198.51.100.7", 40000, 40002, 1, 2, ice=LocalIce("efgh", "q" * 24))
    descriptions = CallDescriptions(media, room_capabilities(), 1)
    offer = descriptions.first_offer(style.of(descriptions.capabilities))
    assert offer.has("ice-lite")
    descriptions.sent(offer, is_offer=True)
    plain = replace(PEER, security=None)
    theirs = answer(parse(str(offer)), LocalCapabilities(), plain, session_id=2, version=1)
    session = descriptions.take_answer(str(theirs.description))
    assert all(stream.ice is None and stream.remote_host == "192.0.2.9" for stream in session.streams)
