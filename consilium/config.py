"""Settings: defaults, then ``consilium.toml``, then ``CONSILIUM_*`` variables, then the command line.

A variable's name is the setting's path in capitals with two underscores between levels: ``CONSILIUM_SIP__PORT=5070``.
``docs/configuration.md`` describes every setting; a test holds the two together.
"""

from __future__ import annotations

import ipaddress
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from sip.local_networks import PRIVATE_NETWORKS
from sip.session_expires import SHORTEST_SESSION

Port = Annotated[int, Field(ge=1, le=65535)]
PortOrNone = Annotated[int, Field(ge=0, le=65535)]


def _ip_address(value: str) -> str:
    ipaddress.ip_address(value)
    return value


IpAddress = Annotated[str, AfterValidator(_ip_address)]


class SettingsError(Exception):
    """A setting is unknown or has a value that cannot be; the message names it."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def comma_list(value: object) -> object:
    """A list that came as one text, as variables and the command line give it."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def checked_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    """The same; raises ValueError for one that is no network."""
    for network in networks:
        ipaddress.ip_network(network, strict=False)
    return networks


def _listed(value: object) -> object:
    """A list as variables and the command line spell it: parts between commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class WebSettings(_Section):
    """The web server: pages, control API, downloads."""

    host: IpAddress = Field("0.0.0.0", description="address that HTTPS listens on; '::' is every one, of IPv4 too")
    https_port: Port = Field(8443, description="port of HTTPS, which browsers need for camera and microphone")
    http_port: Port = Field(8080, description="port of plain HTTP, on 127.0.0.1 only")
    certificate_file: Path | None = Field(None, description="PEM certificate chain; made by the server when not given")
    private_key_file: Path | None = Field(None, description="PEM private key of that certificate")


class SipSettings(_Section):
    """The SIP user agent that rooms dial."""

    host: str = Field("0.0.0.0", description="address that SIP listens on")
    ipv6_host: str | None = Field(None, description="IPv6 address that SIP listens on besides; '::' is every one")
    port: Port = Field(5060, description="port of SIP over UDP and TCP")
    tls_port: PortOrNone = Field(5061, description="port of SIP over TLS; 0 for none")
    ws_port: PortOrNone = Field(0, description="port of SIP over WebSocket, unencrypted; 0 for none")
    wss_port: PortOrNone = Field(0, description="port of SIP over secure WebSocket, besides /sip on HTTPS; 0 for none")
    allowed_origins: str | None = Field(
        None, description="origins of web pages elsewhere that may connect to ws_port and wss_port, comma-separated"
    )
    certificate_file: Path | None = Field(None, description="PEM certificate chain for TLS, WSS; by default the web's")
    private_key_file: Path | None = Field(None, description="PEM private key of that certificate")
    tls_verify: bool = Field(True, description="whether servers that we call over TLS must have a certificate we trust")
    tls_ca_file: Path | None = Field(None, description="PEM file of authorities trusted for that, not the system's")
    public_address: str | None = Field(
        None, description="IP address told to rooms in SIP and SDP; without it, the one the room's packets came to"
    )
    local_networks: tuple[str, ...] = Field(
        PRIVATE_NETWORKS, description="networks whose rooms are told the local address, not sip.public_address"
    )
    outbound_proxy: str | None = Field(None, description="SIP URI of a proxy that all calls out go through")
    name_servers: str | None = Field(None, description="DNS servers, comma-separated; by default the system's")
    keep_alive: Annotated[float, Field(ge=10, le=3600)] = Field(
        25.0, description="seconds of silence after which a connection that we opened is pinged"
    )
    largest_datagram: Annotated[int, Field(ge=500, le=65_000)] = Field(
        1300, description="largest request sent over UDP, bytes; larger ones go over TCP where the peer takes it"
    )
    session_expires: Annotated[int, Field(ge=0, le=86_400)] = Field(
        1800, description="seconds without a sign of life after which a call is over (RFC 4028), 90 or more; 0 for none"
    )
    account_realm: str = Field("", description="realm of a proxy that asks for a password when we call through it")
    account_name: str = Field("", description="our account there")
    account_password_file: Path | None = Field(None, description="file with that account's password")

    _lists = field_validator("local_networks", mode="before")(comma_list)
    _networks = field_validator("local_networks")(checked_networks)


