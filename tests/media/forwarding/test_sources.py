"""A browser's pictures, found by their packets on the compiled port."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from mcu.media.forwarding.sources import KEY_FRAME_SPACING, MAX_SOURCES, LegSources
from mcu.media.packets import MediaPort
from mcu.media.rtp.packet import RtpPacket
from mcu.media.rtp.rtcp import (
    GenericNack,
    Goodbye,
    PictureLossIndication,
    ReceiverEstimatedMaximumBitrate,
    RtcpPacket,
    parse_compound,
)
from mcu.media.spec import HeardPicture
from tests.media.forwarding.browsers import MID, REPAIRED, REPEAT, RID, RIDS, leg, vp8


class Browser:
    """``packet`` gives what it sends, which is handed straight to its sources; ``told`` is what it was told."""

    def __init__(self, port: MediaPort, rids: tuple[str, ...] = RIDS) -> None:
        self.told: list[RtcpPacket] = []
        self.delivered: list[str] = []
        self.begun: list[str] = []
        self.peer = port.open_peer()
        self.sources = LegSources(
            port,
            self.peer,
            leg("ann", 1, rids=rids),
            lambda datagrams: self.told.extend(packet for data in datagrams for packet in parse_compound(data)),
            self.delivered.append,
            self.begun.append,
        )

    def send(self, ssrc: int, *, rid: str | None = None, repaired: str | None = None, now: float = 0.0) -> bool:
        extensions = {MID: b"0"}
        extensions |= {} if rid is None else {RID: rid.encode()}
        extensions |= {} if repaired is None else {REPAIRED: repaired.encode()}
        packet = RtpPacket(96 if repaired is None else REPEAT, 1, 1, ssrc, vp8(1, key=True), extensions=extensions)
        return self.sources.receive("video", packet.serialise(), now)

    def asked(self, ssrc: int) -> int:
        return sum(isinstance(one, PictureLossIndication) and one.media_ssrc == ssrc for one in self.told)


@pytest.fixture
def port() -> Iterator[MediaPort]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        yield MediaPort(udp.fileno())


def test_encodings_are_told_apart_and_the_decoder_gets_one(port: MediaPort) -> None:
    browser = Browser(port)
    assert browser.send(11, rid="q") and not browser.send(12, rid="h") and not browser.send(13, rid="f")
    assert [one and one.ssrc for one in browser.sources.layers()] == [11, 12, 13]
    assert browser.send(11) and not browser.send(13)  # known by their SSRC from now on
    browser.sources.compose("video", 2, 0.1)
    assert browser.delivered == ["video", "video"] and browser.send(13) and not browser.send(11)
    browser.sources.compose("video", None, 0.2)
    assert not browser.send(13) and browser.begun == []


def test_what_nobody_decodes_has_begun_all_the_same(port: MediaPort) -> None:
    browser = Browser(port)
    browser.sources.compose("video", None, 0.0)
    assert not browser.send(11, rid="q") and not browser.send(12, rid="h")
    assert browser.begun == ["video"]


def test_where_packets_are_repeated_is_learnt_before_and_after(port: MediaPort) -> None:
    browser = Browser(port)
    assert not browser.send(21, repaired="q") and not browser.send(22, repaired="nobody")
    browser.send(11, rid="q")
    browser.send(12, rid="h")
    assert not browser.send(22, repaired="h")
    assert [one and one.rtx_ssrc for one in browser.sources.layers()] == [21, 22, None]


def test_a_successor_knows_what_packets_do_not_say_any_more(port: MediaPort) -> None:
    browser, successor = Browser(port), Browser(port)
    browser.send(21, repaired="h")
    browser.send(12, rid="h")
    assert not successor.send(12)
    for picture in browser.sources.heard():
        successor.sources.resume(picture, 5.0)
    assert successor.send(12, now=5.1)
    assert [one and (one.ssrc, one.rtx_ssrc) for one in successor.sources.layers()] == [None, (12, 21), None]
    for wrong in ({"layer": 3}, {"payload_type": 99}, {"media": "content"}):
        odd = HeardPicture(ssrc=77, media="video", layer=0, payload_type=96).model_copy(update=wrong)
        successor.sources.resume(odd, 5.2)
    assert len(successor.sources.heard()) == 1


def test_a_changed_source_takes_the_place_of_the_one_before(port: MediaPort) -> None:
    browser = Browser(port)
    browser.send(11, rid="q")
    browser.send(14, rid="q")
    assert [one and one.ssrc for one in browser.sources.layers()] == [14, None, None]
    plain = Browser(port, rids=())
    plain.send(31)
    assert not plain.send(32, now=0.05)  # nothing says that it is not a stray one
    assert plain.send(32, now=0.5)
    plain.sources.goodbye(Goodbye((32, 5)))
    assert plain.sources.layers() == [None] and plain.sources.codec(0.6) is None


def test_there_is_an_end_to_sources(port: MediaPort) -> None:
    browser = Browser(port)
    for number in range(100):
        browser.send(1000 + number, rid=RIDS[number % 3])
        browser.send(2000 + number)
    assert len(browser.sources.heard()) == 3 <= MAX_SOURCES
    assert not browser.sources.receive("content", bytes(12), 0.0)


def test_requests_for_key_frames_are_merged(port: MediaPort) -> None:
    browser = Browser(port)
    browser.send(11, rid="q")
    source = browser.sources.layers()[0]
    assert source is not None
    for step in range(20):
        browser.sources.want_key_frame(source, 10 + step * 0.01, switching=True)
    assert browser.asked(11) == 1
    # What receivers ask for alone waits until a key frame is old enough.
    source.requester.received()
    source.last_key_frame = 20.0
    for step in range(10):
        browser.sources.want_key_frame(source, 20.0 + step * 0.05, switching=False)
    assert browser.asked(11) == 1
    browser.sources.handle_timer(20.0 + KEY_FRAME_SPACING)
    assert browser.asked(11) == 2
    browser.sources.close()
    browser.sources.want_key_frame(source, 40.0, switching=True)
    browser.sources.handle_timer(41.0)
    assert browser.asked(11) == 2


def test_what_is_not_decoded_is_reported_on(port: MediaPort) -> None:
    browser = Browser(port)
    browser.sources.maximum_bitrate = 1_000_000
    browser.sources.compose("video", None, 0.0)
    browser.send(11, rid="q")
    browser.sources.handle_timer(1.0)
    (estimate,) = [one for one in browser.told if isinstance(one, ReceiverEstimatedMaximumBitrate)]
    assert estimate.ssrcs == (11,) and not any(isinstance(one, GenericNack) for one in browser.told)
