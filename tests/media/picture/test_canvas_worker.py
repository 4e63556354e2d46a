import itertools

import av

from layouts.automatic import automatic
from mcu.media.picture.artist import Artist
from mcu.media.picture.canvas_worker import SETTLED_RATE, CanvasWorker, Scene
from mcu.media.picture.planes import Planes
from mcu.media.picture.rung_encoder import GiveBack, RungEncoder
from mcu.media.picture.source import SourcePicture
from mcu.media.picture.state import CanvasFormat, PictureSource, Rung
from tests.media.picture.material import FONT, RED, pattern, solid

FORM = CanvasFormat(160, 90, 30)
TILES = automatic(1).tiles(160, 90)
ANNA = PictureSource("a", "Anna", "H264")


class Encoder(RungEncoder):
    """Notes what it is given."""

    def __init__(self) -> None:
        super().__init__(Rung(160, 90, 30, 200_000), None, lambda rung, unit: None)
        self.times: list[float] = []
        self.brightness: list[int] = []
        self.key_due = False

    def borrow(self, frame: av.VideoFrame, time: float, give_back: GiveBack) -> None:
        self.submit(Planes.of(frame), time)
        give_back(frame)

    def submit(self, picture: Planes, time: float) -> None:
        self.times.append(time)
        self.brightness.append(int(picture.y[45, 10]))

    def key_frame_due(self, time: float) -> bool:
        return self.key_due


class Stage:
    def __init__(self, delay: float = 0.0) -> None:
        self.pictures: dict[str, SourcePicture] = {}
        self.encoder = Encoder()
        self.worker = CanvasWorker(
            FORM, Artist(FONT), Scene(TILES, (ANNA,)), self.pictures.get, lambda: 0.0, delay=delay
        )
        self.worker.encoders = (self.encoder,)

    def run(self, start: float, seconds: float) -> None:
        for index in range(round(seconds * 30)):
            self.worker.tick(start + index / 30 + 0.001)


def test_a_canvas_may_begin_a_little_later_than_others():
    stage = Stage(delay=0.02)
    stage.run(0.0, 0.1)
    assert stage.encoder.times == [0.02, 0.02 + 1 / 30]
    assert stage.worker.missed == 0


def test_a_picture_at_every_tick():
    stage = Stage()
    for index in range(60):
        stage.pictures["a"] = SourcePicture(index, index / 30, {(160, 90): pattern(160, 90, index)})
        stage.worker.tick(index / 30 + 0.001)
    assert stage.encoder.times == [index / 30 for index in range(60)]
    assert (stage.worker.composed, stage.worker.missed) == (60, 0)


class QuickEncoder(Encoder):
    """Encodes in the time given, on whichever thread it is asked to, unless it is busy."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.busy = False
        self.here: list[float] = []

    def encode_here(self, frame: av.VideoFrame, time: float) -> bool:
        if not self.busy:
            self.here.append(time)
        return not self.busy


def test_what_is_encoded_quickly_is_encoded_on_the_canvas_thread_and_handed_over_when_the_encoder_is_busy():
    stage = Stage()
    quick = QuickEncoder(0.005)
    stage.worker.encoders = (quick,)
    stage.worker.tick(0.001)
    quick.busy = True
    stage.worker.tick(1 / 30 + 0.001)
    assert (quick.here, quick.times) == ([0.0], [1 / 30])


def test_what_takes_half_of_a_pictures_time_is_encoded_beside_the_canvas():
    stage = Stage()
    slow = QuickEncoder(0.5 / 30)
    stage.worker.encoders = (slow,)
    stage.worker.tick(0.001)
    assert (slow.here, slow.times) == ([], [0.0])


def test_of_several_encoders_the_last_is_on_the_canvas_thread():
    stage = Stage()
    quick = [QuickEncoder(0.005), QuickEncoder(0.005)]
    stage.worker.encoders = tuple(quick)
    stage.worker.tick(0.001)
    assert [(one.here, one.times) for one in quick] == [([], [0.0]), ([0.0], [])]


def test_nothing_before_its_time():
    stage = Stage()
    stage.worker.tick(0.0)
    stage.worker.tick(0.02)
    assert stage.encoder.times == [0.0]


def test_ticks_that_came_too_late_are_counted():
    stage = Stage()
    stage.worker.tick(0.0)
    stage.worker.tick(1.001)
    assert stage.worker.missed == 28
    assert len(stage.encoder.times) == 2


def test_a_canvas_without_change_is_sent_less_often():
    stage = Stage()
    stage.run(0.0, 1.0)
    stage.encoder.times.clear()
    stage.run(2.0, 4.0)
    assert len(stage.encoder.times) == 4 * SETTLED_RATE


def test_and_at_full_rate_as_soon_as_it_changes():
    stage = Stage()
    stage.run(0.0, 3.0)
    stage.encoder.times.clear()
    stage.pictures["a"] = SourcePicture(1, 3.0, {(160, 90): solid(160, 90, RED)})
    stage.run(3.0, 0.9)
    assert len(stage.encoder.times) == 27
    assert stage.encoder.brightness[-1] == RED.y


def test_a_key_frame_does_not_wait_for_a_change():
    stage = Stage()
    stage.run(0.0, 3.0)
    stage.encoder.times.clear()
    stage.encoder.key_due = True
    stage.worker.tick(3.001)
    assert stage.encoder.times == [3.0]


def test_a_new_scene_shows_at_the_next_tick():
    stage = Stage()
    stage.pictures["a"] = SourcePicture(1, 0.0, {(160, 90): solid(160, 90, RED)})
    stage.worker.tick(0.0)
    stage.worker.scene = Scene(TILES, (None,))
    stage.worker.tick(0.034)
    assert stage.encoder.brightness[0] == RED.y > stage.encoder.brightness[1]


def test_a_canvas_that_gives_way_makes_one_of_so_many_pictures_and_misses_only_those():
    stage = Stage()
    stage.worker.divisor = 3
    for index in range(60):
        stage.pictures["a"] = SourcePicture(index, index / 30, {(160, 90): pattern(160, 90, index)})
        stage.worker.tick(index / 30 + 0.001)
    assert stage.worker.composed == 20
    assert {round(30 * (after - before)) for before, after in itertools.pairwise(stage.encoder.times)} == {3}
    assert stage.worker.missed == 0
    stage.worker.tick(4.0)  # two seconds were missed, twenty pictures of those that were due
    assert 19 <= stage.worker.missed <= 20
