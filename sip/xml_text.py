"""Writing the small XML documents that SIP carries. Reading none: nothing that comes in is XML that we act on."""

from __future__ import annotations

from collections.abc import Iterable

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}


def escaped(text: str) -> str:
    """``text`` fit for contents and attributes; what XML 1.0 cannot carry (§2.2) becomes U+FFFD."""
    return "".join(_ESCAPES.get(character, character if _is_allowed(character) else "\ufffd") for character in text)


def _is_allowed(character: str) -> bool:
    code = ord(character)
    return code in (0x9, 0xA, 0xD) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


def element(name: str, *contents: str, attributes: Iterable[tuple[str, str]] = ()) -> str:
    """An element; ``contents`` are elements, or text that is escaped already. Absent ("") contents take no room."""
    written = "".join(f' {key}="{escaped(value)}"' for key, value in attributes)
    inner = "".join(contents)
    return f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>"


def text_element(name: str, text: str) -> str:
    """An element with text, or nothing for an empty text."""
    return element(name, escaped(text)) if text else ""


def document(root: str) -> bytes:
    """A whole document in UTF-8."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}'.encode()
