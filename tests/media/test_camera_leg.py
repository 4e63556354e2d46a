"""Camera control between two legs over real sockets: a worker's leg, and a room with a virtual camera."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from consilium.simulated_room.camera import SPEED, VirtualCamera
from mcu.gateway.rtp_ports import RtpPorts
from mcu.media.camera_stream import CameraStream
from mcu.media.leg import MediaLeg
from mcu.media.rtp.beginning import derived
from mcu.media.spec import Address, CameraRequest, CameraSpec, LegSpec, PlainTransport
from tests.media.transport.sockets import PATIENCE

SPEC = CameraSpec(payload_type=100, ssrc=7)


class Side:
    """LegListener that notes what is said of cameras, with a clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.presets: list[int] = []
        self.asked: list[CameraRequest] = []
        self.camera = VirtualCamera()

    def camera_requested(self, leg: MediaLeg, request: CameraRequest) -> None:
        self.asked.append(request)
        self.camera.obey(request, self.now)

    def camera_found(self, leg: MediaLeg, presets: int) -> None:
        self.presets.append(presets)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: None


def leg_spec(name: str, own: int, other: int) -> LegSpec:
    transport = PlainTransport(
        local_host="127.0.0.1", camera_port=own, camera_remote=Address(host="127.0.0.1", port=other)
    )
    return LegSpec(id=name, name=name, transport=transport, camera=SPEC)


async def test_one_side_moves_the_camera_of_the_other_and_stops_it_when_it_leaves():
    ports = RtpPorts("127.0.0.1", 41000, 42999)
    one, other = ports.take(), ports.take()
    us, room = Side(), Side()
    ours = MediaLeg(leg_spec("us", one, other), us, clock=lambda: us.now)  # type: ignore[arg-type]
    theirs = MediaLeg(leg_spec("room", other, one), room, clock=lambda: room.now)  # type: ignore[arg-type]
    await ours.open(None)
    await theirs.open(None)

    def step(seconds: float = 0.02) -> None:
        for side, leg in ((us, ours), (room, theirs)):
            side.now += seconds
            leg.handle_timer(side.now)

    async def arrived(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                step()
                await asyncio.sleep(0.001)

    await arrived(lambda: bool(us.presets and room.presets))
    ours.control_camera(CameraRequest(action="move", pan=1))
    await arrived(lambda: room.camera.is_moving)
    began = room.now
    await arrived(lambda: room.now - began > 2.0)
    assert room.camera.is_moving and [request.action for request in room.asked] == ["move"]
    assert room.camera.aim(room.now).pan == pytest.approx(SPEED * (room.now - began), abs=1.0)
    await ours.close()
    await arrived(lambda: not room.camera.is_moving)
    await theirs.close()


def test_a_leg_without_camera_control_says_so(caplog):
    leg = MediaLeg(LegSpec(id="a", name="a", transport=PlainTransport(local_host="::1")), Side())  # type: ignore[arg-type]
    leg.control_camera(CameraRequest(action="stop"))
    assert "was not agreed" in caplog.text


def pair() -> tuple[CameraStream, CameraStream]:
    return CameraStream(SPEC, 1, derived(1, 1), 0.0), CameraStream(SPEC, 2, derived(1, 2), 0.0)


def test_a_frame_that_comes_late_or_twice_moves_nothing():
    sender, receiver = pair()
    sender.control(CameraRequest(action="move", pan=1), 1.0)
    (start,) = sender.rtp_to_send(1.0)
    sender.control(CameraRequest(action="stop"), 2.0)
    (stop,) = sender.rtp_to_send(2.0)
    for packet in (start, stop, start, stop):
        receiver.receive_rtp(packet, 2.0)
    assert len(receiver.events()) == 2


def test_nothing_goes_out_where_the_peer_wants_nothing():
    sender, receiver = pair()
    sender.update(SPEC.model_copy(update={"send": False}))
    receiver.update(SPEC.model_copy(update={"receive": False}))
    sender.control(CameraRequest(action="move", pan=1), 1.0)
    assert sender.rtp_to_send(1.0) == []
    receiver.control(CameraRequest(action="move", pan=1), 1.0)
    for packet in receiver.rtp_to_send(1.0):
        receiver.receive_rtp(packet, 1.0)
    assert receiver.events() == []
    receiver.receive_rtp(b"nonsense", 1.0)
    assert receiver.malformed == 1
