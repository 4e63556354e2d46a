"""A fresh port goes on with a peer's keys where another port stopped."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from mcu.media.packets import MediaPort, PacketKind, Srtp

SUITE = "AEAD_AES_128_GCM"
OURS, THEIRS = bytes(range(28)), bytes(range(28, 56))
SSRC = 77


def rtp(sequence: int) -> bytes:
    return bytes((0x80, 96)) + (sequence & 0xFFFF).to_bytes(2, "big") + bytes(4) + SSRC.to_bytes(4, "big") + b"picture"


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs,
    ):
        for each in (ours, theirs):
            each.bind(("127.0.0.1", 0))
            each.setblocking(False)
        yield ours, theirs


def test_what_was_heard_before_is_a_replay_and_what_follows_is_taken(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = sockets
    port = MediaPort(ours.fileno())
    peer = port.open_peer()
    port.set_keys(peer, SUITE, OURS, THEIRS)
    port.set_addresses(peer, [theirs.getsockname()], theirs.getsockname())
    port.resume(peer, True, SSRC, 3, 1000, 9)
    browser = Srtp(SUITE, THEIRS, inbound=False)
    browser.resume(SSRC, 3, 999, 0)
    old, new = browser.protect_rtp([rtp(1000), rtp(1001)])
    assert old is not None and new is not None
    for packet in (old, new):
        theirs.sendto(packet, ours.getsockname())
    assert [(kind, data) for kind, _, data, _ in port.receive(0.0)] == [(PacketKind.RTP, rtp(1001))]
    assert port.refused(peer) == 1
    assert port.srtp_numbers(peer, True) == [(SSRC, 3, 1001, 9)]


def test_what_is_sent_has_the_roll_overs_that_the_peer_knows(sockets: tuple[socket.socket, socket.socket]) -> None:
    port = MediaPort(sockets[0].fileno())
    peer = port.open_peer()
    port.set_keys(peer, SUITE, OURS, THEIRS)
    port.resume(peer, False, SSRC, 2, 65_000, 4)
    browser = Srtp(SUITE, OURS, inbound=True)
    browser.resume(SSRC, 2, 64_000, 0)
    (sent,) = port.protect_rtp(peer, [rtp(65_001)])
    assert sent is not None and browser.unprotect_rtp([sent]) == [rtp(65_001)]
    assert port.srtp_numbers(peer, False) == [(SSRC, 2, 65_001, 4)]


def test_without_keys_there_is_nothing_to_go_on_with(sockets: tuple[socket.socket, socket.socket]) -> None:
    port = MediaPort(sockets[0].fileno())
    peer = port.open_peer()
    assert port.srtp_numbers(peer, False) == []
    with pytest.raises(ValueError, match="no keys"):
        port.resume(peer, False, SSRC, 0, 1, 0)
    with pytest.raises(KeyError):
        port.srtp_numbers(peer + 1, False)
    port.set_keys(peer, SUITE, OURS, THEIRS)
    with pytest.raises(ValueError, match="range"):
        port.resume(peer, False, SSRC, 0, 0x10000, 0)


def test_who_has_gone_far_is_found_until_it_is_told(sockets: tuple[socket.socket, socket.socket]) -> None:
    port = MediaPort(sockets[0].fileno())
    peer = port.open_peer()
    assert not port.gone_far(peer, 1)
    port.set_keys(peer, SUITE, OURS, THEIRS)
    assert not port.gone_far(peer, 1)
    port.protect_rtp(peer, [rtp(7)])
    assert port.gone_far(peer, 8)  # nobody has been told of it
    port.srtp_numbers(peer, True)
    assert port.gone_far(peer, 8)  # nor is by what comes in
    port.srtp_numbers(peer, False)
    assert not port.gone_far(peer, 1)
    port.protect_rtp(peer, [rtp(sequence) for sequence in range(8, 17)])
    port.protect_rtcp(peer, [bytes((0x80, 201, 0, 1)) + SSRC.to_bytes(4, "big")])
    assert port.gone_far(peer, 10) and not port.gone_far(peer, 11)
    with pytest.raises(KeyError):
        port.gone_far(peer + 1, 1)
