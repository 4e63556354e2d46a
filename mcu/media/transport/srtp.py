"""SRTP and SRTCP of one m-line (RFC 3711, RFC 7714): keys from the descriptions, from DTLS, or none at all."""

from __future__ import annotations

import base64
import logging
from typing import Protocol

import pylibsrtp

from mcu.media.spec import SdesKeys
from mcu.media.transport.dtls import DtlsSession

logger = logging.getLogger(__name__)

_PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}

# Packets by which a sender may be out of order and still be taken; at 8 Mbit/s about a second.
_REPLAY_WINDOW = 1024

# A worker that takes over a call does not know how often the peer's sequence numbers have rolled over. So many times
# are tried: at 200 packets a second that is a call of six hours.
MAX_ROLLOVERS = 64
# A search costs a few milliseconds; whoever sends rubbish gets one only for every so many packets.
_PACKETS_PER_SEARCH = 250
# Advances the index by less than half of the sequence numbers, so that no roll-over is missed (RFC 3711 appendix A).
_STRIDE = 0x6000


class Cipher(Protocol):
    """What protects an m-line. All methods give None for a packet that cannot be (un)protected, and count it."""

    @property
    def authenticates(self) -> bool:
        """Whether a packet that comes through is surely the peer's."""

    def protect_rtp(self, data: bytes) -> bytes | None: ...
    def protect_rtcp(self, data: bytes) -> bytes | None: ...
    def unprotect_rtp(self, data: bytes) -> bytes | None: ...
    def unprotect_rtcp(self, data: bytes) -> bytes | None: ...


class NoCipher:
    """RTP in the clear."""

    authenticates = False

    def protect_rtp(self, data: bytes) -> bytes | None:
        return data

    def protect_rtcp(self, data: bytes) -> bytes | None:
        return data

    def unprotect_rtp(self, data: bytes) -> bytes | None:
        return data

    def unprotect_rtcp(self, data: bytes) -> bytes | None:
        return data


class DtlsCipher:
    """Keys from DTLS: one association, or a second one for RTCP on a port of its own (RFC 5764 section 4.1)."""

    authenticates = True

    def __init__(self, rtp: DtlsSession, rtcp: DtlsSession) -> None:
        self._rtp, self._rtcp = rtp, rtcp

    def protect_rtp(self, data: bytes) -> bytes | None:
        return self._rtp.protect_rtp(data)

    def protect_rtcp(self, data: bytes) -> bytes | None:
        return self._rtcp.protect_rtcp(data)

    def unprotect_rtp(self, data: bytes) -> bytes | None:
        return self._rtp.unprotect_rtp(data)

    def unprotect_rtcp(self, data: bytes) -> bytes | None:
        return self._rtcp.unprotect_rtcp(data)


class SdesCipher:
    """Keys from the descriptions (RFC 4568). Raises ValueError for keys that do not fit their suite."""

    authenticates = True

    def __init__(self, keys: SdesKeys) -> None:
        self._profile = _PROFILES[keys.suite]
        self._remote = _decoded(keys.remote)
        self._outbound = self._session(_decoded(keys.local), inbound=False)
        self._inbound = self._session(self._remote, inbound=True)
        self._rtcp_outbound = self._session(_decoded(keys.rtcp_local or keys.local), inbound=False)
        self._rtcp_inbound = self._session(_decoded(keys.rtcp_remote or keys.remote), inbound=True)
        self._heard: int | None = None  # the SSRC of which packets have come through
        self.refused = 0

    def _session(self, key: bytes, *, inbound: bool) -> pylibsrtp.Session:
        policy = pylibsrtp.Policy(
            key=key,
            ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND if inbound else pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
            srtp_profile=self._profile,
        )
        policy.allow_repeat_tx = True  # a packet that the peer asks for again goes out as it was
        policy.window_size = _REPLAY_WINDOW
        return pylibsrtp.Session(policy)

    def protect_rtp(self, data: bytes) -> bytes | None:
        """RTP to SRTP."""
        try:
            return bytes(self._outbound.protect(data))
        except (pylibsrtp.Error, ValueError):  # the library takes no more than 1356 octets
            self.refused += 1
            return None

    def protect_rtcp(self, data: bytes) -> bytes | None:
        """RTCP to SRTCP."""
        try:
            return bytes(self._rtcp_outbound.protect_rtcp(data))
        except (pylibsrtp.Error, ValueError):
            self.refused += 1
            return None

    def unprotect_rtp(self, data: bytes) -> bytes | None:
        """SRTP to RTP."""
        try:
            plain = bytes(self._inbound.unprotect(data))
        except (pylibsrtp.Error, ValueError):
            return self._recover(data)
        self._heard = int.from_bytes(data[8:12], "big")
        return plain

    def unprotect_rtcp(self, data: bytes) -> bytes | None:
        """SRTCP to RTCP; its index travels in the packet, so nothing has to be guessed."""
        try:
            return bytes(self._rtcp_inbound.unprotect_rtcp(data))
        except (pylibsrtp.Error, ValueError):
            self._refuse()
            return None

    def _refuse(self) -> None:
        if not self.refused:
            logger.info("an SRTP packet does not authenticate; counted from now on")
        self.refused += 1

    def _recover(self, data: bytes) -> bytes | None:
        """A source not heard so far may have rolled over before we came (RFC 3711 section 3.3.1)."""
        self._refuse()
        ssrc = int.from_bytes(data[8:12], "big")
        if len(data) < 12 or ssrc == self._heard or self.refused % _PACKETS_PER_SEARCH != 1:
            return None
        found = self._search(data, ssrc)
        if found is None:
            return None
        self._inbound, plain = found
        self._heard = ssrc
        return plain

    def _search(self, data: bytes, ssrc: int) -> tuple[pylibsrtp.Session, bytes] | None:
        """Try one roll-over count after the other.

        The library has no way to set the count. But we know the peer's key: packets of our own making, in its name,
        lead a fresh session forward, and before each step the real packet is tried.
        """
        sender, session = self._session(self._remote, inbound=False), self._session(self._remote, inbound=True)
        sequence = int.from_bytes(data[2:4], "big")
        for index in range(0, MAX_ROLLOVERS << 16, _STRIDE):
            header = bytes((0x80, 0)) + (index & 0xFFFF).to_bytes(2, "big") + bytes(4) + ssrc.to_bytes(4, "big")
            try:
                session.unprotect(bytes(sender.protect(header + b"\0")))
            except pylibsrtp.Error:
                return None
            if (sequence - index) & 0xFFFF < _STRIDE:
                try:
                    return session, bytes(session.unprotect(data))
                except pylibsrtp.Error:
                    continue
        return None


def _decoded(key: str) -> bytes:
    return base64.b64decode(key, validate=True)
