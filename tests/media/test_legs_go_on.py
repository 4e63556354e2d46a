"""Legs that a fresh worker takes over: the peer sees the same keys and streams, and numbers that only go on."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from mcu.gateway.rtp_ports import RtpPorts
from mcu.media.leg import MediaLeg
from mcu.media.leg_transport import BrowserAccess
from mcu.media.packets import Srtp
from mcu.media.rtp.beginning import AHEAD
from mcu.media.spec import (
    Address,
    Continuation,
    HeardNumbers,
    LegNumbers,
    LegSpec,
    PathNumbers,
    SdesKeys,
    SentNumbers,
    WebRtcTransport,
)
from mcu.media.transport.browser_port import BrowserPort
from mcu.media.transport.srtp_numbers import protection_of
from mcu.media.units import CodedSound
from tests.fakes.media import OPUS, browser_leg, room_leg
from tests.media.transport.checks import PASSWORD, check
from tests.media.transport.sockets import peer
from tests.peers.ports import port_block

SUITE = "AEAD_AES_128_GCM"
OURS, THEIRS = bytes(range(28)), bytes(range(28, 56))
KEYS = SdesKeys(suite=SUITE, local=base64.b64encode(OURS).decode(), remote=base64.b64encode(THEIRS).decode())
SSRC, REMOTE_SSRC = 3, 77
LAST = (2 << 16) + 65_000
"""Last sequence number, with roll-overs, that the peer knows of us."""
HEARD = 500


class Nobody:
    """A listener that does not care."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: None


class Conference(Nobody):
    """Keeps the sound that came in."""

    def __init__(self) -> None:
        self.sounds: list[CodedSound] = []

    def sound_received(self, leg: MediaLeg, unit: CodedSound) -> None:
        self.sounds.append(unit)


def rtp(sequence: int) -> bytes:
    return bytes((0x80, OPUS.payload_type)) + sequence.to_bytes(2, "big") + bytes(4) + REMOTE_SSRC.to_bytes(4, "big")


def numbers(path: str, **more: object) -> LegNumbers:
    reached = PathNumbers(
        protection=protection_of(KEYS),
        ssrc=None if path == "bundle" else 1234,
        sent={SSRC if path == "bundle" else 1234: SentNumbers(sequence=LAST - 20, rtcp_index=4)},
        heard={REMOTE_SSRC: HeardNumbers(rollovers=1, highest=HEARD, rtcp_index=2)},
    )
    return LegNumbers.model_validate({"paths": {path: reached}, **more})


async def test_a_browser_goes_on_without_a_handshake() -> None:
    (number,) = port_block(1)
    port = BrowserPort(lambda: 0.0)
    await port.open("127.0.0.1", number)
    conference = Conference()
    async with peer() as browser:
        address = Address(host=browser.address[0], port=browser.address[1])
        reached = numbers("bundle", addresses=(address,), selected=address)
        continuation = Continuation(seed=5, ahead=1, numbers=reached, keys=KEYS)
        spec = browser_leg("b").model_copy(update={"continuation": continuation})
        leg = MediaLeg(spec, conference)  # type: ignore[arg-type]
        await leg.open(BrowserAccess(port, None))  # type: ignore[arg-type]
        assert leg.is_connected

        hears = Srtp(SUITE, OURS, inbound=True)
        hears.resume(SSRC, LAST >> 16, LAST & 0xFFFF, 4)
        leg.send_sound(CodedSound(b"sound", OPUS.payload_type, 1.0, samples=960))
        (packet,) = hears.unprotect_rtp([await browser.next()])
        assert packet is not None and packet.endswith(b"sound")
        ((_, rollovers, highest, _),) = hears.sources()
        assert (rollovers << 16) + (highest or 0) == LAST - 20 + AHEAD

        speaks = Srtp(SUITE, THEIRS, inbound=False)
        speaks.resume(REMOTE_SSRC, 1, HEARD - 1, 0)
        replayed, new = speaks.protect_rtp([rtp(HEARD) + b"old", rtp(HEARD + 1) + b"new"])
        assert replayed is not None and new is not None
        close_notify = b"\x15\xfe\xfd" + bytes(10) + b"\x01\x00"
        for data in (replayed, close_notify, b"\x16\xfe\xfd" + bytes(40), new):
            browser.send(data, number)
        while not conference.sounds:
            port._readable()
        assert [unit.data for unit in conference.sounds] == [b"new"]
        assert leg.is_connected and leg.bundled_keys() == KEYS

        now = leg.numbers()
        assert now.paths["bundle"].sent[SSRC].sequence == LAST - 20 + AHEAD + 1
        assert now.paths["bundle"].heard[REMOTE_SSRC].highest == HEARD + 1
        assert (now.addresses, now.selected) == ((address,), address)
        await leg.close()
        assert leg.numbers().paths["bundle"].sent[SSRC].rtcp_index > 4 + AHEAD
    port.close()


