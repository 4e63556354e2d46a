"""What the compiled module offers to Python."""

from collections.abc import Sequence

class Srtp:
    """One direction of SRTP and SRTCP (RFC 3711, RFC 7714): for sending, or with ``inbound`` for receiving.

    ``suite`` is its name in SDP (RFC 4568, RFC 7714), ``material`` master key and master salt. At most 64 sources
    (SSRCs) are remembered, inbound only those of which a packet has authenticated, the longest silent making room; a
    packet may be up to 1023 behind the newest of its source. Raises ValueError for an unknown suite or a wrong length.

    A method takes whole packets and gives as many results: what could not be done is None there, and counted. Packets
    that were sent before may be protected again, and come out as before. Not for two threads at once (RuntimeError).
    """

    malformed: int
    """Packets that were none, or too long."""
    forged: int
    """Packets that did not authenticate."""
    replayed: int
    """Packets that had been received before, or are too old to tell."""
    exhausted: int
    """Packets not sent since their key has been used as often as it may, or for too many sources."""

    def __init__(self, suite: str, material: bytes, *, inbound: bool) -> None: ...
    def protect_rtp(self, packets: Sequence[bytes]) -> list[bytes | None]: ...
    def protect_rtcp(self, packets: Sequence[bytes]) -> list[bytes | None]: ...
    def unprotect_rtp(self, packets: Sequence[bytes]) -> list[bytes | None]: ...
    def unprotect_rtcp(self, packets: Sequence[bytes]) -> list[bytes | None]: ...
    def sources(self) -> list[tuple[int, int, int | None, int]]:
        """Of each source: SSRC, roll-over count, highest sequence number (None before any RTP), last SRTCP index."""

    def resume(self, ssrc: int, rollovers: int, highest: int | None, rtcp_index: int, /) -> None:
        """Go on where another context stopped. Inbound, what came before counts as received already.

        Without ``highest`` the next packet sets it, within this roll-over count. Raises ValueError out of range.
        """

class UdpSocket:
    """Batches of datagrams on a bound, non-blocking UDP socket, which stays its owner's. Raises OSError, ValueError."""

    cut: int
    """Datagrams dropped since they were longer than 2048 octets."""
    segmenting: bool
    """Whether runs of equal length go out as one (UDP GSO); False from the first time the kernel cannot."""

    def __init__(self, fileno: int) -> None: ...
    def receive(self) -> list[tuple[bytes, tuple[str, int]]]:
        """What has come in with its sources, at most 64; empty when there is nothing. Raises OSError."""

    def send(self, packets: Sequence[bytes], address: tuple[str, int], /) -> int:
        """Send to an IP address, in order. Fewer than given are taken when the socket's buffer is full.

        Raises OSError for any other reason, ValueError for an address that is none of the socket's family.
        """
