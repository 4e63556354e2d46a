"""The sockets of the packet layer: that of one leg, and the port that browsers share."""

from __future__ import annotations

import hmac
import socket
import struct
from functools import partial
from typing import Any

from tests.fuzz.exhausted.scene import Attempt, Scene

SUITE = "AEAD_AES_128_GCM"
CHECK = b"\0\1\0\0" + b"\x21\x12\xa4\x42" + bytes(12)
PASSWORD = b"p" * 24


def _request() -> bytes:
    """A connectivity check, as short as there are (RFC 8445 section 7.2)."""
    name = b"ours:theirs"
    attributes = struct.pack("!HH", 0x0006, len(name)) + name + bytes(-len(name) % 4)
    head = struct.pack("!HHI", 1, len(attributes) + 24, 0x2112A442) + bytes(range(12))
    tag = hmac.digest(PASSWORD, head + attributes, "sha1")
    return head + attributes + struct.pack("!HH", 0x0008, 20) + tag


REQUEST = _request()
HELLO = b"\x16\xfe\xfd" + bytes(20)


def packet(sequence: int, payload: bytes, ssrc: int = 7) -> bytes:
    """A packet of VP8 that is a whole picture."""
    return struct.pack("!BBHII", 0x80, 0xE0, sequence, 90 * sequence, ssrc) + payload


KEY = b"\x90\x80\x80\x01\x10\x02\x00\x9d\x01\x2a" + b"\7" * 300
DELTA = b"\x90\x80\x80\x02\x11" + b"\7" * 300


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.setblocking(False)
    return made


class World:
    """A port with a peer that sends and one that gets what it sends."""

    # They last: sockets are no part of what is tried.
    own, sending, getting = _socket(), _socket(), _socket()

    def __init__(self, native: Any) -> None:
        for one in (self.own, self.sending, self.getting):
            self._empty(one)
        self.port = native.MediaPort(self.own.fileno())
        self.clients = []
        for number, one in enumerate((self.sending, self.getting)):
            peer = self.port.open_peer()
            ours, theirs = bytes([number]) * 28, bytes([number + 10]) * 28
            self.port.set_keys(peer, SUITE, theirs, ours)
            self.port.set_addresses(peer, [one.getsockname()], one.getsockname())
            self.clients.append((native.Srtp(SUITE, ours, inbound=False), native.Srtp(SUITE, theirs, inbound=True)))
        self.port.open_source(0, 7, "VP8", 90_000, deliver=False)
        self.port.open_outlet(1, 70, 100, 500)
        self.port.route(1, 70, (0, 7))

    def send(self, *packets: bytes) -> None:
        """From the one who sends."""
        for sealed in self.clients[0][0].protect_rtp(packets):
            self.sending.sendto(sealed, self.own.getsockname())

    def got(self) -> list[bytes]:
        """What has come to the one who gets it."""
        return [one for one in self.clients[1][1].unprotect_rtp(self._empty(self.getting)) if one is not None]

    @staticmethod
    def _empty(one: socket.socket) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(one.recv(2048))
            except BlockingIOError:
                return found


