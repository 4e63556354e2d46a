"""RTP header extensions of a browser's offer (RFC 8285)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sip.sdp.grammar import Attribute, MediaDescription

ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
TRANSPORT_SEQUENCE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
TRANSPORT_SEQUENCE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"

_LARGEST_NUMBER = 14  # one-byte headers hold 1 to 14 (section 4.2)


class ExtensionNumbers:
    """Numbers that were given in a bundle: one number means one extension on all its m-lines (RFC 8843 section 9.1)."""

    def __init__(self) -> None:
        self._meanings: dict[int, str] = {}

    def read(self, media: MediaDescription, wanted: Iterable[str]) -> dict[str, int]:
        """The wanted extensions of this m-line. What contradicts an m-line before it is left out."""
        found: dict[str, int] = {}
        for number, uri in _extmaps(media):
            if uri in wanted and self._meanings.setdefault(number, uri) == uri:
                found.setdefault(uri, number)
        return found


def extension_lines(extensions: dict[str, int]) -> list[Attribute]:
    """The attributes that take these extensions."""
    return [Attribute("extmap", f"{number} {uri}") for uri, number in extensions.items()]


def _extmaps(media: MediaDescription) -> Iterator[tuple[int, str]]:
    for value in media.values("extmap"):
        words = value.split()
        number = words[0].partition("/")[0] if len(words) > 1 else ""
        if number.isascii() and number.isdecimal() and len(number) <= 2 and 1 <= int(number) <= _LARGEST_NUMBER:
            yield int(number), words[1]
