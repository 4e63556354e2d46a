"""From settings to SIP's sockets: listeners, certificates, the proxy, whom to believe."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from consilium.certificates import Identity
from consilium.config import Settings, SettingsError, load_settings
from consilium.signalling import agent_settings, certificate_files, credentials, listeners, transport_settings
from sip.digest import Credentials
from sip.flow import Target
from sip.listeners import Listener
from tests.sip.certificates import Authority


def settings(*assignments: str) -> Settings:
    return load_settings(None, {}, assignments)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Identity:
    issued = authority.issue("made.test")
    return Identity(issued.certificate, issued.key, "AA:BB")


def test_by_default_it_listens_on_ipv4_for_udp_tcp_and_tls() -> None:
    assert listeners(settings().sip) == [
        Listener("udp", "0.0.0.0", 5060),
        Listener("tcp", "0.0.0.0", 5060),
        Listener("tls", "0.0.0.0", 5061),
    ]


def test_every_transport_can_be_had_on_both_families_or_left_out() -> None:
    sip = settings(
        "sip.host=192.0.2.1", "sip.ipv6_host=2001:db8::1", "sip.tls_port=0", "sip.ws_port=5066", "sip.wss_port=5067"
    ).sip
    assert [(item.transport, item.port) for item in listeners(sip)] == 2 * [
        ("udp", 5060),
        ("tcp", 5060),
        ("ws", 5066),
        ("wss", 5067),
    ]
    assert [item.host for item in listeners(sip)] == 4 * ["192.0.2.1"] + 4 * ["2001:db8::1"]


def test_the_certificate_is_sips_own_or_the_webs_or_the_made_one(authority: Authority, identity: Identity) -> None:
    web, sip = authority.issue("web.test"), authority.issue("sip.test")
    for_web = (f"web.certificate_file={web.certificate}", f"web.private_key_file={web.key}")
    for_sip = (f"sip.certificate_file={sip.certificate}", f"sip.private_key_file={sip.key}")
    assert certificate_files(settings(), identity) == (identity.certificate_file, identity.private_key_file)
    assert certificate_files(settings(*for_web), identity) == (web.certificate, web.key)
    assert certificate_files(settings(*for_web, *for_sip), identity) == (sip.certificate, sip.key)
    with pytest.raises(SettingsError, match=r"sip\.certificate_file and sip\.private_key_file go together"):
        settings(for_sip[0])


def test_whom_to_believe(authority: Authority, identity: Identity) -> None:
    usual = transport_settings(settings(), identity).client_tls
    assert usual is not None and usual.verify_mode is ssl.CERT_REQUIRED and usual.check_hostname
    ours = transport_settings(settings(f"sip.tls_ca_file={authority.file}"), identity).client_tls
    assert ours is not None
    assert [entry["subject"] for entry in ours.get_ca_certs()] == [((("commonName", "Test authority"),),)]
    anybody = transport_settings(settings("sip.tls_verify=false"), identity).client_tls
    assert anybody is not None and anybody.verify_mode is ssl.CERT_NONE


def test_a_certificate_that_is_not_there_is_told_of(tmp_path: Path, identity: Identity) -> None:
    missing = settings(f"sip.certificate_file={tmp_path / 'a'}", f"sip.private_key_file={tmp_path / 'b'}")
    with pytest.raises(OSError, match="No such file"):
        transport_settings(missing, identity)


def test_the_outbound_proxy_is_a_loose_router(identity: Identity) -> None:
    given = settings("sip.outbound_proxy=sip:proxy.example.org;transport=tls", "sip.keep_alive=40")
    assert str(agent_settings(given.sip).outbound_proxy) == "sip:proxy.example.org;transport=tls;lr"
    transports = transport_settings(given, identity)
    assert transports.proxy == Target("proxy.example.org", None, "tls") and transports.keep_alive == 40
    assert agent_settings(settings().sip).outbound_proxy is None


@pytest.mark.parametrize("value", ["proxy.example.org", "tel:+4930", "sip:", "sip:a b"])
def test_a_proxy_that_is_no_sip_uri_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match=r"sip\.outbound_proxy"):
        agent_settings(settings(f"sip.outbound_proxy={value}").sip)


def test_origins_are_a_list(identity: Identity) -> None:
    given = settings("sip.allowed_origins=https://Phone.example.org/ , https://b.example:8443")
    assert transport_settings(given, identity).origins == ("https://phone.example.org", "https://b.example:8443")
    assert transport_settings(settings(), identity).origins == ()


def test_name_servers_are_addresses(identity: Identity) -> None:
    assert transport_settings(settings("sip.name_servers=192.0.2.1, [::1]:5353"), identity).resolver is not None
    with pytest.raises(SettingsError, match=r"sip\.name_servers: dns\.example is no address"):
        transport_settings(settings("sip.name_servers=dns.example"), identity)


def test_the_account_at_a_proxy_is_for_its_realm_alone(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("Secret-7\n")
    account = (f"sip.account_password_file={secret}", "sip.account_name=server", "sip.account_realm=clinic")
    lookup = credentials(settings(*account).sip)
    assert lookup("clinic") == Credentials("server", "Secret-7")
    assert lookup("elsewhere") is None
    assert credentials(settings().sip)("clinic") is None
    with pytest.raises(SettingsError, match="go together"):
        settings(*account[:2])
    secret.unlink()
    with pytest.raises(SettingsError, match="account_password_file"):
        credentials(settings(*account).sip)


def test_sessions_expire_as_the_settings_say() -> None:
    assert agent_settings(settings("sip.session_expires=600").sip).session_expires == 600
    assert agent_settings(settings("sip.session_expires=0").sip).session_expires == 0
    with pytest.raises(SettingsError, match="session_expires"):
        settings("sip.session_expires=60")
