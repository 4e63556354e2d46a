import av
import pytest

from mcu.media.codec.video_encoder import EncoderError, VideoEncoder
from mcu.media.picture import rung_encoder
from mcu.media.picture.rung_encoder import RETRY_SECONDS, RungEncoder
from mcu.media.picture.state import Rung
from mcu.media.units import CodedPicture
from tests.media.picture.material import pattern, pattern_frame

RUNG = Rung(160, 90, 30, 200_000)


class Receiver:
    def __init__(self, key_interval: float | None = None) -> None:
        self.units: list[CodedPicture] = []
        self.encoder = RungEncoder(RUNG, key_interval, self._coded)

    def _coded(self, rung: Rung, unit: CodedPicture) -> None:
        assert rung is RUNG
        self.units.append(unit)

    def show(self, *times: float) -> None:
        for time in times:
            self.encoder.submit(pattern(160, 90, int(time * 30)), time)
            self.encoder.encode_waiting()

    @property
    def keys(self) -> list[float]:
        return [unit.time for unit in self.units if unit.keyframe]


def test_every_picture_is_encoded_and_stamped_with_its_instant():
    receiver = Receiver()
    receiver.show(1.0, 1.1, 1.2)
    assert [unit.time for unit in receiver.units] == [1.0, 1.1, 1.2]
    assert receiver.keys == [1.0]


def test_a_picture_that_waits_too_long_is_replaced_and_counted():
    receiver = Receiver()
    for time in (1.0, 1.1, 1.2):
        receiver.encoder.submit(pattern(160, 90), time)
    receiver.encoder.encode_waiting()
    receiver.encoder.encode_waiting()
    assert [unit.time for unit in receiver.units] == [1.2]
    assert receiver.encoder.dropped == 2


def test_a_borrowed_frame_is_encoded_and_comes_back_and_so_does_one_that_is_replaced():
    receiver = Receiver()
    back: list[av.VideoFrame] = []
    frames = [pattern_frame(160, 90, index) for index in range(3)]
    for index, frame in enumerate(frames[:2]):
        receiver.encoder.borrow(frame, 1.0 + index / 10, back.append)
    assert back == frames[:1] and receiver.encoder.dropped == 1
    receiver.encoder.encode_waiting()
    assert back == frames[:2]
    receiver.encoder.borrow(frames[2], 1.2, back.append)
    receiver.encoder.submit(pattern(160, 90), 1.3)
    receiver.encoder.encode_waiting()
    assert back == frames
    assert [unit.time for unit in receiver.units] == [1.1, 1.3]


def test_a_picture_may_be_encoded_on_the_thread_that_made_it():
    receiver = Receiver()
    assert receiver.encoder.encode_here(pattern_frame(160, 90), 1.0)
    assert [unit.time for unit in receiver.units] == [1.0]


def test_nothing_is_encoded_here_while_a_picture_waits_or_another_thread_encodes():
    receiver = Receiver()
    receiver.encoder.submit(pattern(160, 90), 1.0)
    assert not receiver.encoder.encode_here(pattern_frame(160, 90), 1.1)
    receiver.encoder.encode_waiting()
    inside: list[bool] = []
    encoder = RungEncoder(RUNG, None, lambda rung, unit: None, clock=lambda: _tried(encoder, inside))
    encoder.submit(pattern(160, 90), 1.0)
    encoder.encode_waiting()
    assert inside and not any(inside)
    assert encoder.encode_here(pattern_frame(160, 90), 1.1)


def _tried(encoder: RungEncoder, results: list[bool]) -> float:
    """The encoder looks at its clock while it is at work."""
    results.append(encoder.encode_here(pattern_frame(160, 90), 2.0))
    return 0.0


def test_an_encoder_that_was_stopped_encodes_nothing_here():
    receiver = Receiver()
    receiver.encoder.stop()
    assert not receiver.encoder.encode_here(pattern_frame(160, 90), 1.0)
    assert not receiver.units


def test_how_long_a_picture_takes_is_measured_and_follows():
    instants = iter([0.0, 0.010] + [0.0, 0.030] * 40)
    encoder = RungEncoder(RUNG, None, lambda rung, unit: None, clock=lambda: next(instants))
    assert encoder.seconds == float("inf")
    encoder.encode_here(pattern_frame(160, 90), 0.0)
    assert encoder.seconds == pytest.approx(0.010)
    for index in range(40):
        encoder.encode_here(pattern_frame(160, 90), 1 + index / 30)
    assert encoder.seconds == pytest.approx(0.030, abs=0.001)


def test_a_borrowed_frame_comes_back_when_the_encoder_stops():
    receiver = Receiver()
    back: list[av.VideoFrame] = []
    receiver.encoder.borrow(pattern_frame(160, 90), 1.0, back.append)
    receiver.encoder.stop()
    receiver.encoder.start()
    receiver.encoder.join(5)
    assert len(back) == 1 and not receiver.units


def test_requests_of_many_receivers_make_one_key_frame():
    receiver = Receiver()
    receiver.show(0.0)
    for _ in range(10):
        receiver.encoder.request_key_frame()
    receiver.show(0.2, 0.4, 0.6, 0.8, 2.0)
    assert receiver.keys == [0.0, 0.6]


def test_key_frames_at_an_interval_while_recording():
    receiver = Receiver(key_interval=2.0)
    receiver.show(*(index / 2 for index in range(10)))
    assert receiver.keys == [0.0, 2.0, 4.0]
    receiver.encoder.set_key_interval(None)
    receiver.show(6.0, 10.0)
    assert receiver.keys == [0.0, 2.0, 4.0]


def test_an_encoder_that_fails_is_opened_again_later_and_begins_with_a_key_frame(monkeypatch):
    receiver = Receiver()
    receiver.show(0.0)

    def fail(*_: object) -> None:
        raise EncoderError("out of memory")

    with monkeypatch.context() as patched:
        patched.setattr(VideoEncoder, "encode", fail)
        receiver.show(1.0)
    receiver.show(1.1)
    assert len(receiver.units) == 1
    receiver.show(1.0 + RETRY_SECONDS)
    assert receiver.keys == [0.0, 1.0 + RETRY_SECONDS]


def test_an_encoder_that_cannot_be_opened_does_not_end_the_thread(monkeypatch, caplog):
    def fail(rung: Rung) -> None:
        raise EncoderError("no such profile")

    monkeypatch.setattr(rung_encoder, "VideoEncoder", fail)
    receiver = Receiver()
    receiver.show(0.0, 0.1, 0.2)
    assert not receiver.units
    assert caplog.text.count("no such profile") == 1


def test_after_stop_nothing_comes_out():
    receiver = Receiver()
    receiver.encoder.start()
    receiver.encoder.stop()
    receiver.encoder.join(5)
    receiver.show(1.0)
    assert not receiver.units


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_both_codecs(codec):
    units: list[CodedPicture] = []
    encoder = RungEncoder(Rung(160, 90, 30, 200_000, codec), None, lambda _, unit: units.append(unit))
    encoder.submit(pattern(160, 90), 1.0)
    encoder.encode_waiting()
    assert units[0].keyframe
