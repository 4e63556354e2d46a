from dataclasses import replace
from fractions import Fraction

import pytest
from av.video.codeccontext import VideoCodecContext

from mcu.media.codec.video_encoder import VideoEncoder
from mcu.media.picture.planes import Planes
from mcu.media.picture.source import ASK_INTERVAL, NOTHING_NEW, QUEUE_LIMIT, QUEUE_SECONDS, PictureSourceWorker
from mcu.media.picture.state import Rung
from mcu.media.units import CodedPicture
from tests.media.picture.material import clip, difference, pattern, pattern_frame

RUNG = Rung(320, 180, 30, 400_000)
SMALL, SQUARE = frozenset({(160, 90)}), frozenset({(160, 90), (100, 100)})


class Source:
    """A worker whose thread is the test itself."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.worker = PictureSourceWorker("a", "H264", lambda: self.now, self._ask)

    def _ask(self, source_id: str) -> None:
        assert source_id == "a"
        self.asked += 1

    def feed(self, *units: CodedPicture) -> None:
        for unit in units:
            self.worker.push(unit)
        self.worker.work()


@pytest.fixture
def source() -> Source:
    made = Source()
    made.worker.show(SMALL)
    made.worker.work()
    return made


def test_the_newest_picture_is_fitted_to_every_tile_it_is_wanted_for(source):
    source.worker.show(SQUARE)
    source.feed(*clip(RUNG, 3, start=50.0))
    newest = source.worker.newest
    assert {size: planes.size for size, planes in newest.scaled.items()} == {
        (160, 90): (160, 90),
        (100, 100): (100, 56),
    }
    assert difference(newest.scaled[(160, 90)], pattern(160, 90, 2)) < 60
    assert (newest.serial, newest.arrived, source.worker.decoded) == (3, 50.0 + 2 / 30, 3)


def test_tiles_of_different_size_with_pictures_of_the_same_share_one(source):
    source.worker.show(frozenset({(160, 90), (160, 100), (160, 160)}))
    source.feed(*clip(RUNG, 1))
    shown = list(source.worker.newest.scaled.values())
    assert len(shown) == 3
    assert all(planes is shown[0] for planes in shown)


def test_a_new_layout_is_served_from_the_picture_at_hand(source):
    source.feed(*clip(RUNG, 2))
    source.worker.show(SQUARE)
    source.worker.work()
    assert source.worker.newest.serial == 2
    assert source.worker.newest.scaled.keys() == SQUARE


def test_a_picture_fills_its_tiles_when_asked_to_and_fits_again(source):
    source.feed(*clip(RUNG, 1))
    source.worker.show(SQUARE, crop=True)
    source.worker.work()
    assert {size: planes.size for size, planes in source.worker.newest.scaled.items()} == {
        size: size for size in SQUARE
    }
    source.worker.show(SQUARE)
    source.worker.work()
    assert source.worker.newest.scaled[(100, 100)].size == (100, 56)


def test_a_source_that_comes_into_view_asks_for_a_key_frame(source):
    assert source.asked == 1
    source.feed(clip(RUNG, 1)[0])
    source.now = 10.0
    source.feed()
    assert source.asked == 1


def test_it_asks_again_now_and_then_but_not_at_every_picture(source):
    units = clip(RUNG, 8)[1:]
    for unit in units:
        source.feed(unit)
    assert source.asked == 1
    source.now = ASK_INTERVAL
    source.feed(units[-1])
    assert source.asked == 2


def test_nothing_is_decoded_for_nobody(source):
    source.feed(*clip(RUNG, 2))
    source.worker.show(frozenset())
    source.feed(*clip(RUNG, 2))
    assert source.worker.newest is None
    assert source.worker.decoded == 2


def test_whoever_comes_back_into_view_starts_with_a_key_frame(source):
    units = clip(RUNG, 6, keys=(0, 5))
    source.feed(*units[:2])
    source.worker.show(frozenset())
    source.worker.work()
    source.worker.show(SMALL)
    source.now = 5.0
    source.feed(units[3])
    assert source.worker.newest is None and source.asked == 2
    source.feed(units[5])
    assert source.worker.newest is not None


def test_a_queue_that_runs_over_is_emptied_and_starts_with_a_key_frame(source):
    units = clip(RUNG, QUEUE_LIMIT + 4, keys=(0, QUEUE_LIMIT + 2))
    source.feed(units[0])
    for unit in units[1:]:
        source.worker.push(unit)
    source.now = 5.0
    source.worker.work()
    assert source.worker.dropped == QUEUE_LIMIT
    assert source.worker.decoded == 1 + 2  # the first, and from the second key frame on
    source.feed()
    assert source.asked == 1


def test_pictures_that_a_network_held_up_and_brings_at_once_are_all_decoded(source):
    units = clip(RUNG, 30)
    source.now = 1.0
    for unit in units:
        source.worker.push(replace(unit, time=1.0))
    source.worker.work()
    assert (source.worker.dropped, source.worker.decoded) == (0, 30)


def test_whoever_cannot_keep_up_starts_anew_instead_of_being_ever_later(source):
    units = clip(RUNG, 20)
    for number, unit in enumerate(units):
        source.now = number / 30
        source.worker.push(replace(unit, time=source.now))
    assert source.worker.dropped > 0
    assert source.worker.dropped >= QUEUE_SECONDS * 30


def test_garbage_leaves_the_last_good_picture_and_asks(source):
    units = clip(RUNG, 2)
    source.feed(units[0])
    source.now = 5.0
    source.feed(CodedPicture(b"\0\0\0\1\x65" + b"\xaa" * 500, True, 5.0))
    assert source.worker.newest.serial == 1
    assert source.asked == 2


def test_a_stopped_worker_takes_nothing(source):
    source.worker.start()
    source.worker.stop()
    source.worker.join(5)
    source.feed(*clip(RUNG, 1))
    assert source.worker.decoded == 0


def test_a_sender_may_change_its_codec_from_one_picture_to_the_next(source):
    old = [replace(unit, codec="H263") for unit in clip(Rung(176, 144, 30, 200_000, "H263"), 3)]
    today = [replace(unit, codec="H264") for unit in clip(RUNG, 3)]
    source.feed(*today)
    source.feed(*old)
    assert source.worker.decoded == 6 and source.worker.newest.serial == 6
    source.feed(*today)
    assert source.worker.decoded == 9


def test_the_time_from_arrival_to_the_slot_is_measured(source):
    for unit in clip(RUNG, 100):
        source.now = unit.time + 0.040
        source.feed(unit)
    assert 0.035 < source.worker.latency <= 0.0401


def still_clip(frames: int) -> list[CodedPicture]:
    """A picture that is sent again and again at one quality, so that after the first there is nothing to send."""
    encoder = VideoCodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 320, 180, "yuv420p", Fraction(1, 30)
    encoder.options = {"tune": "zerolatency", "qp": "24", "x264-params": "annexb=1"}
    units = []
    for index in range(frames):
        frame = pattern_frame(320, 180)
        frame.pts = index
        units += [CodedPicture(bytes(packet), packet.is_keyframe, index / 30) for packet in encoder.encode(frame)]
    return units


def test_a_picture_that_stands_still_is_neither_scaled_nor_painted_again(source):
    units = still_clip(60)
    assert len(units[-1].data) < NOTHING_NEW
    for unit in units[:-2]:
        source.feed(unit)
    before = source.worker.newest
    source.feed(units[-2])
    source.feed(units[-1])
    after = source.worker.newest
    assert after.scaled[(160, 90)] is before.scaled[(160, 90)]
    assert (after.serial, after.arrived) == (60, units[-1].time), "it lives all the same"


def test_a_small_change_is_a_change(source):
    encoder = VideoEncoder(RUNG)
    for index in range(40):
        frame = pattern_frame(320, 180)
        if index == 39:
            Planes.of(frame).y[80:96, 160:176] = 235
        source.feed(encoder.encode(frame, index / 30, index == 0))
        if index == 38:
            before = source.worker.newest
    after = source.worker.newest
    assert after.scaled[(160, 90)] is not before.scaled[(160, 90)]
    assert int(after.scaled[(160, 90)].y[44, 84]) > 200


def test_a_still_picture_is_served_in_a_new_layout_too(source):
    units = still_clip(61)
    for unit in units[:60]:
        source.feed(unit)
    source.worker.show(SQUARE)
    source.feed(units[60])
    assert source.worker.newest.scaled.keys() == SQUARE
