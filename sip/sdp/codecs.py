"""Payload types of an m-line as values: rtpmap, fmtp and rtcp-fb put together (RFC 8866 section 6.6, RFC 4585)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sip.sdp.grammar import Attribute, MediaDescription

MAX_PARAMETERS = 64  # of one fmtp line; the longest in the field (Polycom, Cisco) have about fifteen

# RFC 3551 section 6: payload types that mean something without an rtpmap line. Only those that rooms still name.
_STATIC = {
    0: ("PCMU", 8000),
    3: ("GSM", 8000),
    4: ("G723", 8000),
    8: ("PCMA", 8000),
    9: ("G722", 8000),
    13: ("CN", 8000),
    15: ("G728", 8000),
    18: ("G729", 8000),
    31: ("H261", 90000),
    34: ("H263", 90000),
}

_SPELLINGS = {
    name.upper(): name
    for name in (
        "opus",
        "G722",
        "PCMA",
        "PCMU",
        "H264",
        "VP8",
        "telephone-event",
        "rtx",
        "red",
        "ulpfec",
        "flexfec-03",
        "H263-2000",
        "H263-1998",
        "H263",
        "H261",
        "G7221",
        "G729",
        "iLBC",
        "MP4A-LATM",
        "mpeg4-generic",
    )
}

FEEDBACK = {"nack": "nack", "nack pli": "pli", "ccm fir": "fir", "goog-remb": "remb", "transport-cc": "twcc"}
"""rtcp-fb values that we understand (RFC 4585, RFC 5104, REMB, transport-wide feedback), and our short names."""


@dataclass(frozen=True)
class OfferedCodec:
    """One payload type. ``name`` is spelled as its RFC spells it, ``clock_rate`` is RTP's in Hz.

    ``feedback`` holds short names (the values of ``FEEDBACK``). ``parameters`` is the fmtp line with names in lower
    case; for a codec whose fmtp is not a list of ``name=value`` the whole line stands under the empty name.
    """

    name: str
    payload_type: int
    clock_rate: int
    channels: int = 1
    parameters: Mapping[str, str] = field(default_factory=dict)
    feedback: frozenset[str] = frozenset()

    def attributes(self, feedback: frozenset[str] | None = None) -> Iterator[Attribute]:
        """rtpmap, fmtp and rtcp-fb lines that describe this payload type; ``feedback`` instead of our own if given."""
        channels = f"/{self.channels}" if self.channels > 1 else ""
        yield Attribute("rtpmap", f"{self.payload_type} {self.name}/{self.clock_rate}{channels}")
        if self.parameters:
            line = format_parameters(self.parameters)
            # The sizes of H.261 and H.263 are in capitals, and some devices know them only so.
            line = line.upper() if self.name.startswith(("H261", "H263")) else line
            yield Attribute("fmtp", f"{self.payload_type} {line}")
        wanted = self.feedback if feedback is None else feedback
        for spelling, short in FEEDBACK.items():
            if short in wanted:
                yield Attribute("rtcp-fb", f"{self.payload_type} {spelling}")


def read_codecs(media: MediaDescription) -> tuple[OfferedCodec, ...]:
    """The payload types of an RTP m-line in its order. What is malformed or has no meaning is left out."""
    rtpmaps = _by_payload_type(media, "rtpmap")
    fmtps = _by_payload_type(media, "fmtp")
    codecs: dict[int, OfferedCodec] = {}
    for word in media.formats:
        payload_type = _payload_type(word)
        if payload_type is None or payload_type in codecs:
            continue
        mapping = _read_rtpmap(rtpmaps.get(payload_type)) or _STATIC.get(payload_type, ("", 0))
        name, clock_rate = mapping[0], mapping[1]
        if not name:
            continue
        codecs[payload_type] = OfferedCodec(
            name=_SPELLINGS.get(name.upper(), name),
            payload_type=payload_type,
            # G.722 samples at 16 kHz, but its RTP clock is 8 kHz (RFC 3551 section 4.5.2); some devices "correct" that
            clock_rate=8000 if name.upper() == "G722" else clock_rate,
            channels=mapping[2] if len(mapping) > 2 else 1,
            parameters=read_parameters(fmtps.get(payload_type, "")),
            feedback=_read_feedback(media, payload_type),
        )
    return tuple(codecs.values())


def read_parameters(line: str) -> dict[str, str]:
    """An fmtp line's ``name=value`` pairs, names in lower case, the first of equal names; bounded in number."""
    parameters: dict[str, str] = {}
    for part in line.split(";")[:MAX_PARAMETERS]:
        name, separator, value = part.partition("=")
        if part.strip():
            key, content = (name.strip().lower(), value.strip()) if separator else ("", part.strip())
            parameters.setdefault(key, content)
    return parameters


def format_parameters(parameters: Mapping[str, str]) -> str:
    """The text of an fmtp line after the payload type."""
    return ";".join(f"{name}={value}" if name else value for name, value in parameters.items())


def whole_number(parameters: Mapping[str, str], name: str, *, maximum: int) -> int | None:
    """A parameter that has to be a number from 1 to ``maximum``; larger ones are cut down, nonsense is None."""
    word = parameters.get(name, "")
    if not (word.isascii() and word.isdecimal() and len(word) <= 12) or int(word) < 1:
        return None
    return min(int(word), maximum)


def _payload_type(word: str) -> int | None:
    # no leading zeros: an answer has to repeat the very word that was offered
    if not (word.isascii() and word.isdecimal() and len(word) <= 3):
        return None
    number = int(word)
    return number if number <= 127 and str(number) == word else None


def _by_payload_type(media: MediaDescription, name: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for value in media.values(name):
        word, _, rest = value.partition(" ")
        payload_type = _payload_type(word)
        if payload_type is not None:
            found.setdefault(payload_type, rest.strip())
    return found


def _read_rtpmap(value: str | None) -> tuple[str, int, int] | None:
    name, _, rest = (value or "").partition("/")
    rate, _, channels = rest.partition("/")
    name, rate, channels = name.strip(), rate.strip(), channels.strip()
    if not name or not (rate.isascii() and rate.isdecimal() and len(rate) <= 6):
        return None
    return name, int(rate), int(channels) if channels in ("1", "2") else 1


def _read_feedback(media: MediaDescription, payload_type: int) -> frozenset[str]:
    found: set[str] = set()
    for value in media.values("rtcp-fb"):
        target, _, kind = value.partition(" ")
        if target not in ("*", str(payload_type)):
            continue
        words = kind.lower().split()
        # Polycom writes several codec control messages on one line: "ccm fir tmmbr"
        kinds = [f"ccm {word}" for word in words[1:]] if words[:1] == ["ccm"] else [" ".join(words)]
        found.update(FEEDBACK[spelling] for spelling in kinds if spelling in FEEDBACK)
    return frozenset(found)
