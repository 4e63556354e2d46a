"""The packet layer: payloads, order, repair, keys. The browsers' port has ``port_scenes``."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.fuzz.exhausted.inside import load
from tests.fuzz.exhausted.port_scenes import port_scenes
from tests.fuzz.exhausted.scene import Attempt, Scene, calls, makes, untried

SUITES = {"AES_CM_128_HMAC_SHA1_80": 30, "AEAD_AES_128_GCM": 28, "AEAD_AES_256_GCM": 44}
START = b"\0\0\0\1"
SPS, PPS, IDR, SLICE = b"\x67\x42\xe0\x1f" + bytes(9), b"\x68\xce\x38\x80", b"\x65\x88" + b"\7" * 400, b"\x41\x9a\7"
STAP = b"\x78" + b"".join(struct.pack("!H", len(unit)) + unit for unit in (SPS, PPS, SLICE))
FRAGMENTS = (b"\x7c\x85\x88" + b"\7" * 300, b"\x7c\x45" + b"\7" * 300)
VP8_KEY = b"\x90\x80\x80\x01\x10\x02\x00\x9d\x01\x2a" + b"\7" * 300
UNIT = START + SPS + START + PPS + START + IDR + START + b"\x65\x08" + b"\7" * 4000


def rtp(sequence: int, payload: bytes, *, marker: bool = False, payload_type: int = 96, ssrc: int = 7) -> bytes:
    """A packet without anything beside."""
    return struct.pack("!BBHII", 0x80, payload_type | marker << 7, sequence, 90 * sequence, ssrc) + payload


def scenes(file: str) -> list[Scene]:
    """All, with the compiled module of this file."""
    native = load("_native", file)
    made = [
        Scene("import", lambda: Attempt(_import_anew, (file,)), interpreted=True, keeps=True),
        *_packets(native),
        *_cutting(native),
        *_joining(native),
        *_order(native),
        *_repair(native),
        *_protection(native),
        *port_scenes(native),
    ]
    missing = untried(native, made)
    assert not missing, f"there is no scene of {missing}"
    return made


def _import_anew(file: str) -> None:
    load("_native", file)


def _packets(native: Any) -> list[Scene]:
    extended = native.write_packet(96, 7, 8, 9, b"payload", True, (1, 2), native.pack_extensions([(1, b"ab")]), 3)
    return [
        calls("parse_header", native.parse_header, extended),
        calls("parse_packet", native.parse_packet, extended),
        calls("read_extension", native.read_extension, extended, 1),
        calls("pack_extensions", native.pack_extensions, [(1, b"ab"), (2, b"c" * 16)]),
        calls("write_packet", native.write_packet, 96, 7, 8, 9, b"payload", True, (1, 2), b"\xbe\xde\0\0", 3),
        calls("write_packets", native.write_packets, [b"a", b"b" * 900], True, 96, 70_000, 1 << 31, 1 << 31, b""),
        calls("repetition", native.repetition, rtp(1, b"payload"), 12, 97, 70_000, 1 << 31),
        calls("pack_red", native.pack_red, [(111, 960, b"a"), (111, 0, b"b" * 100)]),
        calls("unpack_red", native.unpack_red, native.pack_red([(111, 960, b"a"), (111, 0, b"b" * 100)])),
        calls("nal_units", native.nal_units, UNIT),
        calls("descriptor_size", native.descriptor_size, VP8_KEY),
    ]


def _fresh(data: bytes) -> bytes:
    """The same octets in an object of its own: what has been cut already is remembered by that."""
    return bytes(bytearray(data))


def _cutting(native: Any) -> list[Scene]:
    def packets(made: Any, data: bytes, numbers: tuple[int, ...]) -> Attempt:
        cache = native.RetransmissionCache()
        data = _fresh(data)

        def after(failed: bool) -> None:
            again = made.packets(data, *numbers, b"", cache)
            assert [cache.resend(numbers[1] + i, 100.0) for i in range(len(again))] == again

        return Attempt(made.packets, (data, *numbers, b"", cache), after)

    def packetize(made: Any, data: bytes) -> Attempt:
        data = _fresh(data)
        return Attempt(made.packetize, (data,), lambda failed: _same_length(made.packetize(data), len(data)))

    def stored_one() -> Attempt:
        cache = native.RetransmissionCache()
        return Attempt(cache.store, (5, rtp(5, b"kept")), lambda failed: _kept(cache))

    def stored() -> Attempt:
        cache = native.RetransmissionCache()
        cache.store(5, rtp(5, b"kept"))
        return Attempt(cache.store_run, (70_000, [rtp(1, b"a"), rtp(2, b"b")]), lambda failed: _kept(cache))

    def resent() -> Attempt:
        cache = native.RetransmissionCache()
        sent = native.H264Packetizer().packets(_fresh(UNIT), 96, 5, 0, 7, b"", cache)
        return Attempt(cache.resend, (5, 1.0), lambda failed: _same(cache.resend(5, 2.0), sent[0]))

    numbers = (96, 1000, 1 << 31, 1 << 31)
    return [
        makes("H264Packetizer", native.H264Packetizer, 1, 1100),
        makes("Vp8Packetizer", native.Vp8Packetizer, 1100, 5),
        *(
            Scene(f"H264Packetizer.packets {mode}", partial(packets, native.H264Packetizer(mode), UNIT, numbers))
            for mode in (0, 1)
        ),
        Scene("H264Packetizer.packetize", lambda: packetize(native.H264Packetizer(), UNIT)),
        Scene("Vp8Packetizer.packets", lambda: packets(native.Vp8Packetizer(), b"\x10" * 4000, numbers)),
        Scene("Vp8Packetizer.packetize", lambda: packetize(native.Vp8Packetizer(), b"\x10" * 4000)),
        makes("RetransmissionCache", native.RetransmissionCache),
        Scene("RetransmissionCache.store", stored_one),
        Scene("RetransmissionCache.store_run", stored),
        Scene("RetransmissionCache.resend", resent),
    ]


def _same(one: Any, other: Any) -> None:
    assert one == other, (one, other)


def _same_length(payloads: tuple[bytes, ...], least: int) -> None:
    assert sum(map(len, payloads)) > least - 20, payloads


def _kept(cache: Any) -> None:
    assert cache.resend(5, 1.0) == rtp(5, b"kept")


def _joining(native: Any) -> list[Scene]:
    def pushed(make: Callable[[], Any], before: tuple[bytes, ...], last: bytes) -> Attempt:
        depacketizer = make()
        for payload in before:
            depacketizer.push(payload)
        # A picture of which a payload could not be added is not whole.
        return Attempt(depacketizer.push, (last,), lambda failed: _same(depacketizer.whole, not failed))

    def taken(make: Callable[[], Any], payloads: tuple[bytes, ...]) -> Attempt:
        depacketizer, other = make(), make()
        for payload in payloads:
            depacketizer.push(payload)
            other.push(payload)
        expected = other.take()

        def after(failed: bool) -> None:
            assert depacketizer.take() == (expected if failed else None)

        return Attempt(depacketizer.take, (), after)

    def let_go(make: Callable[[], Any], method: str) -> Attempt:
        depacketizer = make()
        depacketizer.push(VP8_KEY)
        return Attempt(getattr(depacketizer, method), (), lambda failed: _same(depacketizer.whole, method == "reset"))

    def pushed_to_joiner() -> Attempt:
        class Joiner(native.PacketJoiner):  # type: ignore[misc]
            def finish(self, now: float) -> None:
                raise AssertionError("no picture has ended")

        depacketizer = native.H264Depacketizer()
        joiner = Joiner({96: depacketizer}, _refuse)
        return Attempt(joiner.push, (90, False, 96, IDR, 0.0), lambda failed: _same(depacketizer.whole, not failed))

    h264, vp8 = native.H264Depacketizer, native.Vp8Depacketizer
    return [
        makes("H264Depacketizer", h264, (SPS, PPS)),
        makes("Vp8Depacketizer", vp8),
        Scene("H264Depacketizer.push", lambda: pushed(h264, (), IDR)),
        Scene("H264Depacketizer.push of several", lambda: pushed(h264, (), STAP)),
        Scene("H264Depacketizer.push of a fragment", lambda: pushed(h264, FRAGMENTS[:1], FRAGMENTS[1] + bytes(20_000))),
        Scene("Vp8Depacketizer.push", lambda: pushed(vp8, (), VP8_KEY)),
        Scene("Vp8Depacketizer.push of more", lambda: pushed(vp8, (VP8_KEY,), b"\x80\x80\x80\x01" + bytes(20_000))),
        *(
            Scene(f"{name}.{method}", partial(let_go, make, method))
            for name, make in (("H264Depacketizer", h264), ("Vp8Depacketizer", vp8))
            for method in ("cut", "reset")
        ),
        Scene("PacketJoiner.push", pushed_to_joiner),
        Scene("H264Depacketizer.take", lambda: taken(lambda: h264((SPS, PPS)), FRAGMENTS)),
        Scene("Vp8Depacketizer.take", lambda: taken(vp8, (VP8_KEY,))),
        *(
            Scene(f"PacketJoiner of {name}", partial(_joined, native, number, python), interpreted=True)
            for name, number, python in (("packets in order", 0, False), ("a gap", 1, False), ("Python", 0, True))
        ),
    ]


class _PythonDepacketizer:
    """As those of codecs that are not compiled."""

    def __init__(self) -> None:
        self.damaged, self.parts = False, list[bytes]()

    @property
    def clean_start(self) -> bool:
        return self.parts[0].startswith(b"\x65\x88")

    @property
    def empty(self) -> bool:
        return not self.parts

    @property
    def whole(self) -> bool:
        return not self.damaged

    def push(self, payload: bytes) -> None:
        self.parts.append(payload)

    def take(self) -> tuple[bytes, bool]:
        taken = b"".join(self.parts)
        self.reset()
        return taken, False

    def reset(self) -> None:
        self.parts.clear()
        self.damaged = False


def _joined(native: Any, missing: int, python: bool) -> Attempt:
    """Packets of three pictures through a reorder buffer: what comes out as whole is what went in."""
    finished: list[tuple[bytes, bool]] = []

    class Joiner(native.PacketJoiner):  # type: ignore[misc]
        def finish(self, now: float) -> None:
            whole = self.depacketizer.whole
            taken = self.depacketizer.take()
            if taken is None:
                self.depacketizer.reset()
            else:
                finished.append((taken[0], whole))
            self.depacketizer.reset()

        def gap(self, now: float) -> None:
            self.depacketizer.damaged = True
            self.after_gap = True

    joiner = Joiner({96: _PythonDepacketizer() if python else native.H264Depacketizer()}, _refuse)
    buffer = native.ReorderBuffer(joiner, False, 100)
    parts = [b"\x65\x88" + b"\1" * 200, b"\x65\x08" + b"\2" * 200, b"\x65\x08" + b"\3" * 200]
    pictures = [b"".join(part if python else START + part for part in parts)] * 3
    packets = [(100 + 3 * i + j, 90 * i, j == 2, parts[j]) for i in range(3) for j in range(3)]
    lost = {104} if missing else set()

    def receive(chosen: list[tuple[int, int, bool, bytes]], now: float) -> None:
        for number, timestamp, marker, part in chosen:
            if number not in lost:
                buffer.receive(number, timestamp, marker, 96, part, now)

    def work() -> None:
        receive(packets[2:5], 0.0)
        if missing:
            buffer.handle_timer(1.0)
        receive(packets[5:7], 1.0)

    receive(packets[:2], 0.0)

    def after(failed: bool) -> None:
        receive(packets[7:], 1.0)
        buffer.handle_timer(9.0)
        receive([(109 + i, 900, i == 2, parts[i]) for i in range(3)], 9.0)
        for picture, whole in finished:
            assert not whole or picture == pictures[0], (failed, whole, len(picture))
        assert finished and finished[-1] == (pictures[0], True), finished

    return Attempt(work, (), after)


def _refuse(error: Exception) -> None:
    raise AssertionError(error)


class _Sink:
    def __init__(self) -> None:
        self.told: list[bytes | None] = []

    def push(self, timestamp: int, marker: bool, payload_type: int, payload: bytes, now: float) -> None:
        self.told.append(payload)

    def gap(self, now: float) -> None:
        self.told.append(None)


def _order(native: Any) -> list[Scene]:
    def disordered(nack: bool) -> tuple[_Sink, Any]:
        sink = _Sink()
        buffer = native.ReorderBuffer(sink, nack, 10)
        for number in (10, 12, 15):
            buffer.receive(number, 90, False, 96, bytes([number]), 0.0)
        return sink, buffer

    def received(name: str = "receive") -> Attempt:
        sink, buffer = disordered(True)

        def after(failed: bool) -> None:
            for number in (13, 11, 14):
                buffer.receive(number, 90, False, 96, bytes([number]), 0.1)
            told = [one for one in sink.told if one is not None]
            assert told == sorted(told, key=bytes) and len(told) >= 5, told

        return Attempt(getattr(buffer, name), (13, 90, False, 96, bytes([13]), 0.0), after)

    def first() -> Attempt:
        sink = _Sink()
        buffer = native.ReorderBuffer(sink, True, 10)

        def after(failed: bool) -> None:
            for number in (10, 11, 12):
                buffer.receive(number, 90, False, 96, bytes([number]), 0.1)
            assert sink.told == [bytes([number]) for number in (10, 11, 12)]

        return Attempt(buffer.receive, (12, 90, False, 96, bytes([12]), 0.0), after)

    def timed() -> Attempt:
        sink, buffer = disordered(False)

        def after(failed: bool) -> None:
            buffer.handle_timer(2.0)
            buffer.receive(16, 90, False, 96, bytes([16]), 2.0)
            # Over a gap nothing is passed on without a word.
            told = sink.told
            for number in (12, 15):
                if bytes([number]) in told:
                    assert None in told[: told.index(bytes([number]))], told
            assert told.count(None) >= 2 and told[-1] == bytes([16]), told

        return Attempt(buffer.handle_timer, (1.0,), after)

    def asked(name: str, *arguments: float) -> Attempt:
        _, buffer = disordered(True)
        return Attempt(getattr(buffer, name), arguments, lambda failed: _same(len(buffer.requests_to_send(9.0)), 3))

    def source() -> Any:
        return native.SourceNumbers(65_530, 0, 90_000, 0.0)

    def run() -> Attempt:
        sink = _Sink()
        buffer, numbers, wanted = native.ReorderBuffer(sink, True, 65_530), source(), bytes([1] * 128)
        packets = [rtp(65_530 + i, bytes([i])) for i in (0, 2, 1, 3)]

        def after(failed: bool) -> None:
            more = [*packets, rtp(65_534, bytes([4]))]
            while native.receive_run(more, 0, numbers, 7, buffer, wanted, 0.0, 5.0)[0]:
                more.pop(0)  # what was left is taken now
            # What has not come through is told of as a gap.
            missing = {bytes([i]) for i in range(5)} - set(sink.told)
            assert len(missing) <= failed and (not missing or None in sink.told), sink.told

        return Attempt(native.receive_run, (packets, 0, numbers, 7, buffer, wanted, 0.0, 5.0), after)

    return [
        makes("ReorderBuffer", native.ReorderBuffer, _Sink(), True, 5),
        Scene("ReorderBuffer.receive", received),
        Scene("ReorderBuffer.receive the first one held", first),
        Scene("ReorderBuffer.receive_repeated", lambda: received("receive_repeated")),
        Scene("ReorderBuffer.awaits", lambda: asked("awaits", 11)),
        Scene("ReorderBuffer.is_ahead", lambda: asked("is_ahead", 17)),
        Scene("ReorderBuffer.handle_timer", timed),
        Scene("ReorderBuffer.requests_to_send", lambda: asked("requests_to_send", 1.0)),
        Scene("ReorderBuffer.next_deadline", lambda: asked("next_deadline")),
        makes("SourceNumbers", native.SourceNumbers, 65_530, 0, 90_000, 0.0),
        Scene("SourceNumbers.receive", lambda: Attempt(source().receive, (65_531, 90, 0.1))),
        Scene("receive_run", run),
    ]


def _repair(native: Any) -> list[Scene]:
    packets = [rtp(i, os.urandom(50)) for i in range(12)]

    def protect() -> Attempt:
        sender = native.FecSender("flexfec-03", 5, (3,))
        return Attempt(sender.protect, (packets, 6, 12), lambda failed: _same(len(sender.protect(packets, 6, 12)), 6))

    def repaired(name: str) -> Attempt:
        sender, receiver = native.FecSender("ulpfec", 5), native.FecReceiver("ulpfec")
        repairs = sender.protect(packets, 6, 12)
        for packet in packets[:5] + packets[7:]:
            receiver.received(packet)
        if name == "repair":
            return Attempt(receiver.repair, (repairs[0],), lambda failed: _at_most(receiver, repairs, packets))
        for repair in repairs:
            receiver.repair(repair)
        return Attempt(receiver.received, (packets[5],), lambda failed: _at_most(receiver, repairs, packets))

    return [
        makes("FecSender", native.FecSender, "flexfec-03", 5, (3, 4)),
        makes("FecReceiver", native.FecReceiver, "ulpfec", (3, 4)),
        Scene("FecSender.protect", protect),
        Scene("FecReceiver.received", lambda: repaired("received")),
        Scene("FecReceiver.repair", lambda: repaired("repair")),
        calls("FecReceiver.counters", native.FecReceiver("ulpfec").counters),
    ]


def _at_most(receiver: Any, repairs: list[bytes], packets: list[bytes]) -> None:
    for repair in repairs:
        assert all(packet in packets for packet in receiver.repair(repair))
    assert receiver.counters()[1] <= 2


def _protection(native: Any) -> list[Scene]:
    made: list[Scene] = []
    for suite, size in SUITES.items():
        key = bytes(range(size))
        packets = [rtp(i, b"sound" * 20) for i in range(3)]

        def protected(suite: str = suite, key: bytes = key, packets: list[bytes] = packets) -> Attempt:
            sender, receiver = native.Srtp(suite, key, inbound=False), native.Srtp(suite, key, inbound=True)

            def after(failed: bool) -> None:
                assert receiver.unprotect_rtp(sender.protect_rtp(packets)) == packets

            return Attempt(sender.protect_rtp, (packets,), after)

        def unprotected(suite: str = suite, key: bytes = key, packets: list[bytes] = packets) -> Attempt:
            sender, receiver = native.Srtp(suite, key, inbound=False), native.Srtp(suite, key, inbound=True)
            sealed, more = sender.protect_rtp(packets), sender.protect_rtp([rtp(9, b"more")])
            return Attempt(
                receiver.unprotect_rtp, (sealed,), lambda failed: _same(receiver.unprotect_rtp(more), [rtp(9, b"more")])
            )

        def reports(inbound: bool, suite: str = suite, key: bytes = key) -> Attempt:
            sender, receiver = native.Srtp(suite, key, inbound=False), native.Srtp(suite, key, inbound=True)
            report = b"\x80\xc9\0\1" + bytes(4)
            sealed = sender.protect_rtcp([report] * 3)

            def after(failed: bool) -> None:
                assert receiver.unprotect_rtcp(sender.protect_rtcp([report])) == [report]

            if inbound:
                return Attempt(receiver.unprotect_rtcp, (sealed,), after)
            return Attempt(sender.protect_rtcp, ([report] * 3,), after)

        def begun(suite: str = suite, key: bytes = key) -> Attempt:
            context = native.Srtp.__new__(native.Srtp)

            def begin() -> None:
                context.__init__(suite, key, inbound=False)

            def after(failed: bool) -> None:
                if failed:
                    begin()
                assert context.protect_rtp([rtp(1, b"a")]) != [None]

            return Attempt(begin, (), after)

        made += [
            Scene(f"Srtp {suite}", begun, interpreted=True),
            Scene(f"Srtp.protect_rtp {suite}", protected),
            Scene(f"Srtp.unprotect_rtp {suite}", unprotected),
            Scene(f"Srtp.protect_rtcp {suite}", partial(reports, False)),
            Scene(f"Srtp.unprotect_rtcp {suite}", partial(reports, True)),
        ]
    context = native.Srtp("AEAD_AES_128_GCM", bytes(28), inbound=False)
    context.protect_rtp([rtp(1, b"a")])
    return [
        *made,
        calls("Srtp.sources", context.sources),
        Scene("Srtp.resume", lambda: Attempt(context.resume, (1 << 31, 5, 1000, 7))),
    ]
