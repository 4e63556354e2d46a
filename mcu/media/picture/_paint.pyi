"""What the compiled module offers to Python."""

import numpy as np
from numpy.typing import NDArray

FILL: int
PASTE: int
BLEND: int
RELIEF: int
MOST_STROKES: int

Plane = NDArray[np.uint8]
Wide = NDArray[np.uint16]

Fill = tuple[int, int, int, int, int, int, int, int]
Paste = tuple[int, int, int, int, int, int, int, Plane, Plane, Plane]
Blend = tuple[int, int, int, int, int, int, int, Wide, Wide, Wide, Wide, Wide, Wide]
Relief = tuple[int, int, int, int, int, int, int, Plane]
Stroke = Fill | Paste | Blend | Relief
"""One thing to paint. All begin with its kind and its place: x, y, width and height in samples of brightness.

FILL: then a colour's y, u and v.
All others: then where in what is painted the place begins, x and y.
PASTE: then the planes y, u and v of a picture.
BLEND: then for each plane what is added (in 256ths of a sample, with a half to round by) and how many 256ths of the
picture are kept, 16 bits each.
RELIEF: then what is added to each sample of brightness, modulo 256; they are brought into 16 to 235 before.
"""

def paint(y: Plane, u: Plane, v: Plane, strokes: list[Stroke]) -> None:
    """Paint on a picture in YUV 4:2:0, in order; nothing is painted where one stroke is wrong.

    Planes are two-dimensional, each row of adjoining samples. Other threads may run meanwhile. Raises ValueError for
    strokes that do not lie at even places inside the picture and what they paint, for planes of wrong shape, and for
    more than MOST_STROKES; TypeError for what is no stroke or no buffer, BufferError for planes that cannot be
    written.
    """
