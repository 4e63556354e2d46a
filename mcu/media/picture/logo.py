"""A logo from a picture file, at the size of its canvas."""

from __future__ import annotations

import logging
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from mcu.media.picture.lettering import even
from mcu.media.picture.planes import Size

logger = logging.getLogger(__name__)

# Logos are small; what is larger is a photograph put there by mistake, or made to use up memory.
_MOST_BYTES = 8_000_000
_MOST_PIXELS = 16_000_000

# At most so much of the canvas's height and width.
_HEIGHT, _WIDTH = 0.09, 0.22


def load_logo(file: str, canvas: Size) -> Image.Image | None:
    """The picture in ``file`` as RGBA of even size; None, and a line in the log, when it cannot be used."""
    try:
        if Path(file).stat().st_size > _MOST_BYTES:
            raise ValueError(f"larger than {_MOST_BYTES} bytes")
        with Image.open(file, formats=("PNG", "JPEG", "WEBP")) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise ValueError(f"{image.width}×{image.height} pixels are too many")
            picture = image.convert("RGBA")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        logger.warning("logo %s cannot be shown: %s", file, error)
        return None
    factor = min(canvas[1] * _HEIGHT / picture.height, canvas[0] * _WIDTH / picture.width)
    size = even(picture.width * factor), even(picture.height * factor)
    # Colour counts by how opaque it is, or the colour of what is transparent would fringe the edges.
    return picture.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
