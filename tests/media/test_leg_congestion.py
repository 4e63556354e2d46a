"""What a browser and we tell each other of packets: what is left for each picture, when feedback goes out."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from mcu.media.leg_congestion import FEEDBACK_INTERVAL, IDLE_INTERVAL, LegCongestion, Part, counted_extension
from mcu.media.numbering import first_number
from mcu.media.packets import MediaPort
from mcu.media.spec import AudioSpec, CodecSpec, LegSpec, VideoSpec, WebRtcTransport

OPUS = CodecSpec(name="opus", payload_type=111, clock_rate=48000)
H264 = CodecSpec(name="H264", payload_type=99, clock_rate=90000)
TRANSPORT = WebRtcTransport(
    local_ufrag="ours", local_password="p" * 22, remote_ufrag="them", remote_password="q" * 22, fingerprints=()
)


def spec(audio: int | None, video: int | None) -> LegSpec:
    return LegSpec(
        id="leg",
        name="Leg",
        transport=TRANSPORT,
        audio=AudioSpec(send_codec=OPUS, receive_codecs=(OPUS,), ssrc=7, transport_sequence_id=audio),
        video=VideoSpec(send_codec=H264, receive_codecs=(H264,), ssrc=8, transport_sequence_id=video),
    )


class Port:
    """A compiled port that tells what the test says."""

    def __init__(self) -> None:
        self.counted: tuple[int, int, tuple[int, ...]] | None = None
        self.told: list[tuple[float, float, int, int]] | None = []
        self.heard: list[bytes] = []

    def count_packets(self, peer: int, extension: int, first: int, uncounted: Sequence[int] = ()) -> None:
        self.counted = extension, first, tuple(uncounted)

    def next_number(self, peer: int) -> int:
        return 99

    def take_feedback(self, peer: int, data: bytes) -> list[tuple[float, float, int, int]] | None:
        return self.told

    def feedback(self, peer: int, ssrc: int) -> list[bytes]:
        assert ssrc == 8
        heard, self.heard = self.heard, []
        return heard


class Call:
    """One browser that tells of 50 packets a second; ``octets`` is what it was sent of each part."""

    def __init__(self) -> None:
        self.port = Port()
        self.sent: list[bytes] = []
        self.followed: list[float | None] = []
        self.probed: list[float] = []
        self.octets: dict[Part, int] = {"audio": 0, "video": 0}
        self.changes = 0
        self.now = 0.0
        self.congestion = LegCongestion(
            self.port,  # type: ignore[arg-type]
            3,
            spec(5, 5),
            12,
            send_rtcp=self.sent.extend,
            octets=lambda: self.octets,
            follow=self.followed.append,
            probe=self.probed.append,
            changed=self._changed,
        )

    def _changed(self) -> None:
        self.changes += 1

    def tell(self, seconds: float, growth: float = 0.0) -> None:
        """``growth`` is how fast a queue grows, in seconds a second."""
        for _ in range(round(seconds / 0.1)):
            self.port.told = []
            for index in range(10):
                sent = self.now + index * 0.01
                self.delay = getattr(self, "delay", 0.0) + growth * 0.01
                self.port.told.append((sent, sent + 1000 + self.delay, 1250, 2))
            self.now += 0.1
            self.octets["audio"] += 1_000
            self.octets["video"] += 11_500
            self.congestion.receive_rtcp(b"\x8f\xcd\x00\x00", self.now)


def test_lines_that_do_not_count_are_left_out() -> None:
    assert counted_extension(spec(None, None)) is None
    call = Call()
    assert call.port.counted == (5, 12, ())
    call.congestion.update(spec(None, 5))
    assert call.port.counted == (5, 99, (7,))


def test_nothing_is_known_before_the_browser_tells() -> None:
    call = Call()
    call.port.told = []
    assert call.congestion.receive_rtcp(b"\x8f\xcd\x00\x00", 1.0)
    assert call.congestion.network() is None and call.changes == 0


def test_a_queue_that_grows_binds_and_is_told_at_once() -> None:
    call = Call()
    call.tell(3.0)
    network = call.congestion.network()
    assert network is not None and network.rate is None and 8 <= call.changes <= 13
    assert set(call.followed) == {None}
    call.tell(1.0, growth=0.3)
    network, left = call.congestion.network(), call.congestion.network("video")
    assert network is not None and left is not None and network.rate is not None and left.rate is not None
    assert network.rate < 1_000_000
    assert left.rate == pytest.approx(network.rate - 80_000, abs=10_000)  # the sound's part
    assert call.followed[-1] == pytest.approx(network.rate, rel=0.3)


def test_a_browser_that_tells_nothing_any_more_is_sent_less_and_less() -> None:
    """And what it had when it tells again."""
    call = Call()
    call.tell(3.0)
    assert call.congestion.network() is not None and call.followed[-1] is None
    heard = call.now
    for _ in range(16):
        call.now += 0.25
        call.octets["video"] += 25_000
        call.congestion.handle_timer(call.now)
        network = call.congestion.network("video")
        assert network is not None
        if call.now - heard < 1.0:
            assert network.rate is None
    assert network.rate is not None and network.rate < 400_000 and network.falls >= 4
    assert call.followed[-1] is not None
    call.tell(0.5)
    network = call.congestion.network()
    assert network is not None and network.rate is None


def test_once_bound_and_calm_it_is_tried_whether_more_gets_through() -> None:
    call = Call()
    call.tell(3.0)
    assert call.probed == []
    call.tell(1.0, growth=0.3)
    bound = call.congestion.network()
    assert bound is not None and bound.rate is not None and call.probed == []
    call.tell(1.0, growth=-0.3)
    call.tell(6.0)
    assert call.probed and call.probed[0] >= 1.9 * bound.rate


def test_a_browser_that_is_sent_nothing_has_nothing_to_tell() -> None:
    call = Call()
    call.tell(3.0)
    for _ in range(40):
        call.now += 0.25
        call.congestion.handle_timer(call.now)
    network = call.congestion.network()
    assert network is not None and network.rate is None


def test_feedback_goes_out_ten_times_a_second_where_something_has_come() -> None:
    call = Call()
    call.port.heard = [b"feedback"]
    call.congestion.handle_timer(1.0)
    assert call.sent == [b"feedback"] and call.congestion.next_deadline() == 1.0 + FEEDBACK_INTERVAL
    call.port.heard = [b"more"]
    call.congestion.handle_timer(1.05)
    assert len(call.sent) == 1
    call.congestion.handle_timer(1.1)
    call.congestion.handle_timer(1.25)
    assert call.sent == [b"feedback", b"more"] and call.congestion.next_deadline() == 1.25 + IDLE_INTERVAL


@pytest.mark.parametrize("data", [b"", b"\x8f", b"\x81\xc9\x00\x01" + bytes(4), b"\x8f\xcd\x00\x09" + bytes(8)])
def test_what_is_no_feedback_alone_is_for_others_too(data: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        port = MediaPort(udp.fileno())
        congestion = LegCongestion(
            port,
            port.open_peer(),
            spec(5, 5),
            0,
            send_rtcp=lambda packets: None,
            octets=dict,
            follow=lambda rate: None,
            probe=lambda rate: None,
            changed=lambda: None,
        )
        assert not congestion.receive_rtcp(data, 1.0)


def test_a_successor_counts_on_beyond_all_that_may_have_been_sent() -> None:
    assert first_number(None, 0, 0xFFFF_FFFF) == 0x7FFF
    assert first_number(4711, 0, 1) == 4711
    jumps = [(first_number(65_000, ahead, 1) - 65_000) & 0xFFFF for ahead in range(1, 9)]
    assert jumps[0] >= 10_000 and max(jumps) < 0x8000
