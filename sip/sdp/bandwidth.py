"""``b=`` lines: how much we may send, and what we write ourselves (RFC 8866 section 5.8, RFC 3890)."""

from __future__ import annotations

from collections.abc import Iterable

from sip.sdp.grammar import Bandwidth, MediaDescription, SessionDescription

PAYLOAD_SHARE = 0.95  # of what AS counts: the rest are IP, UDP and RTP headers, 40 octets to a packet of 1 200
AUDIO_RESERVE = 80_000  # bit/s of a session's bandwidth that video leaves alone: G.711 with its headers
MINIMUM_VIDEO = 64_000  # bit/s; below, a picture is no use, and the number rather a mistake
_LARGEST = 1_000_000_000  # bit/s


def video_limit(session: SessionDescription, media: MediaDescription) -> int | None:
    """How many bit/s of video its writer wants to get at most, headers not counted; None when it does not say."""
    limits = []
    own = _limit(media.bandwidths)
    if own:
        limits.append(own)
    whole = _limit(session.bandwidths)
    if whole:
        limits.append(whole - AUDIO_RESERVE)
    return max(MINIMUM_VIDEO, min(limits)) if limits else None


def pictures_limit(session: SessionDescription) -> int | None:
    """How many bit/s all pictures together may take, by what is said of the whole session; None when nothing is."""
    whole = _limit(session.bandwidths)
    return max(MINIMUM_VIDEO, whole - AUDIO_RESERVE) if whole else None


def forbids_sending(media: MediaDescription) -> bool:
    """Whether this m-line asks for nothing at all by a bandwidth of zero (RFC 3264 section 5)."""
    return _limit(media.bandwidths) == 0


def video_lines(bitrate: int) -> tuple[Bandwidth, ...]:
    """How we write a limit in bit/s: TIAS for who knows it, AS for the others."""
    return Bandwidth("AS", round(bitrate / PAYLOAD_SHARE / 1000)), Bandwidth("TIAS", bitrate)


def _limit(bandwidths: Iterable[Bandwidth]) -> int | None:
    """TIAS where there is one, else the smaller of AS and CT less their headers; in bit/s."""
    known = {bandwidth.kind: bandwidth.value for bandwidth in reversed(tuple(bandwidths))}
    if "TIAS" in known:
        return min(known["TIAS"], _LARGEST)
    kilobits = [known[kind] for kind in ("AS", "CT") if kind in known]
    return min(int(min(kilobits) * 1000 * PAYLOAD_SHARE), _LARGEST) if kilobits else None
