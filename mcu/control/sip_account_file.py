"""Lists of accounts as a spreadsheet saves them: comma-separated values with a line of headings."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from gatekeeper.users import UserError
from mcu.control.passwords import MAXIMUM_LENGTH
from mcu.control.sip_accounts import MAXIMUM_AT_ONCE, MAXIMUM_TITLE, WantedAccount

MAXIMUM_BYTES = 16 * 1024 * 1024
"""A list of MAXIMUM_AT_ONCE accounts with the longest fields there are is smaller."""

_COLUMNS = ("name", "password", "title")
_LONGEST = max(MAXIMUM_LENGTH, MAXIMUM_TITLE) * 2


def read_accounts(data: bytes) -> list[tuple[int, WantedAccount]]:
    """The accounts of a list, each with the number of its line. Raises UserError, which says where the list is wrong.

    The headings are ``name`` and, in any order, ``password`` and ``title``; other columns are passed over. Where the
    password is empty, one is to be made. Read as UTF-8, or else as GB 18030, which spreadsheets in China save.
    """
    if len(data) > MAXIMUM_BYTES:
        raise UserError(f"The list is longer than {MAXIMUM_BYTES // 1024 // 1024} MiB.")
    text = _decoded(data)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[int, WantedAccount]] = []
    try:
        places = _places(next(lines, []))
        for row in lines:
            if not any(field.strip() for field in row):
                continue
            if len(found) >= MAXIMUM_AT_ONCE:
                raise UserError(f"The list has more than {MAXIMUM_AT_ONCE} accounts.")
            found.append((lines.line_num, _account(row, places, lines.line_num)))
    except csv.Error as error:
        raise UserError(f"Line {lines.line_num} cannot be read: {error}.") from error
    if not found:
        raise UserError("The list has no accounts.")
    return found


def write_passwords(accounts: Sequence[tuple[str, str]]) -> str:
    """Names and passwords as such a list."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(_COLUMNS[:2])
    lines.writerows(accounts)
    return text.getvalue()


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise UserError("The list is neither UTF-8 nor GB 18030: save it as CSV UTF-8.")


def _places(headings: list[str]) -> dict[str, int]:
    """Where each column is. Raises UserError."""
    names = [heading.strip().casefold() for heading in headings]
    places = {column: names.index(column) for column in _COLUMNS if column in names}
    if "name" not in places:
        raise UserError("The first line names the columns: name, password, title. It has no column 'name'.")
    return places


def _account(row: list[str], places: dict[str, int], line: int) -> WantedAccount:
    fields = {column: row[place] if place < len(row) else "" for column, place in places.items()}
    if any(len(field) > _LONGEST for field in fields.values()):
        raise UserError(f"Line {line} has a field of more than {_LONGEST} characters.")
    # The password is taken as it stands: spaces at its ends belong to it.
    return WantedAccount(fields["name"].strip(), fields.get("password") or None, fields.get("title", "").strip())
