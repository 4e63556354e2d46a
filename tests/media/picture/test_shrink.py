"""Pictures made smaller in compiled code, against the average of areas as it is defined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mcu.media.picture import scaler
from mcu.media.picture._shrink import Shrinker, shrink
from mcu.media.picture.planes import Planes, Size
from mcu.media.picture.scaler import Scaler
from tests.media.picture.material import pattern_frame

Samples = NDArray[np.uint8]


def defined(plane: Samples, width: int, height: int) -> NDArray[np.float64]:
    """The average of the area that each sample of the result stands for."""
    return _shares(plane.shape[0], height) @ plane @ _shares(plane.shape[1], width).T


def _shares(before: int, after: int) -> NDArray[np.float64]:
    edges = np.arange(after + 1)[:, None] * before / after
    samples = np.arange(before)[None, :]
    overlap = np.minimum(samples + 1, edges[1:]) - np.maximum(samples, edges[:-1])
    shares: NDArray[np.float64] = np.clip(overlap, 0, None) / (before / after)
    return shares


def shrunk(planes: tuple[Samples, Samples, Samples], size: Size, padding: int = 0) -> Planes:
    (result,) = shrunk_together(planes, [size], padding)
    return result


def shrunk_together(planes: tuple[Samples, Samples, Samples], sizes: Sequence[Size], padding: int = 0) -> list[Planes]:
    height, width = planes[0].shape
    made = [Planes.in_one(*size) for size in sizes]
    y, u, v = [np.pad(plane, ((0, 0), (0, padding)), constant_values=255) for plane in planes]
    wanted = tuple(
        (Shrinker(width, height, *size), samples.data) for size, (_, samples) in zip(sizes, made, strict=True)
    )
    shrink(y.data, y.shape[1], u.data, u.shape[1], v.data, v.shape[1], wanted)
    return [result for result, _ in made]


def noise(width: int, height: int, seed: int = 1) -> tuple[Samples, Samples, Samples]:
    random = np.random.default_rng(seed)
    sizes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    y, u, v = (random.integers(0, 256, size, np.uint8) for size in sizes)
    return y, u, v


@st.composite
def sizes(draw: st.DrawFn) -> tuple[Size, Size]:
    width, height = draw(st.integers(2, 90)), draw(st.integers(2, 50))
    smaller = draw(st.integers(-(-width // 7), width)), draw(st.integers(-(-height // 7), height))
    return (2 * width, 2 * height), (2 * smaller[0], 2 * smaller[1])


@settings(max_examples=150, deadline=None)
@given(sizes(), st.integers(0, 40), st.integers(0, 1000))
def test_each_sample_is_the_average_of_its_area(both: tuple[Size, Size], padding: int, seed: int) -> None:
    before, after = both
    planes = noise(*before, seed)
    result = shrunk(planes, after, padding)
    for made, plane in zip((result.y, result.u, result.v), planes, strict=True):
        wanted = defined(plane, made.shape[1], made.shape[0])
        # Of noise, weights in 128ths are at most so far off: two of them by a half each, both ways.
        assert np.abs(made - wanted).max() <= 5


@pytest.mark.parametrize("value", [0, 16, 128, 235, 255])
@pytest.mark.parametrize("size", [(950, 534), (632, 356), (314, 176), (1918, 1078), (276, 156)])
def test_an_even_picture_stays_even(value: int, size: Size) -> None:
    planes = tuple(np.full(shape, value, np.uint8) for shape in ((1080, 1920), (540, 960), (540, 960)))
    y, u, v = planes
    result = shrunk((y, u, v), size)
    assert {*np.unique(result.y), *np.unique(result.u), *np.unique(result.v)} == {value}


@pytest.mark.parametrize("size", [(950, 534), (960, 540), (632, 356), (312, 176), (1280, 720)])
def test_it_looks_as_when_ffmpeg_does_it(size: Size, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pattern_frame(1920, 1080)
    monkeypatch.setattr(scaler, "FAST", False)
    slow = Scaler().scale(frame, size)
    monkeypatch.setattr(scaler, "FAST", True)
    quick = Scaler().scale(frame, size)
    assert slow is not None and quick is not None
    for one, other in ((slow.y, quick.y), (slow.u, quick.u), (slow.v, quick.v)):
        error = float(np.mean((one.astype(float) - other) ** 2))
        assert 10 * np.log10(255**2 / max(error, 1e-9)) >= 45


@pytest.mark.parametrize(
    "before, after",
    [
        ((64, 36), (33, 18)),
        ((63, 36), (32, 18)),
        ((64, 36), (66, 18)),
        ((64, 36), (64, 38)),
        ((64, 36), (8, 18)),
        ((64, 36), (32, 4)),
        ((64, 36), (0, 0)),
        ((-64, 36), (32, 18)),
        ((1 << 20, 36), (1 << 19, 18)),
        ((2, 36), (2, 18)),
        ((64, 2), (32, 2)),
    ],
)
def test_sizes_that_it_cannot_do_are_refused(before: Size, after: Size) -> None:
    with pytest.raises(ValueError, match="sizes"):
        Shrinker(*before, *after)


def test_buffers_that_are_too_small_are_refused() -> None:
    shrinker = Shrinker(64, 36, 32, 18)
    y, u = bytes(64 * 36), bytes(32 * 18)
    result = bytearray(32 * 18 * 3 // 2)
    shrink(y, 64, u, 32, u, 32, ((shrinker, result),))
    for wrong in (
        (y[:-1], 64, u, 32, u, 32, ((shrinker, result),)),
        (y, 65, u, 32, u, 32, ((shrinker, result),)),
        (y, 63, u, 32, u, 32, ((shrinker, result),)),
        (y, 0, u, 32, u, 32, ((shrinker, result),)),
        (y, -64, u, 32, u, 32, ((shrinker, result),)),
        (y, 64, u, 32, u, 1 << 62, ((shrinker, result),)),
        (y, 64, u[:-1], 32, u, 32, ((shrinker, result),)),
        (y, 64, u, 32, u, 32, ((shrinker, result), (shrinker, result[:-1]))),
        (y, 64, u, 32, u, 32, ((shrinker, result), (Shrinker(32, 18, 16, 10), bytearray(16 * 10 * 3 // 2)))),
        (y, 64, u, 32, u, 32, ()),
        (y, 64, u, 32, u, 32, ((shrinker, result),) * 65),
    ):
        with pytest.raises(ValueError, match=r"plane|result|sizes"):
            shrink(*wrong)
    for wrong_pairs in (((shrinker, bytes(result)),), ((shrinker,),), (shrinker,), ((result, shrinker),), [1], None):
        with pytest.raises(TypeError):
            shrink(y, 64, u, 32, u, 32, wrong_pairs)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(st.lists(sizes(), min_size=1, max_size=6), st.integers(0, 40), st.integers(0, 1000))
def test_several_sizes_at_once_are_the_same_as_each_alone(
    several: list[tuple[Size, Size]], padding: int, seed: int
) -> None:
    before = several[0][0]
    fitting = [size for _, size in several if _can_be_made(before, size)]
    planes = noise(*before, seed)
    for size, together in zip(fitting, shrunk_together(planes, fitting, padding) if fitting else [], strict=True):
        alone = shrunk(planes, size, padding)
        for one, other in ((together.y, alone.y), (together.u, alone.u), (together.v, alone.v)):
            assert (one == other).all()


def _can_be_made(before: Size, after: Size) -> bool:
    return all(small <= large <= 7 * small for large, small in zip(before, after, strict=True))


def test_sizes_of_a_large_picture_are_the_same_together_as_alone() -> None:
    planes = noise(1920, 1080)
    sizes = [(954, 536), (634, 356), (314, 176), (634, 356), (1918, 1078)]
    for size, together in zip(sizes, shrunk_together(planes, sizes), strict=True):
        alone = shrunk(planes, size)
        assert (together.y == alone.y).all() and (together.u == alone.u).all() and (together.v == alone.v).all()


def test_a_picture_too_small_for_it_is_made_all_the_same() -> None:
    scaled = Scaler().scale(pattern_frame(1920, 1080), (96, 54))
    assert scaled is not None and scaled.size == (96, 54)
