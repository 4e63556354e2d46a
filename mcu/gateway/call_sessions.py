"""What a call is given when it may have media: ports, SSRCs, keys, bandwidth; and taken from it at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from mcu.conference.door.joining import Seat
from mcu.gateway.call_admission import CallAdmission
from mcu.gateway.floor_control import FloorControl
from mcu.gateway.media_addresses import MediaAddresses
from mcu.gateway.rtp_ports import NoPortsLeft, RtpPorts
from mcu.gateway.sip_call import CallDescriptions, CallSession
from mcu.gateway.sip_media import RoomMedia
from mcu.gateway.tasks import Tasks
from sip.sdp.capabilities import LocalCapabilities
from sip.sdp.direction import connection_address, ip_address
from sip.sdp.grammar import SdpError, parse
from sip.sdp.ice import LocalIce
from sip.sdp.security import LocalSecurity

# The SDES keys of a call come out of this much randomness.
SECRET_OCTETS = 32


class CallSessions:
    """One for the server. ``ids`` gives random 31-bit numbers for sessions and SSRCs, ``secret`` octets for keys.

    ``fingerprint`` is the SHA-256 one of the certificate that is shown to peers; without it there is no DTLS. Without
    ``admission`` no bandwidth is counted.
    """

    def __init__(
        self,
        ports: RtpPorts,
        addresses: MediaAddresses,
        capabilities: LocalCapabilities,
        floors: FloorControl,
        tasks: Tasks,
        *,
        ids: Callable[[], int],
        secret: Callable[[int], bytes],
        fingerprint: str | None,
        admission: CallAdmission | None,
    ) -> None:
        self._ports = ports
        self._addresses = addresses
        self._capabilities = capabilities
        self._floors = floors
        self._tasks = tasks
        self._ids = ids
        self._secret = secret
        self._fingerprint = None if fingerprint is None else ("sha-256", fingerprint)
        self._admission = admission

    def open(
        self,
        seat: Seat,
        name: str,
        local_host: str,
        peer_address: str,
        *,
        call: str = "",
        offer: str | None = None,
        shares: bool = True,
    ) -> CallSession:
        """Ports, SSRCs and descriptions for a call that is none of a participant's yet. Raises NoPortsLeft.

        ``local_host`` is the address of ours that the peer at ``peer_address`` reaches. Whoever opens one adopts its
        call, or releases it. What is offered fits the bandwidth for ``call``, an incoming one (raises Refusing when
        there is none), or else that at ``peer_address``. What a peer's ``offer`` does not have gets no ports, nor do a
        second picture and camera control without ``shares``.
        """
        capabilities = within(self._capabilities, seat.largest_picture)
        if self._admission is not None:
            rate = self._admission.reserve(call) if call else self._admission.room_at(peer_address)
            capabilities = _limited(capabilities, rate)
        bind_host, public_host = self._addresses.towards(local_host, peer_address, _media_address(offer))
        steers = shares and (offer is None or "H224/4800" in offer.upper())
        shares = shares and (offer is None or _may_share(offer))
        audio, video, content, floor, camera = self._take_ports(True, True, shares, shares, steers)
        room = RoomMedia(
            bind_host=bind_host,
            public_host=public_host,
            audio_port=audio,
            video_port=video,
            audio_ssrc=self._ids(),
            video_ssrc=self._ids(),
            security=LocalSecurity(self._secret(SECRET_OCTETS), self._fingerprint),
            ice=LocalIce(self._secret(4).hex(), self._secret(16).hex()),
            content_port=content,
            camera_port=camera,
            camera_ssrc=self._ids(),
            content_ssrc=self._ids(),
            floor_port=floor,
            floor_conference=self._ids(),
        )
        descriptions = CallDescriptions(room, capabilities, self._ids())
        session = CallSession(seat, name, room, descriptions, on_floor=self._floors.serve)
        if call:
            self.count(call, session)
        return session

    def count(self, call: str, session: CallSession) -> None:
        """Tell the books of every leg that is negotiated in this call."""
        if self._admission is not None:
            session.on_leg = partial(self._admission.negotiated, call)

    def ask_for_bandwidth(self, call: str, session: CallSession) -> None:
        """A call that was lowered may get more by now, one that is in keeps what it has."""
        if self._admission is not None and (rate := self._admission.negotiate_again(call)) is not None:
            self.limit(session, rate)

    def limit(self, session: CallSession, rate: int) -> None:
        """From its next offer or answer on, pictures of this call have at most this rate each way, in bit/s."""
        session.descriptions.capabilities = _limited(self._capabilities, rate)

    def release(self, session: CallSession) -> None:
        """Give its ports back, once: afterwards they may be another call's."""
        if session.holds_ports:
            session.holds_ports = False
            self._ports.give_back(*session.room.ports)
            self._tasks.start(self._floors.release(session))

    def _take_ports(self, *wanted: bool) -> list[int]:
        """The first port of a pair for each one wanted, else 0. Raises NoPortsLeft."""
        taken: list[int] = []
        try:
            for one in wanted:
                taken += [self._ports.take()] if one else [0]
        except NoPortsLeft:
            self._ports.give_back(*taken)
            raise
        return taken


# The H.264 levels that carry a size at 30 pictures per second (ITU-T H.264 table A-1), largest first.
_LEVELS = ((1920 * 1080, 40), (1280 * 720, 31), (640 * 360, 30))


def within(capabilities: LocalCapabilities, largest: tuple[int, int] | None) -> LocalCapabilities:
    """The capabilities with a level at which the peer sends pictures of at most this size; None: as they are."""
    if largest is None:
        return capabilities
    pixels = largest[0] * largest[1]
    level = next((level for size, level in _LEVELS if size <= pixels), _LEVELS[-1][1])
    return replace(capabilities, level=min(capabilities.level, level))


def _limited(capabilities: LocalCapabilities, rate: int) -> LocalCapabilities:
    """The capabilities with at most this rate of picture each way."""
    return replace(
        capabilities,
        receive_bitrate=min(capabilities.receive_bitrate, rate),
        send_bitrate=min(capabilities.send_bitrate, rate),
    )


def _media_address(offer: str | None) -> str | None:
    """The IP address where the first m-line of a peer's offer wants its packets; None where it does not say."""
    if offer is None:
        return None
    try:
        description = parse(offer)
    except SdpError:
        return None  # whoever answers it will say so
    used = next((media for media in description.media if media.port), None)
    return None if used is None else ip_address(connection_address(description, used))


def _may_share(offer: str) -> bool:
    """Whether a description may have a second picture: most rooms' have none, and need no ports for it."""
    return "BFCP" in offer or "content:" in offer
