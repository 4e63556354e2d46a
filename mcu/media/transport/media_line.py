"""One m-line of a room: its port, what protects it, and ICE-lite where that was agreed on."""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections.abc import Callable, Sequence
from typing import cast

from aiortc.rtcdtlstransport import RTCCertificate

from mcu.media.spec import DtlsKeys, IceSpec, PathNumbers, SdesKeys, SuiteName
from mcu.media.transport.dtls import DtlsError, DtlsSession
from mcu.media.transport.dtls_contest import DtlsContest
from mcu.media.transport.ice_lite import IceLiteAgent, StunError, is_stun, parse_check
from mcu.media.transport.plain_port import Bind, Component, PlainPort
from mcu.media.transport.sockets import NetworkAddress
from mcu.media.transport.srtp import Cipher, DtlsCipher, NoCipher, SdesCipher
from mcu.media.transport.srtp_numbers import protection_of

logger = logging.getLogger(__name__)

# A peer on a bad network needs several flights; a room that has just answered may take seconds to open its media.
HANDSHAKE_TIMEOUT = 20.0


class MediaLine:
    """Opened once.

    ``on_rtp`` and ``on_rtcp`` get decrypted packets, ``on_rtp_run`` where it is given those that came together; what is
    sent is encrypted here. ``on_connected`` is called when DTLS has given keys, once more when RTCP has got its own;
    without DTLS the line is connected from the start. ``on_failed`` is called when that will never be. ``certificate``
    is ours, for DTLS. Raises ValueError for keys that are none.
    """

    def __init__(
        self,
        security: SdesKeys | DtlsKeys | None,
        ice: IceSpec | None,
        certificate: RTCCertificate | None,
        rtcp_mux: bool,
        *,
        on_rtp: Callable[[bytes], None],
        on_rtcp: Callable[[bytes], None],
        accepts: Callable[[bytes], bool],
        on_connected: Callable[[], None],
        on_failed: Callable[[str], None],
        on_rtp_run: Callable[[list[bytes]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._on_connected, self._on_failed = on_connected, on_failed
        self._components = (Component.RTP,) if rtcp_mux else (Component.RTP, Component.RTCP)
        self._agents = {
            component: IceLiteAgent(ice.local_ufrag, ice.local_password, ice.remote_ufrag)
            for component in (self._components if ice is not None else ())
            if ice is not None
        }
        self._reachable = asyncio.Event()
        self._role = security.role if isinstance(security, DtlsKeys) else None
        self._associations: dict[Component, DtlsSession | DtlsContest] = {}
        if isinstance(security, DtlsKeys):
            if certificate is None:
                raise ValueError("there is no certificate here for DTLS")
            self._associations = {
                component: self._associate(component, security, certificate) for component in self._components
            }
        self._security = security
        self._cipher = self._make_cipher(security)
        self._handshakes: list[asyncio.Task[None]] = []
        self.is_connected = not self._associations
        self.port = PlainPort(
            on_rtp=on_rtp,
            on_rtcp=on_rtcp,
            accepts=accepts,
            cipher=self._cipher,
            on_other=self._receive_other if self._agents or self._associations else None,
            on_rtp_run=on_rtp_run,
        )

    def _associate(
        self, component: Component, keys: DtlsKeys, certificate: RTCCertificate
    ) -> DtlsSession | DtlsContest:
        def make(send: Callable[[bytes], None], cookie: bytes | None = None) -> DtlsSession:
            return DtlsSession(certificate, keys.fingerprints, keys.role, send, cookie)

        if keys.role == "client" or self._agents:
            return make(lambda data: self.port.send_other(component, data))
        return DtlsContest(
            make,
            lambda data, source: self.port.send_other(component, data, source),
            lambda: self.port.remote_of(component),
            lambda source: self._settle(component, source),
        )

    def _settle(self, component: Component, source: NetworkAddress) -> None:
        """The peer has shown its certificate there."""
        self.port.may_be_heard(component, source)

    def _make_cipher(self, security: SdesKeys | DtlsKeys | None) -> Cipher:
        if isinstance(security, SdesKeys):
            return SdesCipher(security)
        if self._associations:
            rtp = self._associations[Component.RTP]
            return DtlsCipher(rtp, self._associations.get(Component.RTCP, rtp))
        return NoCipher()

    async def open(self, host: str, port: int, bind: Bind) -> None:
        """Bind the port and the one above; raises OSError when one is taken."""
        await self.port.open(host, port, bind)

    def start(self) -> None:
        """Begin the handshakes, once the peer's address has been set."""
        for component, association in self._associations.items():
            self._handshakes.append(asyncio.create_task(self._connect(component, association)))

    def dtls_keys(self) -> SdesKeys | None:
        """What DTLS agreed on, in the form of keys from a description; None where it has not, or is not used."""
        found = {component: association.keys() for component, association in self._associations.items()}
        rtp, rtcp = found.get(Component.RTP), found.get(Component.RTCP)
        if rtp is None:
            return None
        return SdesKeys(
            suite=cast("SuiteName", rtp[0]),
            local=_encoded(rtp[1]),
            remote=_encoded(rtp[2]),
            rtcp_local=_encoded(rtcp[1]) if rtcp else None,
            rtcp_remote=_encoded(rtcp[2]) if rtcp else None,
        )

    def numbers(self) -> PathNumbers:
        """How far the line has come under its present keys."""
        keys = self._security if isinstance(self._security, SdesKeys) else self.dtls_keys()
        return self._cipher.numbers().model_copy(update={"protection": protection_of(keys)})

    def resume(self, numbers: PathNumbers) -> None:
        """Go on from there; before ``start``."""
        self._cipher.resume(numbers)

    def send_rtp(self, packets: Sequence[bytes], ahead: bool = False) -> None:
        """Encrypt and send, ``ahead`` of what waits or behind it."""
        self.port.send_rtp(packets, ahead)

    def send_rtcp(self, packets: Sequence[bytes]) -> None:
        """Encrypt and send."""
        self.port.send_rtcp(packets)

    async def close(self) -> None:
        """End the associations and close the sockets."""
        for task in self._handshakes:
            task.cancel()
        await asyncio.gather(*self._handshakes, return_exceptions=True)
        if self._handshakes:
            for association in self._associations.values():
                await association.close()
        await self.port.close()

    async def _connect(self, component: Component, association: DtlsSession | DtlsContest) -> None:
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT):
                if self._agents and self._role == "client":
                    await self._reachable.wait()  # before a check has come, our flights would go nowhere
                await association.handshake()
        except (DtlsError, TimeoutError) as error:
            reason = str(error) or f"no DTLS handshake in {HANDSHAKE_TIMEOUT:.0f} s"
            if component is Component.RTP:
                self._on_failed(reason)
            else:
                # Not every room keeps an association for RTCP alone; sound and picture flow without.
                logger.info("RTCP will not flow: %s", reason)
        else:
            if component is Component.RTP:
                self.is_connected = True
            if self.is_connected:
                self._on_connected()

    def _receive_other(self, component: Component, data: bytes, source: NetworkAddress) -> None:
        agent = self._agents.get(component)
        if agent is not None and is_stun(data):
            self._receive_check(component, agent, data, source)
            return
        association = self._associations.get(component)
        if association is None or not 20 <= data[0] <= 63:
            self.port.count_stranger(source)
        elif isinstance(association, DtlsContest) and self.port.may_be(component, source):
            association.receive_dtls(data, source)
        elif isinstance(association, DtlsSession) and self._may_shake_hands(component, source):
            association.receive_dtls(data)
        else:
            self.port.count_stranger(source)

    def _may_shake_hands(self, component: Component, source: NetworkAddress) -> bool:
        return self.port.is_proved(source) if self._agents else self.port.may_be_heard(component, source)

    def _receive_check(self, component: Component, agent: IceLiteAgent, data: bytes, source: NetworkAddress) -> None:
        try:
            response = agent.receive_check(parse_check(data), source, self._clock())
        except StunError as error:
            logger.debug("connectivity check: %s", error)
            self.port.count_stranger(source)
            return
        self.port.prove(component, source, agent.selected or source)
        self.port.send_other(component, response, source)
        self._reachable.set()


def _encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()
