"""A real LDAP server (Debian packages slapd and ldap-utils) with a small hospital in it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from pathlib import Path

from tests.peers.ports import port_block

SCHEMAS = Path("/etc/ldap/schema")
OWN_SCHEMA = Path(__file__).parent / "slapd" / "consilium.schema"
BASE = "dc=hospital,dc=example"
ROOMS = f"ou=rooms,{BASE}"
READER, READER_PASSWORD = f"cn=consilium,{BASE}", "reader-secret-1"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{BASE}", "admin-secret-1"
START_TIMEOUT = 10.0

# Only the server's own account may read the secrets, and nobody may read passwords of people.
CONFIGURATION = """
include {schemas}/core.schema
include {schemas}/cosine.schema
include {schemas}/inetorgperson.schema
include {own_schema}
pidfile {folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {folder}/certificate.pem
TLSCertificateKeyFile {folder}/key.pem
database mdb
maxsize 67108864
suffix "{base}"
rootdn "{admin}"
rootpw {admin_password}
directory {folder}/data
limits dn.exact="{reader}" size=unlimited
access to attrs=userPassword by anonymous auth by * none
access to attrs=sipHa1Md5,sipHa1Sha256,sipPassword by dn.exact="{reader}" read by * none
access to * by dn.exact="{reader}" read by anonymous auth by * none
"""

ENTRIES = """
dn: {base}
objectClass: domain
dc: hospital

dn: ou=rooms,{base}
objectClass: organizationalUnit
ou: rooms

dn: {reader}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: consilium
userPassword: {password}
"""


class SlapdError(Exception):
    """slapd or one of its tools did not do as told."""


def available() -> bool:
    """Whether the programs are installed."""
    return _slapd() is not None and shutil.which("ldapmodify") is not None


def _slapd() -> str | None:
    return shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Directory:
    """``async with Directory(folder) as directory``; ``add_room`` and ``remove_room`` change it while it runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = port_block(1)[0]
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"ldap://localhost:{self.port}"

    @property
    def authority_file(self) -> Path:
        """The certificate, which nobody but itself has issued."""
        return self._folder / "certificate.pem"

    async def __aenter__(self) -> Directory:
        (self._folder / "data").mkdir(parents=True)
        await _run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            "-keyout", str(self._folder / "key.pem"), "-out", str(self.authority_file),
        )  # fmt: skip
        configuration = self._folder / "slapd.conf"
        configuration.write_text(
            CONFIGURATION.format(
                schemas=SCHEMAS, own_schema=OWN_SCHEMA, folder=self._folder, base=BASE, admin=ADMIN,
                admin_password=ADMIN_PASSWORD, reader=READER,
            )
        )  # fmt: skip
        await self.start()
        await self.add(ENTRIES.format(base=BASE, reader=READER, password=READER_PASSWORD))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start and wait until it answers."""
        program = _slapd()
        if program is None:
            raise SlapdError("slapd is not installed: apt-get install slapd ldap-utils")
        with (self._folder / "slapd.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                program, "-d", "none", "-f", str(self._folder / "slapd.conf"), "-h", f"ldap://127.0.0.1:{self.port}/",
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        async with asyncio.timeout(START_TIMEOUT):
            while True:
                try:
                    socket.create_connection(("127.0.0.1", self.port)).close()
                    return
                except ConnectionRefusedError:
                    if self._process.returncode is not None:
                        raise SlapdError((self._folder / "slapd.log").read_text("utf-8", "replace")) from None
                    await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """End it; the entries stay for the next start."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def add(self, ldif: str) -> None:
        """Add entries."""
        await self._modify(ldif, "-a")

    async def add_room(self, name: str, **attributes: str) -> None:
        """Add a room with attributes of our schema."""
        await self.add(room_entry(name, **attributes))

    async def remove_room(self, name: str) -> None:
        """Remove a room."""
        await self._modify(f"dn: uid={name},{ROOMS}\nchangetype: delete\n")

    async def _modify(self, ldif: str, *options: str) -> None:
        await _run(
            "ldapmodify", *options, "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-D", ADMIN, "-w", ADMIN_PASSWORD,
            given=ldif.encode(),
        )  # fmt: skip


def room_entry(name: str, **attributes: str) -> str:
    """LDIF of a room."""
    lines = [
        f"dn: uid={name},{ROOMS}", "objectClass: inetOrgPerson", "objectClass: sipAccount",
        f"uid: {name}", f"cn: Room {name}", "sn: Room", *(f"{key}: {value}" for key, value in attributes.items()),
    ]  # fmt: skip
    return "\n".join(lines) + "\n\n"


async def _run(*command: str, given: bytes = b"") -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate(given)
    if process.returncode != 0:
        raise SlapdError(f"{command[0]}: {output.decode('utf-8', 'replace')}")
