"""The catalogue and its page in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image

from layouts.catalogue import CATALOGUE, MAX_TILES
from layouts.custom import MAX_CELLS
from mcu.media.picture.changes import PATIENCE
from tests.layouts.drawn import contact_sheet

DOCS = Path(__file__).parents[2] / "docs"


def test_every_layout_is_described_and_none_that_is_not_there():
    page = (DOCS / "layouts.md").read_text("utf-8")
    rows = [line for line in page.split("## ")[0].splitlines() if line.startswith("| `")]
    named = set(re.findall(r"`([^`]+)`", "".join(row.split("|")[1] for row in rows)))
    grids = {str(count) for count in range(1, MAX_TILES + 1)}
    assert f"`1` to `{MAX_TILES}`" in page
    assert named == {"auto", "1", str(MAX_TILES)} | (CATALOGUE.keys() - grids)
    assert f"up to {MAX_CELLS} cells" in page
    assert f"after {PATIENCE:g} seconds" in page


def test_the_drawing_of_all_layouts_is_up_to_date():
    with Image.open(DOCS / "layouts.png") as shown:
        there = np.asarray(shown.convert("RGB")).astype(int)
    wanted = np.asarray(contact_sheet()).astype(int)
    assert there.shape == wanted.shape, "python -m tests.layouts.drawn docs/layouts.png"
    # The names are drawn in a font whose edges differ from release to release.
    assert np.abs(there - wanted).mean() < 2.0