class MediaSettings(_Section):
    """Media workers and the picture they make."""

    workers: Annotated[int, Field(ge=1, le=64)] = Field(1, description="number of media worker processes")
    spare_workers: Annotated[int, Field(ge=0, le=8)] = Field(
        1, description="processes that wait to take the place of a media worker that dies, where memory allows"
    )
    host: str = Field("0.0.0.0", description="address that media sockets are bound to")
    public_address: str | None = Field(
        None, description="IP address told to browsers for media; without it, the one their page came from"
    )
    public_ipv6_address: str | None = Field(
        None, description="IPv6 address told to browsers for media, likewise; either or both"
    )
    ipv6: bool = Field(
        True, description="whether browsers' media may come by IPv6 too, where media.host is every address of IPv4"
    )
    rtp_port_first: Port = Field(20000, description="first UDP port for the media of rooms")
    rtp_port_last: Port = Field(29999, description="last UDP port for the media of rooms")
    browser_port: Port = Field(8444, description="UDP port for the media of browsers; worker n uses this plus n")
    browser_tcp_port: PortOrNone | None = Field(
        None,
        description="TCP port for browsers whose network lets no UDP through, plus n for worker n; 0 for none, "
        "by default the number of browser_port, or none where the web server has that",
    )
    width: Annotated[int, Field(ge=320, le=1920)] = Field(1920, description="width of the largest picture made, pixels")
    height: Annotated[int, Field(ge=180, le=1080)] = Field(1080, description="its height, pixels")
    frame_rate: Annotated[int, Field(ge=5, le=60)] = Field(
        30, description="most pictures per second that are made; more than 30 go to those who can take them"
    )
    bitrate: Annotated[int, Field(ge=64_000, le=8_000_000)] = Field(
        3_000_000, description="highest video rate sent to a participant and recorded, bit/s"
    )
    capacity_ports: Annotated[float, Field(gt=0, le=10_000)] | None = Field(
        None, description="pictures of 1080p30 that may be made at once; without it, measured at every start"
    )
    encryption: Literal["allowed", "preferred", "required"] = Field(
        "allowed",
        description="encryption of rooms' media: taken when offered, offered by us as an option, or demanded",
    )
    silence_timeout: Annotated[float, Field(ge=5)] = Field(
        60.0, description="seconds without any packet after which a call is ended"
    )


class RoomSettings(_Section):
    """Which rooms there are, and what may be dialled."""

    create_on_dial: bool = Field(True, description="dialling an unknown number that fits the pattern opens a room")
    number_pattern: str = Field(r"[0-9]{3,8}", description="regular expression of numbers that may be opened so")
    max_participants: Annotated[int, Field(ge=1, le=500)] = Field(25, description="most participants in one room")
    max_conferences: Annotated[int, Field(ge=1)] = Field(100, description="most conferences held at once")
    max_views: Annotated[int, Field(ge=0, le=100)] = Field(
        8, description="most pictures of their own that participants may choose in one room; each needs an encoder"
    )
    linger: Annotated[float, Field(ge=0)] = Field(
        10.0, description="seconds an empty conference waits before it ends and its recording is closed"
    )


class MenuSection(_Section):
    """The menu that asks callers of the bare address for a conference number."""

    enabled: bool = Field(True, description="the server's bare address and access numbers lead to a menu")
    access_numbers: tuple[str, ...] = Field((), description="numbers that lead to the menu as well")
    languages: tuple[Literal["zh", "en"], ...] = Field(("zh", "en"), description="what it speaks, in this order")
    max_callers: Annotated[int, Field(ge=1, le=200)] = Field(10, description="callers in the menu at once")
    prompts: Path = Field(Path("build/prompts"), description="folder of spoken prompts, made by make prompts")

    @field_validator("access_numbers", "languages", mode="before")
    @classmethod
    def _is_list(cls, value: object) -> object:
        return _listed(value)


