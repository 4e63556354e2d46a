"""The header fields of a message, in order, with case-insensitive names and compact forms (RFC 3261 §7.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}


def full_name(name: str) -> str:
    """The long form of a compact header name; any other name as it is."""
    return _COMPACT.get(name.lower(), name) if len(name) == 1 else name


class Headers:
    """An ordered list of (name, value) with look-up by name. Values are unfolded and stripped."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = [(full_name(name), value) for name, value in fields]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._fields == other._fields

    __hash__ = None  # type: ignore[assignment]

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def get(self, name: str) -> str | None:
        """The first value of a header, or None."""
        wanted = name.lower()
        return next((value for key, value in self._fields if key.lower() == wanted), None)

    def get_all(self, name: str) -> list[str]:
        """All values of a header in order, one per header line (not split at commas)."""
        wanted = name.lower()
        return [value for key, value in self._fields if key.lower() == wanted]

    def tokens(self, name: str) -> list[str]:
        """The comma-separated tokens of all lines of a header (Supported, Require, Allow), stripped."""
        return [token.strip() for value in self.get_all(name) for token in value.split(",") if token.strip()]

    def add(self, name: str, value: str) -> None:
        """Append a header line. Line ends in the value are replaced so that nothing can be smuggled in."""
        self._fields.append((full_name(name), value.replace("\r", " ").replace("\n", " ")))

    def replace_first(self, name: str, value: str) -> None:
        """Replace the first line of a header, or append it."""
        wanted = name.lower()
        for index, (key, _) in enumerate(self._fields):
            if key.lower() == wanted:
                self._fields[index] = (key, value)
                return
        self.add(name, value)

    def copy(self) -> Headers:
        """An independent copy."""
        return Headers(self._fields)
