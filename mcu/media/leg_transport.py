"""How the packets of a leg travel: UDP ports for each m-line of a room, one DTLS-SRTP association for a browser."""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from aiortc.rtcdtlstransport import RTCCertificate

from mcu.media.demultiplexer import Demultiplexer, MidExtension, PayloadTypes
from mcu.media.numbering import LegNumbering
from mcu.media.packets import MediaPort
from mcu.media.spec import Address, LegNumbers, Line, PlainTransport, SdesKeys, SuiteName, WebRtcTransport
from mcu.media.transport.browser_port import BrowserEndpoint, BrowserPort
from mcu.media.transport.dtls import DtlsError, DtlsSession
from mcu.media.transport.ice_lite import IceLiteAgent
from mcu.media.transport.media_line import MediaLine
from mcu.media.transport.media_pacer import MediaPacer
from mcu.media.transport.plain_port import Bind
from mcu.media.transport.sockets import bound_udp_socket
from mcu.media.transport.srtp_numbers import protection_of

logger = logging.getLogger(__name__)

# A browser on a bad network needs several flights; after this its page has long offered anew.
HANDSHAKE_TIMEOUT = 20.0


class LegTransportError(Exception):
    """The leg's path could not be opened; the message says why."""


class LegTransport(Protocol):
    """What a leg needs of its path."""

    @property
    def is_connected(self) -> bool:
        """Whether what is sent now can be read at the other end."""

    @property
    def ways(self) -> object:
        """Something that is another as soon as the addresses in ``numbers`` are."""

    async def open(self, spec: PlainTransport | WebRtcTransport, numbering: LegNumbering) -> None:
        """Bind, and go on where ``numbering`` says. Raises LegTransportError."""

    def update(self, spec: PlainTransport | WebRtcTransport) -> None:
        """Take a changed address of the peer."""

    def send_rtp(self, media: Line, packets: Sequence[bytes], ahead: bool = False) -> None:
        """Send, ``ahead`` of what waits or behind it."""

    def wait(self, media: Line) -> float:
        """Seconds that what is sent now waits before it leaves, where that is not seen otherwise."""

    def send_rtcp(self, media: Line, packets: Sequence[bytes]) -> None: ...

    def numbers(self) -> LegNumbers:
        """How far the paths have come, and which addresses have proved themselves."""

    async def close(self) -> None: ...


RtpReceiver = Callable[[Line, bytes], None]
RtcpReceiver = Callable[[Line | None, bytes], None]


class PlainLegTransport:
    """RTP as rooms have it: a pair of UDP ports for each m-line, each protected in its own way or not at all.

    ``certificate`` is ours for lines that use DTLS. ``on_rtp_run``, set before ``open``, gets packets of a line that
    came together instead of ``on_rtp``.
    """

    def __init__(
        self,
        on_rtp: RtpReceiver,
        on_rtcp: RtcpReceiver,
        payload_types: PayloadTypes,
        bind: Bind = bound_udp_socket,
        certificate: RTCCertificate | None = None,
    ) -> None:
        self._bind = bind
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self._payload_types = payload_types
        self._certificate = certificate
        self._lines: dict[Line, MediaLine] = {}
        self.on_rtp_run: Callable[[Line, list[bytes]], None] | None = None
        self.on_connected: Callable[[], None] = lambda: None
        self.on_failed: Callable[[str], None] = lambda reason: None

    @property
    def is_connected(self) -> bool:
        """Whether all m-lines have their keys."""
        return all(line.is_connected for line in self._lines.values())

    @property
    def ways(self) -> object:
        """None: rooms' addresses come from their descriptions, or are found anew."""
        return None

    async def open(self, spec: PlainTransport | WebRtcTransport, numbering: LegNumbering) -> None:
        assert isinstance(spec, PlainTransport)
        local: dict[Line, int] = {
            "audio": spec.audio_port,
            "video": spec.video_port,
            "content": spec.content_port,
            "camera": spec.camera_port,
        }
        for media, number in local.items():
            if number == 0:
                continue
            try:
                line = self._make_line(media, spec)
                await line.open(spec.local_host, number, self._bind)
            except OSError as error:
                await self.close()
                raise LegTransportError(f"UDP port {number} for {media}: {error.strerror}") from error
            except ValueError as error:
                await self.close()
                raise LegTransportError(f"encryption of {media}: {error}") from error
            self._lines[media] = line
        self.update(spec)
        for media, line in self._lines.items():
            keys = spec.security.get(media)
            if numbering.inherited and isinstance(keys, SdesKeys):
                line.resume(numbering.path(media, protection_of(keys)))
            line.start()

    def update(self, spec: PlainTransport | WebRtcTransport) -> None:
        assert isinstance(spec, PlainTransport)
        remote: dict[Line, Address | None] = {
            "audio": spec.audio_remote,
            "video": spec.video_remote,
            "content": spec.content_remote,
            "camera": spec.camera_remote,
        }
        for media, line in self._lines.items():
            address = remote[media]
            line.port.set_remote((address.host, address.port) if address else None, spec.symmetric, spec.rtcp_mux)

    def dtls_keys(self) -> dict[Line, SdesKeys]:
        """What DTLS has given to each m-line that uses it, so far."""
        return {media: keys for media, line in self._lines.items() if (keys := line.dtls_keys()) is not None}

    def numbers(self) -> LegNumbers:
        return LegNumbers(paths={media: line.numbers() for media, line in self._lines.items()})

    def follow(self, media: Line, rate: float | None) -> None:
        """The network carries so many bit/s of this line; None: nothing is known to bind."""
        if line := self._lines.get(media):
            line.port.follow(rate)

    def wait(self, media: Line) -> float:
        line = self._lines.get(media)
        return 0.0 if line is None else line.port.wait

    def send_rtp(self, media: Line, packets: Sequence[bytes], ahead: bool = False) -> None:
        if line := self._lines.get(media):
            line.send_rtp(packets, ahead)

    def send_rtcp(self, media: Line, packets: Sequence[bytes]) -> None:
        if line := self._lines.get(media):
            line.send_rtcp(packets)

    async def close(self) -> None:
        lines = tuple(self._lines.values())
        self._lines.clear()
        for line in lines:
            await line.close()

    def _make_line(self, media: Line, spec: PlainTransport) -> MediaLine:
        def accepts(data: bytes) -> bool:
            return len(data) >= 12 and data[0] >> 6 == 2 and data[1] & 0x7F in self._payload_types[media]

        def connected() -> None:
            if self.is_connected:
                self.on_connected()

        run = self.on_rtp_run
        return MediaLine(
            spec.security.get(media),
            spec.ice.get(media),
            self._certificate,
            spec.rtcp_mux,
            on_rtp=lambda data: self._on_rtp(media, data),
            on_rtcp=lambda data: self._on_rtcp(media, data),
            accepts=accepts,
            on_connected=connected,
            on_failed=lambda reason: self.on_failed(f"{media}: {reason}"),
            on_rtp_run=None if run is None else lambda packets: run(media, packets),
        )


