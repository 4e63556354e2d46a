"""From the settings to the sockets of SIP: where to listen, what to tell, whom to believe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from consilium.certificates import Identity
from consilium.config import Settings, SettingsError, SipSettings
from consilium.web_connections import PatientSite
from mcu.conference.door.throttle import source_group
from sip.core import AgentSettings
from sip.digest import Credentials
from sip.errors import SipParseError
from sip.flow import Target
from sip.listeners import Listener
from sip.local_networks import LocalNetworks
from sip.names import Names
from sip.outgoing import CredentialsOf
from sip.tls import client_context, server_context
from sip.transport import TransportSettings
from sip.uri import SipUri, parse_uri


def listeners(sip: SipSettings) -> list[Listener]:
    """Where SIP listens: every transport on IPv4, and on IPv6 where that is wanted."""
    ports = {"udp": sip.port, "tcp": sip.port, "tls": sip.tls_port, "ws": sip.ws_port, "wss": sip.wss_port}
    hosts = [sip.host] if sip.ipv6_host is None else [sip.host, sip.ipv6_host]
    return [Listener(transport, host, port) for host in hosts for transport, port in ports.items() if port]


def agent_settings(sip: SipSettings) -> AgentSettings:
    """What the user agent is told. Raises SettingsError."""
    return AgentSettings(
        product="Consilium",
        public_host=sip.public_address,
        local_networks=LocalNetworks(sip.local_networks),
        outbound_proxy=_proxy(sip),
        largest_datagram=sip.largest_datagram,
        session_expires=sip.session_expires,
        is_focus=True,
    )


def credentials(sip: SipSettings) -> CredentialsOf:
    """Our account at the proxy, for its realm alone: whoever else asks for a password could guess at the answer.

    Raises SettingsError.
    """
    if sip.account_password_file is None:
        return lambda realm: None
    try:
        password = sip.account_password_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"sip.account_password_file: {error}") from error
    account = Credentials(sip.account_name, password)
    return lambda realm: account if realm == sip.account_realm else None


def transport_settings(settings: Settings, identity: Identity) -> TransportSettings:
    """What the sockets are told. Raises SettingsError, and OSError when a certificate cannot be used."""
    sip = settings.sip
    certificate, key = certificate_files(settings, identity)
    proxy = _proxy(sip)
    try:
        resolver = Names(_items(sip.name_servers))
    except ValueError as error:
        raise SettingsError(f"sip.name_servers: {error}") from error
    return TransportSettings(
        server_tls=server_context(certificate, key),
        client_tls=client_context(
            verify=sip.tls_verify, ca_file=sip.tls_ca_file, certificate_file=certificate, private_key_file=key
        ),
        resolver=resolver,
        keep_alive=sip.keep_alive,
        group=source_group,
        web_server=PatientSite,
        origins=tuple(origin.lower().rstrip("/") for origin in _items(sip.allowed_origins)),
        proxy=None if proxy is None else Target(proxy.host, proxy.port, proxy.transport, proxy.scheme == "sips"),
    )


def certificate_files(settings: Settings, identity: Identity) -> tuple[Path, Path]:
    """The certificate of SIP and its key: SIP's own, else the web's, else the one made by the server."""
    for section in (settings.sip, settings.web):
        if section.certificate_file is not None and section.private_key_file is not None:
            return section.certificate_file, section.private_key_file
    return identity.certificate_file, identity.private_key_file


def _items(text: str | None) -> list[str]:
    """The items of a comma-separated list."""
    return [item.strip() for item in (text or "").split(",") if item.strip()]


def _proxy(sip: SipSettings) -> SipUri | None:
    if sip.outbound_proxy is None:
        return None
    try:
        uri = parse_uri(sip.outbound_proxy)
    except SipParseError as error:
        raise SettingsError(f"sip.outbound_proxy: {error}") from error
    if not isinstance(uri, SipUri):
        raise SettingsError("sip.outbound_proxy: it must begin with 'sip:' or 'sips:'")
    return uri if uri.is_loose_router else replace(uri, parameters=(*uri.parameters, ("lr", None)))
