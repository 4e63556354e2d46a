"""Lexical rules shared by all headers (RFC 3261 §25.1): tokens, quoted strings, parameters, comma lists."""

from __future__ import annotations

import re

from sip.errors import SipParseError

TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)

# A header of a real call has a handful of parameters; a longer list is an attempt to make us work.
MAX_PARAMETERS = 64
# Longest Via or Record-Route list: Max-Forwards starts at 70, so no honest message has passed more hops.
MAX_LIST_ITEMS = 100

Parameters = tuple[tuple[str, str | None], ...]


def is_token(text: str) -> bool:
    """Whether ``text`` is a token of RFC 3261 §25.1."""
    return TOKEN.fullmatch(text) is not None


def parse_number(text: str, maximum: int, what: str) -> int:
    """An unsigned decimal number of at most ``maximum``; raises SipParseError."""
    # The length check keeps int() away from kilobytes of digits; leading zeros are legal and may be many.
    if len(text) > 32 or not text.isascii() or not text.isdigit():
        raise SipParseError(f"{what} is not a number")
    number = int(text)
    if number > maximum:
        raise SipParseError(f"{what} is greater than {maximum}")
    return number


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Split at ``separator`` where it stands outside of "quoted strings" and <angle brackets>.

    Raises SipParseError for a string or bracket that is never closed.
    """
    if '"' not in text and "<" not in text:
        return text.split(separator)
    parts: list[str] = []
    start = 0
    quoted = escaped = bracketed = False
    for position, character in enumerate(text):
        if quoted:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                quoted = False
        elif character == '"' and not bracketed:
            quoted = True
        elif character == "<":
            bracketed = True
        elif character == ">":
            bracketed = False
        elif character == separator and not bracketed:
            parts.append(text[start:position])
            start = position + 1
    if quoted:
        raise SipParseError("a quoted string is not closed")
    if bracketed:
        raise SipParseError("an angle bracket is not closed")
    parts.append(text[start:])
    return parts


def split_list(text: str) -> list[str]:
    """The elements of a comma-separated header, stripped; empty elements are skipped. Raises SipParseError."""
    items = [item.strip() for item in split_outside_quotes(text, ",")]
    items = [item for item in items if item]
    if len(items) > MAX_LIST_ITEMS:
        raise SipParseError("a header lists too many elements")
    return items


def unquote(text: str) -> str:
    """The content of a quoted string (quotes included in ``text``); anything else is returned as it is."""
    if len(text) >= 2 and text[0] == '"' and text[-1] == '"':
        return _QUOTED_PAIR.sub(r"\1", text[1:-1])
    return text


def quote(text: str) -> str:
    """``text`` as a quoted string, line ends replaced so that no header can be smuggled in."""
    clean = text.replace("\r", " ").replace("\n", " ").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{clean}"'


def parse_parameters(parts: list[str], name_pattern: re.Pattern[str] = TOKEN) -> Parameters:
    """Parameters from the pieces between semicolons; names are lower-cased, quoted values kept quoted.

    Raises SipParseError for a name that ``name_pattern`` does not match.
    """
    if len(parts) > MAX_PARAMETERS:
        raise SipParseError("a header has too many parameters")
    parameters: list[tuple[str, str | None]] = []
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if not name and not equals:
            continue  # "a;;b" and a trailing ";" are seen in the field and do no harm
        if name_pattern.fullmatch(name) is None:
            raise SipParseError("a parameter has no valid name")
        parameters.append((name, value.strip() if equals else None))
    return tuple(parameters)


def parameters_to_text(parameters: Parameters) -> str:
    """Parameters as they stand in a header, each with its leading semicolon."""
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in parameters)


def find_parameter(parameters: Parameters, name: str) -> str | None:
    """The value of the first parameter ``name`` (lower case); "" for a flag without value; None when absent."""
    for key, value in parameters:
        if key == name:
            return value or ""
    return None


def printable(text: str) -> str:
    """``text`` fit for logs and screens.

    Bytes that are no UTF-8 are read as GB 18030, which older Chinese room systems write their names in; what is
    neither, and control characters, become U+FFFD.
    """
    data = text.encode("utf-8", "surrogateescape")
    for encoding in ("utf-8", "gb18030"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        text = data.decode("utf-8", "replace")
    return "".join("\ufffd" if ord(character) < 0x20 or character == "\x7f" else character for character in text)
