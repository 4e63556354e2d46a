"""Every layout of the catalogue looks as it did when somebody last looked at it."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from layouts.catalogue import CATALOGUE
from tests.layouts.drawn import GOLDEN, drawn, file_name

# An edge may move by a pixel pair, where a division was rounded the other way.
MEAN_DIFFERENCE = 2.0


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_layout_looks_as_it_did(name):
    image, file = drawn(CATALOGUE[name]), GOLDEN / file_name(name)
    if os.environ.get("CONSILIUM_WRITE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        image.save(file, optimize=True)
    with Image.open(file) as golden:
        wanted = np.asarray(golden.convert("RGB")).astype(int)
    off = np.abs(np.asarray(image).astype(int) - wanted).mean()
    assert off <= MEAN_DIFFERENCE, f"{name}: mean difference {off:.2f}"


def test_no_picture_is_left_of_a_layout_that_is_gone():
    assert {file.name for file in GOLDEN.glob("*.png")} == {file_name(name) for name in CATALOGUE}


def test_pictures_of_different_layouts_differ():
    """So the comparison can fail at all."""
    five, six = (np.asarray(drawn(CATALOGUE[name])).astype(int) for name in ("5", "6"))
    assert np.abs(five - six).mean() > 2 * MEAN_DIFFERENCE
