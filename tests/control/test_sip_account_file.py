"""Lists of accounts as spreadsheets save them."""

from __future__ import annotations

import pytest

from gatekeeper.users import UserError
from mcu.control import sip_account_file
from mcu.control.sip_account_file import read_accounts, write_passwords
from mcu.control.sip_accounts import WantedAccount

LIST = "name,password,title\n4001,Room-Secret-7,手术室 3\n\n4002,,\n"


@pytest.mark.parametrize(
    "data",
    [
        LIST.encode(),
        LIST.encode("utf-8-sig"),
        LIST.encode("gb18030"),
        LIST.replace("\n", "\r\n").encode(),
        LIST.replace(",", ";").encode(),
        LIST.replace(",", "\t").encode(),
        'Title,floor,NAME ,password\n"手术室 3",2, 4001,Room-Secret-7\n,,,\n,,4002\n'.encode(),
    ],
)
def test_a_list_is_read_however_it_was_saved(data: bytes) -> None:
    accounts = [account for _, account in read_accounts(data)]
    assert accounts == [WantedAccount("4001", "Room-Secret-7", "手术室 3"), WantedAccount("4002")]


def test_lines_are_numbered_as_in_the_file() -> None:
    assert [line for line, _ in read_accounts(LIST.encode())] == [2, 4]


def test_a_password_keeps_its_commas_quotes_and_spaces() -> None:
    ((_, account),) = read_accounts(write_passwords([("4001", ' Room,"Secret" 7 ')]).encode())
    assert account == WantedAccount("4001", ' Room,"Secret" 7 ')


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no column 'name'"),
        (b"number,password\n4001,x\n", "no column 'name'"),
        (b"name,password\n\n", "no accounts"),
        (b'name,password\n4001,"open\n', "Line 2"),
        (b"name,password\n4001,\xff\xff\n", "neither"),
        (b"n\0a\0m\0e\0", "neither"),
        (b"name,password\n4001," + b"x" * 1000, "Line 2 has a field"),
    ],
)
def test_a_list_that_cannot_be_read_says_where(data: bytes, why: str) -> None:
    with pytest.raises(UserError, match=why):
        read_accounts(data)


def test_a_list_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip_account_file, "MAXIMUM_AT_ONCE", 2)
    with pytest.raises(UserError, match="more than 2"):
        read_accounts(b"name\na\nb\nc\n")
    monkeypatch.setattr(sip_account_file, "MAXIMUM_BYTES", 10)
    with pytest.raises(UserError, match="longer"):
        read_accounts(b"name\n4001,4002")


def test_secrets_are_in_no_repr() -> None:
    assert "Secret" not in repr(read_accounts(LIST.encode()))