def port_scenes(native: Any) -> list[Scene]:
    """All of them."""

    def works(world: World, sequence: int = 20) -> None:
        """What is sent still comes through."""
        world.send(packet(sequence, KEY), packet(sequence + 1, DELTA))
        world.port.receive(5.0)
        assert len(world.got()) >= 2

    def opened() -> Attempt:
        port = native.MediaPort.__new__(native.MediaPort)

        def after(failed: bool) -> None:
            if failed:
                port.__init__(World.own.fileno())
            assert port.open_peer() == 0

        return Attempt(port.__init__, (World.own.fileno(),), after)

    def changed(name: str, *arguments: Any) -> Attempt:
        world = World(native)
        return Attempt(getattr(world.port, name), arguments, lambda failed: works(world))

    def closed(name: str, *arguments: Any) -> Attempt:
        world = World(native)

        def after(failed: bool) -> None:
            assert not failed
            world.send(packet(1, KEY))
            world.port.receive(1.0)
            assert not world.got()

        return Attempt(getattr(world.port, name), arguments, after)

    def keyed() -> Attempt:
        world = World(native)
        keys = (0, SUITE, bytes([10]) * 28, bytes(28))

        def after(failed: bool) -> None:
            world.port.set_keys(*keys)
            works(world)

        return Attempt(world.port.set_keys, keys, after)

    def forwarded() -> Attempt:
        world = World(native)
        world.send(packet(1, KEY), packet(2, DELTA), packet(4, DELTA))

        def after(failed: bool) -> None:
            # What could be forwarded was, whether or not it can be repeated.
            assert len(world.got()) == 3
            works(world)

        return Attempt(world.port.receive, (1.0,), after)

    def shared() -> Attempt:
        world = World(native)
        world.port.protect_outlet(1, 70, 71, 110, (3,))

        def after(failed: bool) -> None:
            works(world)
            assert (world.port.repair_statistics(1, 70)[0] > 0) is not failed

        return Attempt(world.port.set_repair_share, (1, 70, 1.0), after)

    def checked() -> Attempt:
        world = World(native)
        world.port.answer_checks(0, b"ours:theirs", PASSWORD)
        world.sending.sendto(REQUEST, world.own.getsockname())

        def after(failed: bool) -> None:
            # It was answered here, or handed up.
            answers = World._empty(World.sending)
            assert failed or handed == [True] or [answer[:2] for answer in answers] == [b"\x01\x01"]
            works(world)

        handed: list[bool] = []

        def receive(now: float) -> None:
            handed.append(bool(world.port.receive(now)))

        return Attempt(receive, (1.0,), after)

    def handed_up() -> Attempt:
        world = World(native)
        world.sending.sendto(CHECK, world.own.getsockname())
        world.sending.sendto(HELLO, world.own.getsockname())
        world.send(packet(1, b"sound", 8))
        return Attempt(world.port.receive, (1.0,), lambda failed: works(world))

    def repeated(name: str, *arguments: Any) -> Attempt:
        world = World(native)
        world.send(packet(1, KEY), packet(2, DELTA), packet(4, DELTA))
        world.port.receive(1.0)
        return Attempt(getattr(world.port, name), arguments, lambda failed: works(world))

    def counted(name: str, *arguments: Any) -> Attempt:
        world = World(native)
        world.port.count_packets(1, 3, 0)
        world.port.count_packets(0, 3, 0)
        world.send(packet(1, KEY), packet(2, DELTA), packet(4, DELTA))
        world.port.receive(1.0)
        return Attempt(getattr(world.port, name), arguments, lambda failed: works(world))

    def udp(name: str) -> Attempt:
        one = native.UdpSocket(World.own.fileno())
        World._empty(World.own)
        World.sending.sendto(b"octets", World.own.getsockname())
        arguments = () if name == "receive" else ([b"a", b"b" * 900], World.getting.getsockname())

        def after(failed: bool) -> None:
            World.sending.sendto(b"more", World.own.getsockname())
            assert one.receive()[-1] == (b"more", World.sending.getsockname())
            assert one.send([b"c"], World.getting.getsockname()) == 1

        return Attempt(getattr(one, name), arguments, after)

    told = struct.pack("!BBHIIHHI", 0x8F, 205, 5, 1, 70, 0, 3, 1) + b"\x20\x03\0\0"
    quiet: dict[str, tuple[Any, ...]] = {
        "open_peer": (),
        "srtp_numbers": (0, True),
        "resume": (0, False, 1 << 31, 0, 5, 0),
        "refused": (0,),
        "deliver": (0, 7, False),
        "repeat": (0, 7, 0),
        "repeat_sound": (1, 70, b""),
        "answer_checks": (0, b"ours:theirs", PASSWORD),
        "last_check": (0,),
        "protect_outlet": (1, 70, 71, 110, (3,)),
        "repair_statistics": (1, 70),
        "set_addresses": (0, [World.sending.getsockname(), ("127.0.0.1", 9)], World.sending.getsockname()),
        "open_source": (0, 9, "H264", 90_000),
        "open_outlet": (1, 90, 100, 5),
        "route": (1, 70, (0, 7)),
        "carry": (1, 70, "VP8", 100, 0, 0),
        "stamp": (1, 70, 0),
        "is_sound": (0, 7, 96, 0),
        "counters": (),
        "count_packets": (1, 3, 0, (5, 6)),
        "next_number": (0,),
        "waits": (1,),
        "gone_far": (0, 1000),
        "protect_rtp": (1, [packet(1, b"a"), packet(2, b"b" * 900)]),
        "protect_rtcp": (1, [b"\x80\xc9\0\1" + bytes(4)]),
        "send": ([HELLO, CHECK], World.getting.getsockname()),
        "send_rtp": (1, [packet(1, b"a", 90), packet(2, b"b" * 900, 90)], 1.0),
    }
    closing: dict[str, tuple[Any, ...]] = {"close_peer": (1,), "close_source": (0, 7), "close_outlet": (1, 70)}
    later: dict[str, tuple[Any, ...]] = {
        "requests": (0, 7, 1.0, 0.1),
        "source_statistics": (0, 7),
        "picture_head": (0, 7),
        "resend": (1, 70, [500, 501]),
        "outlet_statistics": (1, 70),
    }
    return [
        Scene("MediaPort", opened),
        Scene("MediaPort.set_keys", keyed),
        Scene("MediaPort.receive what is forwarded", forwarded),
        Scene("MediaPort.receive what is handed up", handed_up),
        Scene("MediaPort.receive a check", checked, interpreted=True),
        Scene("MediaPort.set_repair_share", shared),
        *(Scene(f"MediaPort.{name}", partial(closed, name, *rest)) for name, rest in closing.items()),
        *(Scene(f"MediaPort.{name}", partial(changed, name, *rest)) for name, rest in quiet.items()),
        *(Scene(f"MediaPort.{name}", partial(repeated, name, *rest)) for name, rest in later.items()),
        Scene("MediaPort.take_feedback", lambda: counted("take_feedback", 1, told)),
        Scene("MediaPort.feedback", lambda: counted("feedback", 0, 1)),
        Scene("UdpSocket", lambda: Attempt(native.UdpSocket, (World.own.fileno(),))),
        Scene("UdpSocket.receive", lambda: udp("receive")),
        Scene("UdpSocket.send", lambda: udp("send")),
    ]
