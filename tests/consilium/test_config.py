"""Settings from file, variables and command line; whatever cannot be is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from consilium.config import Settings, SettingsError, described, load_settings


def write(folder: Path, text: str) -> Path:
    file = folder / "consilium.toml"
    file.write_text(text, "utf-8")
    return file


def test_nothing_is_needed() -> None:
    settings = load_settings(None, {})
    assert settings == Settings()
    assert (settings.web.https_port, settings.sip.port, settings.rooms.create_on_dial) == (8443, 5060, True)
    assert settings.recordings_folder == Path("data/recordings")


def test_later_sources_win(tmp_path: Path) -> None:
    file = write(tmp_path, '[sip]\nport = 5070\nhost = "192.0.2.1"\n[media]\nworkers = 3\nbitrate = 1000000\n')
    environment = {"CONSILIUM_SIP__PORT": "5080", "CONSILIUM_MEDIA__WORKERS": "2", "CONSILIUM_CONFIG": "x", "PATH": "/"}
    settings = load_settings(file, environment, ["sip.port=5090"])
    assert (settings.sip.port, settings.media.workers, settings.media.bitrate) == (5090, 2, 1_000_000)
    assert settings.sip.host == "192.0.2.1"


def test_values_are_read_as_what_they_are_for(tmp_path: Path) -> None:
    settings = load_settings(
        None,
        {"CONSILIUM_ROOMS__CREATE_ON_DIAL": "false", "CONSILIUM_RECORDINGS": str(tmp_path)},
        [" sip.public_address = 203.0.113.5 ", "rooms.number_pattern=[0-9]=x", "media.silence_timeout=7.5"],
    )
    assert settings.rooms.create_on_dial is False
    assert settings.recordings_folder == tmp_path
    assert settings.sip.public_address == "203.0.113.5"
    assert settings.rooms.number_pattern == "[0-9]=x"
    assert settings.media.silence_timeout == 7.5


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("sip.prot=5070", "sip.prot: Extra inputs"),
        ("nothing=1", "nothing: Extra inputs"),
        ("sip.port=0", "sip.port: Input should be greater"),
        ("sip.port=70000", "sip.port: Input should be less"),
        ("sip.port=http", "sip.port: Input should be a valid integer"),
        ("sip=1", "sip: Input should be"),
        ("media.height=1440", "media.height: "),
        ("log.level=LOUD", "log.level: "),
        ("sip.port", "'sip.port' is not of the form name=value"),
        ("media.rtp_port_last=20002", "media.rtp_port_last: at least four ports"),
        ("web.certificate_file=/c.pem", "web.certificate_file and web.private_key_file go together"),
        ("sip.port.x=1", "sip.port"),
    ],
)
def test_what_cannot_be_is_named(assignment: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(None, {}, [assignment])
    assert message in str(caught.value)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(SettingsError, match=r"sip\.port: .*; media\.workers: "):
        load_settings(None, {"CONSILIUM_SIP__PORT": "x"}, ["media.workers=0"])


def test_a_group_below_a_plain_setting_is_refused() -> None:
    with pytest.raises(SettingsError, match="data is no group of settings"):
        load_settings(None, {"CONSILIUM_DATA": "/srv", "CONSILIUM_DATA__X": "1"})


@pytest.mark.parametrize(
    ("text", "message"),
    [("[sip\nport = 1", "consilium.toml: "), ('sip = "x"', "sip: "), ("[sip]\nprot = 1", "sip.prot")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings(write(tmp_path, text), {})


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml: No such file"):
        load_settings(tmp_path / "nowhere.toml", {})
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(SettingsError, match=r"latin\.toml: "):
        load_settings(tmp_path / "latin.toml", {})


def test_settings_do_not_change_once_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings(None, {}).sip.port = 1  # type: ignore[misc]


def test_every_setting_has_a_description() -> None:
    settings = described()
    assert "sip.port" in settings and "data" in settings
    assert settings["sip.port"][0] == "5060" and settings["data"][0] == '"data"'
    assert all(text for _, text in settings.values())
