"""Each picture of a canvas while layouts, sizes and decoration change: a source at hand is always seen."""

import av
import numpy as np
import pytest

from layouts.automatic import layout_named
from layouts.geometry import Rect
from mcu.media.picture.artist import Artist
from mcu.media.picture.canvas_worker import CanvasWorker, Scene
from mcu.media.picture.planes import Colour, Planes
from mcu.media.picture.rung_encoder import GiveBack, RungEncoder
from mcu.media.picture.source import PictureSourceWorker
from mcu.media.picture.state import CanvasFormat, PictureSource, Rung
from mcu.media.spec import DecorationSpec
from tests.media.picture.material import FONT, GREEN, RED, coded_colour

SIZE = (320, 180)
FORM = CanvasFormat(*SIZE, 30)
CLIP = Rung(320, 180, 30, 400_000)
COLOURS = {"a": RED, "b": GREEN}
PEOPLE = tuple(PictureSource(name, name.upper(), "H264") for name in COLOURS)
INSET = (Rect(0, 0, 320, 180), Rect(220, 100, 96, 54))


class Looker(RungEncoder):
    """Looks at each picture instead of encoding it."""

    def __init__(self) -> None:
        super().__init__(Rung(*SIZE, 30, 200_000), None, lambda rung, unit: None)
        self.last: Planes | None = None

    def borrow(self, frame: av.VideoFrame, time: float, give_back: GiveBack) -> None:
        self.submit(Planes.of(frame), time)
        give_back(frame)

    def submit(self, picture: Planes, time: float) -> None:
        self.last = Planes(picture.y.copy(), picture.u.copy(), picture.v.copy())


class Stage:
    """Two people who have sent a picture. What takes threads elsewhere happens here when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looker = Looker()
        self.sources = {
            name: PictureSourceWorker(name, "H264", lambda: self.now, lambda source: None) for name in COLOURS
        }
        self.canvas = CanvasWorker(FORM, Artist(FONT), Scene((), ()), self.newest, lambda: self.now, lambda: self.now)
        self.canvas.encoders = (self.looker,)

    def newest(self, source_id: str):
        return self.sources[source_id].newest

    def wants(self, scene: Scene) -> None:
        for source, tile in zip(scene.seats, scene.tiles, strict=True):
            self.sources[source.id].show(frozenset({tile.size}), scene.decoration.fill == "crop")

    def scale(self) -> None:
        for source in self.sources.values():
            source.work()

    def send(self) -> None:
        for name, colour in COLOURS.items():
            self.sources[name].push(coded_colour(CLIP, colour, self.now))

    def next_picture(self) -> Planes:
        self.canvas.tick(self.now + 0.001)
        self.now += 1 / 30
        assert self.looker.last is not None
        return self.looker.last


def scene(tiles: tuple[Rect, ...], decoration: DecorationSpec | None = None, speaker: int | None = None) -> Scene:
    return Scene(tiles, PEOPLE, speaker, decoration=decoration or DecorationSpec())


def tiles(layout: str) -> tuple[Rect, ...]:
    return layout_named(layout, 2).tiles(*SIZE)[:2]


SCENES = {
    "two": scene(tiles("2")),
    "four": scene(tiles("4")),
    "one large": scene(tiles("1+5")),
    "inset": scene(INSET),
    "speaker": scene(tiles("4"), speaker=1),
    "cropped": scene(tiles("2"), DecorationSpec(fill="crop")),
    "upright": scene((Rect(0, 0, 100, 180), Rect(110, 0, 100, 180)), DecorationSpec(fill="crop")),
    "decorated": scene(tiles("2"), DecorationSpec(banner="会诊", caption="静音", clock=True, watermark="内部")),
    "nameless": scene(tiles("4"), DecorationSpec(names=False, signs=False)),
}


def assert_seen(picture: Planes, shown: Scene) -> None:
    """In the middle of each tile there is the colour of who sits there, in most of what is not covered."""
    for index, (tile, source) in enumerate(zip(shown.tiles, shown.seats, strict=True)):
        above = shown.tiles[index + 1 :]
        middle = Rect(tile.x + tile.width // 8 * 2, tile.y + tile.height // 8 * 2, tile.width // 4 * 2, 8)
        if any(middle.overlaps(other) for other in above):
            continue
        assert source is not None
        found, wanted = picture.window(middle), COLOURS[source.id]
        for plane in "uv":
            off = np.abs(getattr(found, plane).astype(int) - channel(wanted, plane))
            assert np.median(off) < 12, f"{source.id} is not seen"


def channel(colour: Colour, plane: str) -> int:
    return int(getattr(colour, plane))


@pytest.mark.parametrize("canvas_first", [True, False])
@pytest.mark.parametrize("late", [0, 4])
@pytest.mark.parametrize("after", SCENES)
@pytest.mark.parametrize("before", ["one large", "decorated", "upright"])
def test_who_has_a_picture_is_seen_in_every_picture_of_a_change(before, after, late, canvas_first):
    """Whichever of canvas and sources hears of the change first, and however late the new sizes are."""
    stage = Stage()
    old, new = SCENES[before], SCENES[after]
    stage.wants(old)
    stage.send()
    stage.scale()
    stage.canvas.scene = old
    assert_seen(stage.next_picture(), old)
    stage.wants(new)
    if not canvas_first:
        stage.scale()
        assert_seen(stage.next_picture(), old)
    stage.canvas.scene = new
    for _ in range(late):
        assert_seen(stage.next_picture(), new)
    stage.scale()
    for _ in range(2):
        assert_seen(stage.next_picture(), new)
