"""Fuzz target: lists of accounts."""

from __future__ import annotations

from gatekeeper.users import UserError
from mcu.control.sip_account_file import read_accounts, write_passwords

SEEDS = (
    "name,password,title\n4001,Room-Secret-7,手术室\n4002,,\n".encode(),
    'name;password\r\n"4001";"a;""b"\r\n'.encode("gb18030"),
)


def fuzz_one(data: bytes) -> None:
    """A list is read or refused; passwords come back as they were written."""
    try:
        accounts = read_accounts(data)
    except UserError:
        return
    pairs = [(account.name, account.password) for _, account in accounts if account.password and account.name]
    pairs = [(name, password) for name, password in pairs if "\r" not in password and "\r" not in name]
    if pairs:
        again = read_accounts(write_passwords(pairs).encode())
        if [(account.name, account.password) for _, account in again] != pairs:
            raise AssertionError("passwords came back otherwise")
