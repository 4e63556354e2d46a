"""A leg's keys: when it has to begin anew, and that no two beginnings share a key stream."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from mcu.gateway.rtp_ports import RtpPorts
from mcu.media.leg import MediaLeg
from mcu.media.leg_transport import LegTransportError
from mcu.media.spec import Address, DtlsKeys, IceSpec, LegSpec, SdesKeys
from tests.fakes.media import room_leg

KEY = base64.b64encode(bytes(30)).decode()
SDES = SdesKeys(suite="AES_CM_128_HMAC_SHA1_80", local=KEY, remote=KEY)
DTLS = DtlsKeys(fingerprints=(("sha-256", "AB"),), role="server")
ICE = IceSpec(local_ufrag="ours", local_password="p" * 24, remote_ufrag="theirs")


class Nobody:
    """A listener that does not care."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: None


def spec(**transport: Any) -> LegSpec:
    leg = room_leg("a")
    return leg.model_copy(update={"transport": leg.transport.model_copy(update=transport)})


def can_become(one: LegSpec, other: LegSpec) -> bool:
    return MediaLeg(one, Nobody()).can_become(other)


MOVED = Address(host="192.0.2.99", port=4)


@pytest.mark.parametrize(
    ("before", "after", "goes_on"),
    [
        ({}, {"audio_remote": MOVED}, True),
        ({}, {"security": {"audio": SDES}}, False),
        ({"security": {"audio": SDES}}, {"security": {"audio": SDES}, "audio_remote": MOVED}, True),
        ({"security": {"audio": SDES}}, {"security": {"audio": SDES.model_copy(update={"remote": "x"})}}, False),
        ({"security": {"audio": DTLS}}, {"security": {"audio": DTLS}, "video_remote": MOVED}, True),
        ({"security": {"audio": DTLS}}, {"security": {"audio": DTLS}, "audio_remote": MOVED}, False),
        (
            {"security": {"audio": DTLS}, "ice": {"audio": ICE}},
            {"security": {"audio": DTLS}, "ice": {"audio": ICE}, "audio_remote": MOVED},
            True,
        ),
        ({"ice": {"audio": ICE}}, {"ice": {}}, False),
    ],
)
def test_new_keys_and_new_paths_of_dtls_begin_anew(
    before: dict[str, object], after: dict[str, object], goes_on: bool
) -> None:
    assert can_become(spec(**before), spec(**after)) is goes_on


async def test_no_two_beginnings_send_under_the_same_source() -> None:
    seen: set[int] = set()
    for security in ({}, {"audio": SDES}):
        seen.clear()
        for _ in range(3):
            ports = RtpPorts("127.0.0.1", 47000, 47999)
            where = {"local_host": "127.0.0.1", "audio_port": ports.take(), "video_port": ports.take()}
            leg = MediaLeg(spec(security=security, **where), Nobody())
            await leg.open(None)
            seen.add(next(stream.config.ssrc for media, stream in leg.streams() if media == "audio"))
            await leg.close()
        assert len(seen) == (3 if security else 1)


async def test_keys_that_cannot_be_used_are_said_so_without_being_shown() -> None:
    for keys, reason in ((SDES.model_copy(update={"remote": "AAAA"}), "encryption of audio"), (DTLS, "no certificate")):
        ports = RtpPorts("127.0.0.1", 47000, 47999)
        where = {"local_host": "127.0.0.1", "audio_port": ports.take(), "video_port": ports.take()}
        leg = MediaLeg(spec(security={"audio": keys}, **where), Nobody())
        with pytest.raises(LegTransportError, match=reason) as error:
            await leg.open(None)
        assert "AAAA" not in str(error.value)
