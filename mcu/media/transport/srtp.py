"""SRTP and SRTCP of one m-line (RFC 3711, RFC 7714): keys from the descriptions, from DTLS, or none at all."""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from typing import Protocol

from mcu.media.packets import Srtp
from mcu.media.spec import PathNumbers, SdesKeys
from mcu.media.transport.dtls import DtlsSession
from mcu.media.transport.dtls_contest import DtlsContest
from mcu.media.transport.srtp_numbers import heard_of, sent_of, sources_of

logger = logging.getLogger(__name__)

# A worker that takes over a call does not know how often the peer's sequence numbers have rolled over. So many times
# are tried: at 200 packets a second that is a call of six hours.
MAX_ROLLOVERS = 64
# Octets of the authentication tag of SRTP and of SRTCP, which a master key identifier stands before (RFC 3711 section
# 3.1, RFC 4568 section 6.2); with GCM the tag is part of what is encrypted (RFC 7714 section 8.2).
_TAGS = {
    "AES_CM_128_HMAC_SHA1_80": (10, 10),
    "AES_CM_128_HMAC_SHA1_32": (4, 10),
    "AEAD_AES_128_GCM": (0, 0),
    "AEAD_AES_256_GCM": (0, 0),
}
# A search costs about a hundred microseconds; whoever sends rubbish gets one only for every so many packets.
_PACKETS_PER_SEARCH = 250


class Cipher(Protocol):
    """What protects an m-line. A packet that cannot be (un)protected is left out or None, and counted."""

    @property
    def authenticates(self) -> bool:
        """Whether a packet that comes through is surely the peer's."""

    @property
    def refused(self) -> int:
        """Packets that could not be (un)protected."""

    def protect_rtp(self, packets: Sequence[bytes]) -> Sequence[bytes]: ...
    def protect_rtcp(self, packets: Sequence[bytes]) -> Sequence[bytes]: ...
    def unprotect_rtp(self, data: bytes) -> bytes | None: ...
    def unprotect_rtp_run(self, packets: list[bytes]) -> list[bytes]:
        """Packets that came together, without those that do not come through."""

    def unprotect_rtcp(self, data: bytes) -> bytes | None: ...

    def numbers(self) -> PathNumbers:
        """How far it has come both ways, without ``protection``."""

    def resume(self, numbers: PathNumbers) -> None:
        """Go on from there."""


class NoCipher:
    """RTP in the clear."""

    authenticates = False
    refused = 0

    def protect_rtp(self, packets: Sequence[bytes]) -> Sequence[bytes]:
        return packets

    def protect_rtcp(self, packets: Sequence[bytes]) -> Sequence[bytes]:
        return packets

    def unprotect_rtp(self, data: bytes) -> bytes | None:
        return data

    def unprotect_rtp_run(self, packets: list[bytes]) -> list[bytes]:
        return packets

    def unprotect_rtcp(self, data: bytes) -> bytes | None:
        return data

    def numbers(self) -> PathNumbers:
        return PathNumbers()

    def resume(self, numbers: PathNumbers) -> None:
        """Nothing is counted here."""


class DtlsCipher:
    """Keys from DTLS: one association, or a second one for RTCP on a port of its own (RFC 5764 section 4.1)."""

    authenticates = True

    def __init__(self, rtp: DtlsSession | DtlsContest, rtcp: DtlsSession | DtlsContest) -> None:
        self._rtp, self._rtcp = rtp, rtcp

    @property
    def refused(self) -> int:
        """Those of both associations."""
        return sum(one.refused_packets for one in {self._rtp, self._rtcp})

    def protect_rtp(self, packets: Sequence[bytes]) -> Sequence[bytes]:
        return self._rtp.protect_rtp(packets)

    def protect_rtcp(self, packets: Sequence[bytes]) -> Sequence[bytes]:
        return self._rtcp.protect_rtcp(packets)

    def unprotect_rtp(self, data: bytes) -> bytes | None:
        return self._rtp.unprotect_rtp(data)

    def unprotect_rtp_run(self, packets: list[bytes]) -> list[bytes]:
        return self._rtp.unprotect_rtp_run(packets)

    def unprotect_rtcp(self, data: bytes) -> bytes | None:
        return self._rtcp.unprotect_rtcp(data)

    def numbers(self) -> PathNumbers:
        return PathNumbers(
            sent=sent_of(self._rtp.sources(inbound=False), self._rtcp.sources(inbound=False)),
            heard=heard_of(self._rtp.sources(inbound=True), self._rtcp.sources(inbound=True)),
        )

    def resume(self, numbers: PathNumbers) -> None:
        """Keys from a handshake are new, and nothing has been sent under them."""


