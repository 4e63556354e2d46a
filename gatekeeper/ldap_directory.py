"""Accounts of SIP devices from an LDAP directory, read as a whole (RFC 4511, paged by RFC 2696).

Digest authentication needs the password itself or H(A1) of it; a bind, which only tells whether a password that one has
is right, is of no use here: the device never sends its password. So the directory must let the server's own account
read an attribute with H(A1), or with the password in clear.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import ldap3
from ldap3.core.exceptions import LDAPException

from gatekeeper.digest import Algorithm, user_hash
from gatekeeper.users import SipUser, account_name

PAGE = 500
"""Entries asked for at a time: OpenLDAP and Active Directory give at most 500 and 1000 without paging."""

MAXIMUM_ENTRIES = 50_000
"""A filter that finds more is a mistake; the accounts are kept in memory."""

TIMEOUT = 10
"""Seconds for connecting and for each answer."""

_HEX = re.compile(r"[0-9a-fA-F]+")


class LdapError(Exception):
    """The directory could not be read; the message says why, without any password."""


@dataclass(frozen=True)
class LdapSettings:
    """``url``: ``ldaps://host[:port]``, or ``ldap://…``, which is encrypted by StartTLS unless ``encrypt`` is off.

    Attributes of an entry: ``name`` the account; ``title`` what people call it; ``md5`` and ``sha256`` H(A1) in hex for
    the server's realm; ``password`` the password in clear (never a hash such as ``{SSHA}``). "": there is no such one.
    """

    url: str
    base: str
    filter: str = "(objectClass=person)"
    bind_name: str = ""
    bind_password: str = field(default="", repr=False)
    name: str = "uid"
    title: str = "cn"
    md5: str = ""
    sha256: str = ""
    password: str = ""
    encrypt: bool = True
    authority_file: Path | None = None


class LdapDirectory:
    """Reads the accounts. Blocks: call ``load`` in a thread."""

    def __init__(self, settings: LdapSettings, realm: str) -> None:
        self._settings = settings
        self._realm = realm

    def load(self) -> list[SipUser]:
        """All accounts, by name; entries without a usable secret are left out. Raises LdapError."""
        try:
            entries = self._search()
        except (LDAPException, OSError) as error:
            raise LdapError(f"{self._settings.url}: {error}") from error
        users = {}
        for attributes in entries:
            user = self._user(attributes)
            if user is not None:
                users[user.name] = user
        return [users[name] for name in sorted(users)]

    def _search(self) -> list[dict[str, list[bytes]]]:
        settings = self._settings
        tls = ldap3.Tls(
            validate=ssl.CERT_REQUIRED,
            ca_certs_file=str(settings.authority_file) if settings.authority_file is not None else None,
        )
        server = ldap3.Server(settings.url, tls=tls, connect_timeout=TIMEOUT, get_info=ldap3.NONE)
        connection = ldap3.Connection(
            server,
            settings.bind_name or None,
            settings.bind_password or None,
            authentication=ldap3.SIMPLE if settings.bind_name else ldap3.ANONYMOUS,
            receive_timeout=TIMEOUT,
            raise_exceptions=True,
            read_only=True,
            auto_bind=ldap3.AUTO_BIND_NONE,
        )
        try:
            connection.open()
            if settings.encrypt and not settings.url.lower().startswith("ldaps:"):
                connection.start_tls()
            connection.bind()
            wanted = {settings.name, settings.title, settings.md5, settings.sha256, settings.password} - {""}
            found = connection.extend.standard.paged_search(
                settings.base, settings.filter, attributes=sorted(wanted), paged_size=PAGE, generator=True
            )
            entries = []
            for entry in found:
                if entry.get("type") == "searchResEntry":
                    entries.append(dict(entry["raw_attributes"]))
                if len(entries) > MAXIMUM_ENTRIES:
                    raise LdapError(f"{settings.url}: the filter finds more than {MAXIMUM_ENTRIES} entries")
            return entries
        finally:
            connection.unbind()

    def _user(self, attributes: dict[str, list[bytes]]) -> SipUser | None:
        settings = self._settings
        name = account_name(_first(attributes, settings.name))
        if not name:
            return None
        md5 = _hash(attributes, settings.md5, 32)
        sha256 = _hash(attributes, settings.sha256, 64)
        password = _first(attributes, settings.password)
        if password and not password.startswith("{"):
            md5 = md5 or user_hash(Algorithm.MD5, name, self._realm, password)
            sha256 = sha256 or user_hash(Algorithm.SHA_256, name, self._realm, password)
        if not md5 and not sha256:
            return None
        return SipUser(name, self._realm, md5, sha256, _first(attributes, settings.title))


def _first(attributes: dict[str, list[bytes]], name: str) -> str:
    values = next((found for key, found in attributes.items() if key.lower() == name.lower()), None) if name else None
    return values[0].decode("utf-8", "replace") if values else ""


def _hash(attributes: dict[str, list[bytes]], name: str, length: int) -> str:
    text = _first(attributes, name)
    return text.lower() if len(text) == length and _HEX.fullmatch(text) else ""
