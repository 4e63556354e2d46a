"""Session descriptions as text: reading and writing (RFC 8866).

Reading is lenient, because rooms are not all careful: any line ending, missing ``s=`` or ``t=`` lines, blanks where
none belong and lines that mean nothing to us are taken. Writing is strict. What cannot be understood at all is one
error, ``SdpError``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_CHARACTERS = 65_536  # a UDP datagram; a browser's offer with twenty m-lines takes about 40 000
MAX_LINES = 4_096  # browsers write about 60 lines per m-line
MAX_MEDIA = 64  # far more than a room (4) or a browser that watches a whole conference would offer
MAX_FORMATS = 128  # RTP has 128 payload types
MAX_DIGITS = 20  # an unsigned 64-bit session id


class SdpError(Exception):
    """This text is not a session description. ``line`` counts from 1; 0 when no single line is to blame."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line


@dataclass(frozen=True)
class Origin:
    """The ``o=`` line (RFC 8866 section 5.2). ``version`` grows by one with every changed description."""

    username: str = "-"
    session_id: int = 0
    version: int = 0
    address: str = "0.0.0.0"

    def __str__(self) -> str:
        return f"{self.username} {self.session_id} {self.version} {Connection(self.address)}"


@dataclass(frozen=True)
class Connection:
    """The ``c=`` line (RFC 8866 section 5.7): an address without TTL and address count, which are for multicast."""

    address: str

    def __str__(self) -> str:
        return f"IN {'IP6' if ':' in self.address else 'IP4'} {self.address}"


@dataclass(frozen=True)
class Bandwidth:
    """A ``b=`` line (RFC 8866 section 5.8). ``value`` is in kbit/s for AS and CT, in bit/s for TIAS (RFC 3890)."""

    kind: str
    value: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


# Attributes whose value is a key or a password.
SECRETS = frozenset({"crypto", "ice-pwd", "key-mgmt"})


@dataclass(frozen=True)
class Attribute:
    """An ``a=`` line; ``value`` is None for a flag such as ``a=rtcp-mux``. A secret one does not show in ``repr``."""

    name: str
    value: str | None = None

    def __repr__(self) -> str:
        shown = "'…'" if self.name.lower() in SECRETS else repr(self.value)
        return f"Attribute({self.name!r}, {shown})"

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}:{self.value}"


class _Attributes:
    """Lookup in ``attributes``, shared by session and media."""

    attributes: tuple[Attribute, ...]

    def values(self, name: str) -> Iterator[str]:
        """The values of all attributes of this name, in order; a flag counts as the empty string."""
        return (attribute.value or "" for attribute in self.attributes if attribute.name == name)

    def value(self, name: str) -> str | None:
        """The first value of this attribute, or None when there is none."""
        return next(self.values(name), None)

    def has(self, name: str) -> bool:
        """Whether the attribute is there, with a value or without."""
        return any(attribute.name == name for attribute in self.attributes)


@dataclass(frozen=True)
class MediaDescription(_Attributes):
    """One ``m=`` section. ``formats`` are payload types for RTP, anything for other protocols."""

    media: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    connection: Connection | None = None
    bandwidths: tuple[Bandwidth, ...] = ()
    attributes: tuple[Attribute, ...] = ()

    def lines(self) -> Iterator[str]:
        """The lines of this section, without line endings."""
        yield f"m={self.media} {self.port} {self.protocol} {' '.join(self.formats)}"
        if self.connection is not None:
            yield f"c={self.connection}"
        yield from (f"b={bandwidth}" for bandwidth in self.bandwidths)
        yield from (f"a={attribute}" for attribute in self.attributes)


@dataclass(frozen=True)
class SessionDescription(_Attributes):
    """A whole description; ``str()`` gives it with CRLF line endings, ready to be sent."""

    origin: Origin = field(default_factory=Origin)
    session_name: str = "-"
    connection: Connection | None = None
    bandwidths: tuple[Bandwidth, ...] = ()
    timing: str = "0 0"
    attributes: tuple[Attribute, ...] = ()
    media: tuple[MediaDescription, ...] = ()

    def lines(self) -> Iterator[str]:
        """All lines in the order of RFC 8866 section 9, without line endings."""
        yield "v=0"
        yield f"o={self.origin}"
        yield f"s={self.session_name or '-'}"
        if self.connection is not None:
            yield f"c={self.connection}"
        yield from (f"b={bandwidth}" for bandwidth in self.bandwidths)
        yield f"t={self.timing}"
        yield from (f"a={attribute}" for attribute in self.attributes)
        for media in self.media:
            yield from media.lines()

    def __str__(self) -> str:
        lines = list(self.lines())
        if any(forbidden in line for line in lines for forbidden in "\r\n\0"):
            raise ValueError("a session description must not have line ends inside of its values")
        return "".join(f"{line}\r\n" for line in lines)


