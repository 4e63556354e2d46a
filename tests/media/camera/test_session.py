"""Two sides of camera control joined in memory, over a network that loses what a test says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from consilium.simulated_room.camera import SPEED, VirtualCamera
from mcu.media.camera.h224 import CME, H281, H224Frame
from mcu.media.camera.h281 import Action, Capabilities, Source, parse_message
from mcu.media.camera.session import (
    MAX_ASKED_PER_SECOND,
    MAX_MOVE,
    CameraAsked,
    CameraFoundEvent,
    CameraSession,
)
from mcu.media.spec import CameraRequest

ROOM = Capabilities(6, (Source(),))


class Pair:
    """We on one side, a room with its camera on the other; time goes on in steps of 10 ms."""

    def __init__(self) -> None:
        self.now = 100.0
        self.us = CameraSession(self.now)
        self.room = CameraSession(self.now, ROOM)
        self.camera = VirtualCamera()
        self.lost: Callable[[bytes], bool] = lambda frame: False
        self.sent: list[bytes] = []

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 100)):
            for sender, receiver in ((self.us, self.room), (self.room, self.us)):
                deadline = sender.next_deadline()
                if deadline is not None and deadline <= self.now:
                    sender.handle_timer(self.now)
                for frame in sender.frames_to_send():
                    self.sent.append(frame)
                    if not self.lost(frame):
                        receiver.receive(frame, self.now)
            for event in self.room.events():
                if isinstance(event, CameraAsked):
                    self.camera.obey(event.request, self.now)
            self.now += 0.01

    def actions(self) -> list[Action]:
        frames = [H224Frame.parse(frame) for frame in self.sent]
        return [parse_message(frame.data).action for frame in frames if frame.client == H281]


@pytest.fixture
def pair() -> Pair:
    return Pair()


def move(**changes: object) -> CameraRequest:
    return CameraRequest.model_validate({"action": "move"} | changes)


def test_each_side_learns_what_the_other_can_do(pair):
    pair.run(0.1)
    assert pair.us.peer == ROOM
    assert pair.us.events() == [CameraFoundEvent(6)]
    assert pair.us.next_deadline() is None or pair.us.next_deadline() > pair.now
    pair.run(40)
    assert pair.us.next_deadline() is None


def test_lists_that_were_lost_are_asked_for_again(pair):
    pair.lost = lambda frame: pair.now < 102
    pair.run(4)
    assert pair.us.peer == ROOM


def test_a_room_that_never_says_what_it_has_is_left_alone_after_a_while(pair):
    pair.lost = lambda frame: True
    pair.run(60)
    assert pair.us.next_deadline() is None
    assert len(pair.sent) < 40


def test_a_client_without_more_to_tell_is_a_camera_too():
    session = CameraSession(0.0)
    session.receive(H224Frame(CME, bytes.fromhex("01 00 01 01")).serialise(), 0.0)
    assert session.events() == [CameraFoundEvent(0)]


def test_a_move_goes_on_for_its_time_and_stops(pair):
    pair.us.control(move(pan=1, tilt=-1, seconds=2.0), pair.now)
    pair.run(5)
    assert pair.camera.aim(pair.now).pan == pytest.approx(2.0 * SPEED, abs=0.5)
    assert pair.camera.aim(pair.now).tilt == pytest.approx(-2.0 * SPEED, abs=0.5)
    assert not pair.camera.is_moving
    assert pair.actions()[0] is Action.START and pair.actions()[-1] is Action.STOP
    assert pair.actions().count(Action.CONTINUE) == 7


def test_a_stop_stops(pair):
    pair.us.control(move(zoom=1), pair.now)
    pair.run(1)
    pair.us.control(CameraRequest(action="stop"), pair.now)
    pair.run(1)
    assert pair.camera.aim(pair.now).zoom == pytest.approx(SPEED, abs=0.3)


def test_a_lost_stop_leaves_no_camera_running(pair):
    pair.us.control(move(pan=1, seconds=1.0), pair.now)
    pair.run(0.5)
    pair.lost = lambda frame: True
    pair.run(3)
    assert not pair.camera.is_moving
    assert pair.camera.aim(pair.now).pan < 1.5 * SPEED


def test_every_other_packet_lost_does_not_interrupt_a_move(pair):
    counter = iter(range(10_000))
    pair.us.control(move(pan=1, seconds=4.0), pair.now)
    pair.run(0.05)
    pair.lost = lambda frame: next(counter) % 2 == 0
    pair.run(6)
    assert [request.action for request in pair.camera.heard] == ["move", "stop"]
    assert pair.camera.aim(pair.now).pan == pytest.approx(4.0 * SPEED, abs=SPEED)


def test_a_lost_start_is_made_good_by_the_next_continue(pair):
    pair.lost = lambda frame: pair.now < 100.1
    pair.us.control(move(pan=1, seconds=2.0), pair.now)
    pair.run(4)
    assert pair.camera.aim(pair.now).pan == pytest.approx(1.75 * SPEED, abs=0.5)


def test_a_move_without_an_end_ends(pair):
    pair.us.control(move(pan=1), pair.now)
    pair.run(MAX_MOVE + 2)
    assert not pair.camera.is_moving


def test_another_direction_takes_over(pair):
    pair.us.control(move(pan=1), pair.now)
    pair.run(0.5)
    pair.us.control(move(tilt=1, seconds=0.5), pair.now)
    pair.run(2)
    assert pair.camera.aim(pair.now).pan == pytest.approx(0.5 * SPEED, abs=0.3)
    assert pair.camera.aim(pair.now).tilt == pytest.approx(0.5 * SPEED, abs=0.3)


def test_only_the_hand_on_the_camera_stops_it(pair):
    pair.us.control(move(pan=1, source="a"), pair.now)
    pair.run(0.5)
    pair.us.control(CameraRequest(action="stop", source="b"), pair.now)
    pair.run(0.5)
    assert pair.camera.is_moving
    pair.us.control(CameraRequest(action="stop", source="a"), pair.now)
    pair.run(0.1)
    assert not pair.camera.is_moving


def test_presets_are_stored_and_found_again(pair):
    pair.us.control(move(pan=1, seconds=1.0), pair.now)
    pair.run(2)
    pair.us.control(CameraRequest(action="store_preset", preset=3), pair.now)
    pair.us.control(move(pan=-1, seconds=2.0), pair.now)
    pair.run(3)
    stored = pair.camera.presets[3]
    pair.us.control(CameraRequest(action="activate_preset", preset=3), pair.now)
    pair.run(0.1)
    assert pair.camera.aim(pair.now) == stored


def test_what_a_room_asks_comes_out_once_each_with_its_end(pair):
    pair.run(0.1)
    pair.us.events()
    pair.room.control(move(pan=-1, seconds=1.0), pair.now)
    pair.run(2)
    pair.room.control(CameraRequest(action="activate_preset", preset=2), pair.now)
    pair.run(0.1)
    assert [event.request for event in pair.us.events() if isinstance(event, CameraAsked)] == [
        CameraRequest(action="move", pan=-1),
        CameraRequest(action="stop"),
        CameraRequest(action="activate_preset", preset=2),
    ]


def test_a_room_that_vanishes_while_it_moves_a_camera_asks_for_its_stop(pair):
    pair.room.control(move(pan=1), pair.now)
    pair.run(0.5)
    pair.us.close(pair.now)
    asked = [event.request.action for event in pair.us.events() if isinstance(event, CameraAsked)]
    assert asked == ["move", "stop"]


def test_a_burst_of_requests_is_bounded(pair):
    for number in range(1000):
        octets = bytes((1, 0xC0 if number % 2 else 0x80, 0))
        pair.us.receive(H224Frame(H281, octets).serialise(), pair.now)
    assert len(pair.us.events()) <= 2 * MAX_ASKED_PER_SECOND


def test_nonsense_is_counted_and_answers_are_bounded():
    session = CameraSession(0.0)
    session.receive(b"nonsense", 0.0)
    assert session.malformed == 1
    for _ in range(1000):
        session.receive(H224Frame(CME, b"\x01\xff").serialise(), 0.0)
    assert len(session.frames_to_send()) <= 64