def encrypted_room(keys: SdesKeys, continuation: Continuation | None) -> LegSpec:
    ports = RtpPorts("127.0.0.1", 47000, 47999)
    leg = room_leg("a")
    where = {"local_host": "127.0.0.1", "audio_port": ports.take(), "video_port": ports.take()}
    transport = leg.transport.model_copy(update={**where, "security": {"audio": keys}})
    return leg.model_copy(update={"transport": transport, "continuation": continuation})


@pytest.mark.parametrize("same_keys", [True, False])
async def test_a_room_hears_the_same_stream_as_long_as_the_keys_are_the_same(same_keys: bool) -> None:
    keys = KEYS if same_keys else KEYS.model_copy(update={"local": KEYS.remote})
    leg = MediaLeg(encrypted_room(keys, Continuation(seed=5, ahead=1, numbers=numbers("audio"))), Nobody())
    await leg.open(None)
    stream = dict(leg.streams())["audio"]
    assert (stream.ssrc == 1234) is same_keys
    assert (stream.next_sequence == LAST - 20 + AHEAD) is same_keys
    reached = leg.numbers().paths["audio"]
    assert reached.protection == protection_of(keys) and reached.ssrc == stream.ssrc
    assert (reached.heard == numbers("audio").paths["audio"].heard) is same_keys
    assert (reached.sent[stream.ssrc].rtcp_index == 4 + AHEAD) is same_keys
    await leg.close()


async def test_a_room_in_the_clear_that_is_opened_anew_goes_on_exactly() -> None:
    ports = RtpPorts("127.0.0.1", 47000, 47999)
    leg = room_leg("a")
    where = {"local_host": "127.0.0.1", "audio_port": ports.take(), "video_port": ports.take()}
    spec = leg.model_copy(
        update={
            "transport": leg.transport.model_copy(update=where),
            "continuation": Continuation(seed=9),
        }
    )
    before = MediaLeg(spec, Nobody())
    await before.open(None)
    before.send_sound(CodedSound(b"sound", OPUS.payload_type, 1.0, samples=960))
    await before.close()
    after = MediaLeg(spec, Nobody(), before.numbers())
    await after.open(None)
    (old, new) = (dict(each.streams()).get("audio") for each in (before, after))
    assert old is None and new is not None
    assert new.next_sequence == before.numbers().paths["audio"].sent[1].sequence
    await after.close()


def test_nothing_secret_is_shown(tmp_path: Path) -> None:
    continuation = Continuation(seed=987654321, ahead=1, keys=KEYS)
    for shown in (repr(continuation), str(continuation)):
        assert KEYS.local not in shown and "987654321" not in shown


async def test_a_leg_goes_on_when_its_browser_restarts_ice() -> None:
    (number,) = port_block(1)
    port = BrowserPort(lambda: 0.0)
    await port.open("127.0.0.1", number)
    silent: list[float] = []
    listener = Nobody()
    listener.leg_silent = lambda leg, seconds: silent.append(seconds)  # type: ignore[attr-defined]
    async with peer() as wifi, peer() as mobile:
        address = Address(host=wifi.address[0], port=wifi.address[1])
        reached = numbers("bundle", addresses=(address,), selected=address)
        continuation = Continuation(seed=5, ahead=1, numbers=reached, keys=KEYS)
        first = browser_leg("b").model_copy(update={"continuation": continuation})
        assert isinstance(first.transport, WebRtcTransport)
        first = first.model_copy(update={"transport": first.transport.model_copy(update={"association": "one"})})
        leg = MediaLeg(first, listener)  # type: ignore[arg-type]
        await leg.open(BrowserAccess(port, None))  # type: ignore[arg-type]
        hears = Srtp(SUITE, OURS, inbound=True)
        hears.resume(SSRC, LAST >> 16, LAST & 0xFFFF, 4)

        again = {
            "local_ufrag": "newer",
            "local_password": PASSWORD,
            "remote_ufrag": "them",
            "remote_password": "x" * 22,
        }
        changed = first.model_copy(update={"transport": first.transport.model_copy(update=again)})
        other = {"association": "two", **again}
        fresh = first.model_copy(update={"transport": first.transport.model_copy(update=other)})
        assert leg.can_become(changed) and not leg.can_become(fresh)
        leg.update(changed)
        mobile.send(check("newer:them", nominate=True), number)
        await mobile.next()
        leg.send_sound(CodedSound(b"sound", OPUS.payload_type, 1.0, samples=960))
        (packet,) = hears.unprotect_rtp([await mobile.next()])
        assert packet is not None and packet.endswith(b"sound"), "the same keys and numbers, to another address"
        assert leg.is_connected

        port.end_consent(31.0)
        assert silent == [31.0], "whose browser checks no more is as good as silent"
    await leg.close()
    port.close()