def parse(text: str) -> SessionDescription:
    """Read a description. Raises SdpError; every limit of this module is an SdpError too."""
    if len(text) > MAX_CHARACTERS:
        raise SdpError(f"longer than {MAX_CHARACTERS} characters")
    if "\0" in text:
        raise SdpError("contains a NUL character")
    numbered = [
        (number, line)
        for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1)
        if line.strip()
    ]
    if len(numbered) > MAX_LINES:
        raise SdpError(f"more than {MAX_LINES} lines")
    if not numbered or numbered[0][1].replace(" ", "") != "v=0":
        raise SdpError("does not begin with v=0", numbered[0][0] if numbered else 0)
    reader = _Reader()
    for number, line in numbered[1:]:
        reader.take(number, line)
    return reader.description()


class _Section:
    """What session and media sections have in common while they are being read."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.bandwidths: list[Bandwidth] = []
        self.attributes: list[Attribute] = []


class _Reader:
    """Takes one line after the other."""

    def __init__(self) -> None:
        self._origin = Origin()
        self._session_name = "-"
        self._timing = "0 0"
        self._session = _Section()
        self._media: list[tuple[str, int, str, tuple[str, ...], _Section]] = []
        self._section = self._session

    def take(self, number: int, line: str) -> None:
        key, separator, value = line.partition("=")
        key, value = key.strip(), value.strip()
        if not separator or len(key) != 1 or not key.isascii():
            raise SdpError("is not of the form <letter>=<value>", number)
        if key == "a":
            name, colon, content = value.partition(":")
            self._section.attributes.append(Attribute(name.strip(), content.strip() if colon else None))
        elif key == "m":
            self._begin_media(number, value)
        elif key == "c":
            self._section.connection = _read_connection(number, value)
        elif key == "b":
            self._take_bandwidth(value)
        elif key == "o":
            self._origin = _read_origin(number, value)
        elif key == "s":
            self._session_name = value or "-"
        elif key == "t" and value:
            self._timing = value
        # i=, u=, e=, p=, r=, z=, k= and letters of the future say nothing that we use (RFC 8866 section 5)

    def _begin_media(self, number: int, value: str) -> None:
        if len(self._media) >= MAX_MEDIA:
            raise SdpError(f"more than {MAX_MEDIA} m-lines", number)
        words = value.split()
        if len(words) < 3:
            raise SdpError("m= wants media, port, protocol and formats", number)
        port = _number(words[1].partition("/")[0])
        if port is None or port > 65_535:
            raise SdpError("m= has no port between 0 and 65535", number)
        if len(words) > 3 + MAX_FORMATS:
            raise SdpError(f"m= has more than {MAX_FORMATS} formats", number)
        self._section = _Section()
        self._media.append((words[0].lower(), port, words[2].upper(), tuple(words[3:]), self._section))

    def _take_bandwidth(self, value: str) -> None:
        kind, _, content = value.partition(":")
        amount = _number(content.strip())
        if amount is not None:  # anything else is a hint that we cannot read, and hints may be passed over
            self._section.bandwidths.append(Bandwidth(kind.strip().upper(), amount))

    def description(self) -> SessionDescription:
        return SessionDescription(
            origin=self._origin,
            session_name=self._session_name,
            connection=self._session.connection,
            bandwidths=tuple(self._session.bandwidths),
            timing=self._timing,
            attributes=tuple(self._session.attributes),
            media=tuple(
                MediaDescription(
                    media=media,
                    port=port,
                    protocol=protocol,
                    formats=formats,
                    connection=section.connection,
                    bandwidths=tuple(section.bandwidths),
                    attributes=tuple(section.attributes),
                )
                for media, port, protocol, formats, section in self._media
            ),
        )


def _read_origin(number: int, value: str) -> Origin:
    words = value.split()
    if len(words) < 6:
        raise SdpError("o= wants six words", number)
    # Some devices write a session id with letters in it; nothing hangs on its value, so it is read as 0.
    return Origin(words[0], _number(words[-5]) or 0, _number(words[-4]) or 0, words[-1])


def _read_connection(number: int, value: str) -> Connection:
    words = value.split()
    if len(words) != 3 or words[0].upper() != "IN" or words[1].upper() not in ("IP4", "IP6"):
        raise SdpError("c= wants IN, IP4 or IP6, and an address", number)
    return Connection(words[2].partition("/")[0])


def _number(word: str) -> int | None:
    """A non-negative decimal number of at most ``MAX_DIGITS`` digits, or None."""
    return int(word) if 0 < len(word) <= MAX_DIGITS and word.isascii() and word.isdecimal() else None