class DialOutSection(_Section):
    """Whom the server may call. Registered rooms always; others only by these."""

    domains: tuple[str, ...] = Field((), description="hosts that may be called; .example.org means all below it")
    networks: tuple[str, ...] = Field((), description="networks of addresses that may be called, like 10.0.0.0/8")
    ring_timeout: Annotated[float, Field(ge=5, le=180)] = Field(
        45.0, description="seconds for which a called room may ring"
    )
    ice: bool = Field(False, description="offer ICE to called rooms; programs in browsers always get it")

    @field_validator("domains", "networks", mode="before")
    @classmethod
    def _is_list(cls, value: object) -> object:
        return _listed(value)

    @field_validator("networks")
    @classmethod
    def _are_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ipaddress.ip_network(network, strict=False)
        return networks


class RegistrarSection(_Section):
    """The registry of devices."""

    realm: str = Field("consilium", min_length=1, description="realm of devices' accounts; part of their hashes")
    domains: tuple[str, ...] = Field((), description="domains that devices register for; empty: whatever they say")
    default_life: Annotated[int, Field(ge=60)] = Field(3600, description="seconds for a device that asks for none")
    shortest_life: Annotated[int, Field(ge=10)] = Field(60, description="shortest life of a registration, seconds")
    longest_life: Annotated[int, Field(ge=60)] = Field(7200, description="longest life of a registration, seconds")
    max_endpoints: Annotated[int, Field(ge=1, le=50_000)] = Field(6000, description="most accounts registered at once")
    md5: bool = Field(True, description="also take MD5 digests, which most devices send; SHA-256 is always taken")
    nonce_life: Annotated[float, Field(ge=30, le=3600)] = Field(300.0, description="seconds a challenge can be used")
    trusted: tuple[str, ...] = Field((), description="networks of proxies whose messages are not counted")

    _lists = field_validator("domains", "trusted", mode="before")(comma_list)
    _networks = field_validator("trusted")(checked_networks)


class CallersSection(_Section):
    """What callers must show that are not registered, by where they call from; the longest prefix decides."""

    unregistered: Literal["allow", "challenge", "refuse"] = Field(
        "allow", description="for unregistered callers from anywhere else: served, asked for a password, or refused"
    )
    allow: tuple[str, ...] = Field((), description="networks from which unregistered callers are served")
    challenge: tuple[str, ...] = Field((), description="networks from which they are asked for a password")
    refuse: tuple[str, ...] = Field((), description="networks from which they are refused")

    _lists = field_validator("allow", "challenge", "refuse", mode="before")(comma_list)
    _networks = field_validator("allow", "challenge", "refuse")(checked_networks)


class LdapSection(_Section):
    """A directory with accounts of devices, besides the server's own."""

    url: str = Field("", description="ldaps://host or ldap://host (with StartTLS); empty for none")
    base: str = Field("", description="where to look for entries, as ou=rooms,dc=hospital,dc=example")
    filter: str = Field("(objectClass=person)", description="which entries are accounts")
    bind_name: str = Field("", description="DN of the account that reads them; empty reads anonymously")
    bind_password_file: Path | None = Field(None, description="file with that account's password")
    name_attribute: str = Field("uid", description="attribute with the account's name")
    title_attribute: str = Field("cn", description="attribute with the device's name for people")
    md5_attribute: str = Field("", description="attribute with H(A1) by MD5 in hex")
    sha256_attribute: str = Field("", description="attribute with H(A1) by SHA-256 in hex")
    password_attribute: str = Field("", description="attribute with the password in clear, instead of those two")
    encrypt: bool = Field(True, description="false: ldap:// without StartTLS, for tests and loopback only")
    authority_file: Path | None = Field(None, description="PEM file of the authority of its certificate")
    refresh: Annotated[float, Field(ge=10)] = Field(300.0, description="seconds between two readings")


class GatekeeperSection(_Section):
    """What is kept of calls. Number plan and zones are no settings: they are changed while the server runs."""

    record_days: Annotated[int, Field(ge=1, le=3650)] = Field(365, description="days that call records are kept")
    options_interval: Annotated[float, Field(ge=10)] = Field(
        300.0, description="seconds after which a registered device is asked again what it can do (OPTIONS)"
    )