@dataclass(frozen=True)
class BrowserAccess:
    """What all browser legs of a worker share: the port, and the certificate that DTLS shows."""

    port: BrowserPort
    certificate: RTCCertificate


class BrowserLegTransport:
    """ICE-lite and DTLS-SRTP on the worker's browser port, all bundled (RFC 9143); ``on_rtp_run`` as with rooms."""

    def __init__(
        self,
        on_rtp: RtpReceiver,
        on_rtcp: RtcpReceiver,
        payload_types: PayloadTypes,
        access: BrowserAccess,
        mids: Mapping[Line, MidExtension] | None = None,
    ) -> None:
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self._demultiplexer = Demultiplexer(payload_types, mids or {})
        self._sound = payload_types.get("audio", frozenset())
        self._port = access.port
        self._certificate = access.certificate
        self._endpoint: BrowserEndpoint | None = None
        self._pacer: MediaPacer | None = None
        self._dtls: DtlsSession | None = None
        self._handshake: asyncio.Task[None] | None = None
        self._keys: SdesKeys | None = None
        self.is_connected = False
        self.on_rtp_run: Callable[[Line, list[bytes]], None] | None = None
        self.on_connected: Callable[[], None] = lambda: None
        self.on_failed: Callable[[str], None] = lambda reason: None
        self.on_missing: Callable[[], None] = lambda: None
        """Told when packets are missing of what the browser sends and others get as it is."""
        self.on_lost: Callable[[float], None] = lambda seconds: None

    async def open(self, spec: PlainTransport | WebRtcTransport, numbering: LegNumbering) -> None:
        assert isinstance(spec, WebRtcTransport)
        agent = IceLiteAgent(spec.local_ufrag, spec.local_password, spec.remote_ufrag)
        try:
            self._endpoint = self._port.add(agent, self)
        except ValueError as error:
            raise LegTransportError(str(error)) from error
        self._endpoint.sound = self._sound
        self._endpoint.on_lost = lambda seconds: self.on_lost(seconds)
        self._pacer = MediaPacer(self._endpoint.media, self._endpoint.peer, self._send_again)
        if numbering.keys is not None:
            self._go_on(self._endpoint, numbering.keys, numbering)
            return
        self._dtls = DtlsSession(self._certificate, spec.fingerprints, spec.dtls_role, self._endpoint.send_dtls)
        self._handshake = asyncio.create_task(self._connect(self._endpoint, self._dtls))

    def _go_on(self, endpoint: BrowserEndpoint, keys: SdesKeys, numbering: LegNumbering) -> None:
        """The browser need not know that it talks to another process: no handshake, the same keys and addresses."""
        endpoint.set_keys(keys.suite, base64.b64decode(keys.local), base64.b64decode(keys.remote))
        endpoint.resume(numbering.path("bundle", protection_of(keys)))
        selected = None if numbering.selected is None else (numbering.selected.host, numbering.selected.port)
        endpoint.restore([(address.host, address.port) for address in numbering.addresses], selected)
        self._keys = keys
        self.is_connected = True

    def know(self, source: int, media: Line) -> None:
        """A source whose packets do not say any more which stream they belong to."""
        self._demultiplexer.know(source, media)

    @property
    def port(self) -> tuple[MediaPort, int]:
        """The compiled port, and the number that this browser has on it; once it is open."""
        assert self._endpoint is not None
        return self._endpoint.media, self._endpoint.peer

    def update(self, spec: PlainTransport | WebRtcTransport) -> None:
        """Take changed credentials; addresses come from the browser's checks. Raises LegTransportError."""
        assert isinstance(spec, WebRtcTransport)
        if self._endpoint is None:
            return
        agent = self._endpoint.agent
        if (spec.local_ufrag, spec.remote_ufrag) == (agent.local_ufrag, agent.remote_ufrag):
            return
        try:
            self._endpoint.restart(IceLiteAgent(spec.local_ufrag, spec.local_password, spec.remote_ufrag))
        except ValueError as error:
            raise LegTransportError(str(error)) from error

    @property
    def ways(self) -> object:
        """Of the addresses that have proved themselves, and the one in use."""
        return None if self._endpoint is None else self._endpoint.moves

    def has_gone_far(self, packets: int) -> bool:
        """Whether under some SSRC so many packets were sent since ``numbers`` was asked."""
        return self._endpoint is not None and self._endpoint.media.gone_far(self._endpoint.peer, packets)

    def keys(self) -> SdesKeys | None:
        """What the handshake gave, in the form of keys from a description; None before its end."""
        return self._keys

    def numbers(self) -> LegNumbers:
        if self._endpoint is None or self._keys is None:
            return LegNumbers()
        path = self._endpoint.numbers().model_copy(update={"protection": protection_of(self._keys)})
        addresses, selected = self._endpoint.lasting_addresses()
        return LegNumbers(
            paths={"bundle": path},
            addresses=tuple(Address(host=host, port=port) for host, port in addresses),
            selected=None if selected is None else Address(host=selected[0], port=selected[1]),
            transport_sequence=self._endpoint.media.next_number(self._endpoint.peer),
        )

    def send_rtp(self, media: Line, packets: Sequence[bytes], ahead: bool = False) -> None:
        if self._pacer is not None:
            self._pacer.send(packets, urgent=media == "audio", ahead=ahead)

    def wait(self, media: Line) -> float:
        return 0.0  # packets are counted, and their time taken, when they leave

    def follow(self, rate: float | None) -> None:
        """The network to the browser carries so many bit/s; None: it does not bind."""
        if self._pacer is not None:
            self._pacer.follow(rate)

    def probe(self, packets: Sequence[bytes], rate: float) -> None:
        """Try whether the network carries this rate, bit/s, with packets that the browser knows already."""
        if self._pacer is not None and packets:
            self._pacer.probe(packets, rate)

    def _send_again(self, packets: Sequence[bytes]) -> None:
        if self._endpoint is not None:
            self._port.send(packets, self._endpoint.agent.selected)

    def send_rtcp(self, media: Line, packets: Sequence[bytes]) -> None:
        if self._endpoint is not None:
            self._endpoint.send_rtcp(packets)

    async def close(self) -> None:
        if self._handshake is not None:
            self._handshake.cancel()
            await asyncio.gather(self._handshake, return_exceptions=True)
        if self._dtls is not None:
            await self._dtls.close()
        if self._pacer is not None:
            self._pacer.close()
            self._pacer = None
        if self._endpoint is not None:
            self._endpoint.close()

    async def _connect(self, endpoint: BrowserEndpoint, association: DtlsSession) -> None:
        started = time.monotonic()
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT):
                await association.handshake()
        except (DtlsError, TimeoutError) as error:
            self.on_failed(str(error) or f"no DTLS handshake in {HANDSHAKE_TIMEOUT:.0f} s")
        else:
            keys = association.keys()
            assert keys is not None
            endpoint.set_keys(*keys)
            suite, local, remote = keys
            self._keys = SdesKeys(suite=cast("SuiteName", suite), local=_encoded(local), remote=_encoded(remote))
            logger.debug("browser leg connected in %.0f ms", (time.monotonic() - started) * 1000)
            self.is_connected = True
            self.on_connected()

    # BrowserListener

    def packets_missing(self) -> None:
        self.on_missing()

    def dtls_received(self, data: bytes) -> None:
        # Who goes on without a handshake has nobody to read alerts or repetitions: silence of media ends the leg.
        if self._dtls is not None:
            self._dtls.receive_dtls(data)

    def rtp_received(self, packets: list[bytes]) -> None:
        for media, run in self._demultiplexer.runs_of(packets):
            if self.on_rtp_run is not None:
                self.on_rtp_run(media, run)
                continue
            for packet in run:
                self._on_rtp(media, packet)

    def rtcp_received(self, packet: bytes) -> None:
        self._on_rtcp(None, packet)


def _encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()