class SdesCipher:
    """Keys from the descriptions (RFC 4568). Raises ValueError for keys that do not fit their suite."""

    authenticates = True

    def __init__(self, keys: SdesKeys) -> None:
        self._suite = keys.suite
        self._remote = _decoded(keys.remote)
        self._outbound = Srtp(keys.suite, _decoded(keys.local), inbound=False)
        self._inbound = Srtp(keys.suite, self._remote, inbound=True)
        self._rtcp_outbound = Srtp(keys.suite, _decoded(keys.rtcp_local or keys.local), inbound=False)
        self._rtcp_inbound = Srtp(keys.suite, _decoded(keys.rtcp_remote or keys.remote), inbound=True)
        self._local_mki, self._remote_mki = bytes.fromhex(keys.local_mki), bytes.fromhex(keys.remote_mki)
        self._rtp_tag, self._rtcp_tag = _TAGS[keys.suite]
        self._heard: int | None = None  # the SSRC of which packets have come through
        self.refused = 0

    def protect_rtp(self, packets: Sequence[bytes]) -> Sequence[bytes]:
        """RTP to SRTP."""
        return with_identifier(self._done(self._outbound.protect_rtp(packets)), self._local_mki, self._rtp_tag)

    def protect_rtcp(self, packets: Sequence[bytes]) -> Sequence[bytes]:
        """RTCP to SRTCP."""
        done = self._done(self._rtcp_outbound.protect_rtcp(packets))
        return with_identifier(done, self._local_mki, self._rtcp_tag)

    def unprotect_rtp(self, data: bytes) -> bytes | None:
        """SRTP to RTP."""
        bare = without_identifier(data, self._remote_mki, self._rtp_tag)
        (plain,) = self._inbound.unprotect_rtp((bare,))
        if plain is None and bare is not data:
            (plain,) = self._inbound.unprotect_rtp((data,))
        if plain is None:
            return self._recover(bare)
        self._heard = int.from_bytes(data[8:12], "big")
        return plain

    def unprotect_rtp_run(self, packets: list[bytes]) -> list[bytes]:
        """The same of packets that came together."""
        if self._remote_mki:
            return [plain for data in packets if (plain := self.unprotect_rtp(data)) is not None]
        done = []
        for data, plain in zip(packets, self._inbound.unprotect_rtp(packets), strict=True):
            if plain is None:
                plain = self._recover(data)
            else:
                self._heard = int.from_bytes(data[8:12], "big")
            if plain is not None:
                done.append(plain)
        return done

    def unprotect_rtcp(self, data: bytes) -> bytes | None:
        """SRTCP to RTCP; its index travels in the packet, so nothing has to be guessed."""
        bare = without_identifier(data, self._remote_mki, self._rtcp_tag)
        (plain,) = self._rtcp_inbound.unprotect_rtcp((bare,))
        if plain is None and bare is not data:
            (plain,) = self._rtcp_inbound.unprotect_rtcp((data,))
        if plain is None:
            self._refuse()
        return plain

    def numbers(self) -> PathNumbers:
        """How far it has come both ways."""
        return PathNumbers(
            sent=sent_of(self._outbound.sources(), self._rtcp_outbound.sources()),
            heard=heard_of(self._inbound.sources(), self._rtcp_inbound.sources()),
        )

    def resume(self, numbers: PathNumbers) -> None:
        """Go on from there, before anything is sent or received."""
        for ssrc, rollovers, highest, index in sources_of(numbers.sent):
            self._outbound.resume(ssrc, rollovers, highest, 0)
            self._rtcp_outbound.resume(ssrc, 0, None, index)
        for ssrc, heard in numbers.heard.items():
            if heard.highest is not None:
                self._inbound.resume(ssrc, heard.rollovers, heard.highest, 0)
            self._rtcp_inbound.resume(ssrc, 0, None, heard.rtcp_index)

    def _done(self, packets: list[bytes | None]) -> list[bytes]:
        done = [packet for packet in packets if packet is not None]
        self.refused += len(packets) - len(done)
        return done

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
        # Aside, so that a source that does not authenticate leaves nothing behind.
        trial = Srtp(self._suite, self._remote, inbound=True)
        for rollovers in range(1, MAX_ROLLOVERS):
            trial.resume(ssrc, rollovers, None, 0)
            (plain,) = trial.unprotect_rtp((data,))
            if plain is not None:
                self._inbound.resume(ssrc, rollovers, int.from_bytes(data[2:4], "big"), 0)
                self._heard = ssrc
                return plain
        return None


def with_identifier(packets: Sequence[bytes], mki: bytes, tag: int) -> Sequence[bytes]:
    """Protected packets with a master key identifier before their last ``tag`` octets."""
    if not mki:
        return packets
    return [data[: len(data) - tag] + mki + data[len(data) - tag :] for data in packets]


def without_identifier(data: bytes, mki: bytes, tag: int) -> bytes:
    """A packet without its identifier. One that has none there is left as it is: some only announce it.

    Such a packet may have the same octets there by chance; then it does not authenticate without them.
    """
    end = len(data) - tag
    if not mki or end < len(mki) or data[end - len(mki) : end] != mki:
        return data
    return data[: end - len(mki)] + data[end:]


def _decoded(key: str) -> bytes:
    return base64.b64decode(key, validate=True)