class LogSettings(_Section):
    """The log on standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least level that is logged")


class Settings(_Section):
    """All settings of one server."""

    data: Path = Field(Path("data"), description="folder of the database, the certificates and the recordings")
    recordings: Path | None = Field(None, description="folder of recordings; by default a folder inside data")
    web: WebSettings = WebSettings()
    sip: SipSettings = SipSettings()
    media: MediaSettings = MediaSettings()
    rooms: RoomSettings = RoomSettings()
    menu: MenuSection = MenuSection()
    dial_out: DialOutSection = DialOutSection()
    registrar: RegistrarSection = RegistrarSection()
    callers: CallersSection = CallersSection()
    ldap: LdapSection = LdapSection()
    gatekeeper: GatekeeperSection = GatekeeperSection()
    log: LogSettings = LogSettings()

    @property
    def recordings_folder(self) -> Path:
        """Where recordings are kept."""
        return self.recordings or self.data / "recordings"

    @property
    def logos_folder(self) -> Path:
        """Where logos are kept."""
        return self.data / "logos"


def load_settings(
    file: Path | None,
    environment: Mapping[str, str],
    assignments: Iterable[str] = (),
) -> Settings:
    """Read settings from a TOML file (or none), variables, and ``a.b=value`` assignments. Raises SettingsError."""
    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = tomllib.loads(file.read_text("utf-8"))
        except OSError as error:
            raise SettingsError(f"{file}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file}: {error}") from error
    for name, value in environment.items():
        if name.startswith("CONSILIUM_") and name != "CONSILIUM_CONFIG":
            _assign(values, name.removeprefix("CONSILIUM_").lower().split("__"), value)
    for assignment in assignments:
        path, separator, value = assignment.partition("=")
        if not separator:
            raise SettingsError(f"{assignment!r} is not of the form name=value")
        _assign(values, path.strip().split("."), value.strip())
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise SettingsError("; ".join(lines)) from error
    _check(settings)
    return settings


def _assign(values: dict[str, Any], path: list[str], value: str) -> None:
    for name in path[:-1]:
        values = values.setdefault(name, {})
        if not isinstance(values, dict):
            raise SettingsError(f"{'.'.join(path)}: {name} is no group of settings")
    values[path[-1]] = value


def _check(settings: Settings) -> None:
    if settings.media.rtp_port_last - settings.media.rtp_port_first < 3:
        raise SettingsError("media.rtp_port_last: at least four ports are needed for one call")
    for name, section in (("web", settings.web), ("sip", settings.sip)):
        if (section.certificate_file is None) != (section.private_key_file is None):
            raise SettingsError(f"{name}.certificate_file and {name}.private_key_file go together")
    sip = settings.sip
    if 0 < sip.session_expires < SHORTEST_SESSION:
        raise SettingsError(f"sip.session_expires: at least {SHORTEST_SESSION}, or 0")
    if not bool(sip.account_realm) == bool(sip.account_name) == (sip.account_password_file is not None):
        raise SettingsError("sip.account_realm, sip.account_name and sip.account_password_file go together")
    registrar = settings.registrar
    if not registrar.shortest_life <= registrar.default_life <= registrar.longest_life:
        raise SettingsError("registrar.default_life must lie between registrar.shortest_life and .longest_life")
    ldap = settings.ldap
    if ldap.url and not (ldap.md5_attribute or ldap.sha256_attribute or ldap.password_attribute):
        raise SettingsError("ldap.url: an attribute with H(A1) or the password is needed (ldap.md5_attribute …)")


def described() -> dict[str, tuple[str, str]]:
    """Every setting's dotted name with its default (as JSON) and its description, for docs and their test."""
    found: dict[str, tuple[str, str]] = {}

    def walk(model: type[BaseModel], prefix: str) -> None:
        for name, info in model.model_fields.items():
            if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
                walk(info.annotation, f"{prefix}{name}.")
            else:
                found[prefix + name] = (json.dumps(info.default, default=str), info.description or "")

    walk(Settings, "")
    return found
