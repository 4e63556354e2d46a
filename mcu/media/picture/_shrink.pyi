"""What the compiled module offers to Python."""

from typing_extensions import Buffer

FAST: bool
"""Whether this processor has the instructions that make this the fastest way; without them it is merely right."""

class Shrinker:
    """Makes pictures of one size in YUV 4:2:0 smaller: each sample is the average of the area that it stands for.

    Both sizes have to be even, the larger one at least 4 each way, and the smaller one neither more than the larger in
    any direction nor less than a seventh of it: else ValueError.
    """

    def __new__(cls, width: int, height: int, to_width: int, to_height: int) -> Shrinker: ...
    def shrink(
        self,
        y: Buffer,
        y_stride: int,
        u: Buffer,
        u_stride: int,
        v: Buffer,
        v_stride: int,
        result: Buffer,
    ) -> None:
        """Write the smaller picture's planes into ``result`` one after the other, rows without gaps between them.

        Strides are in bytes. Other threads may run meanwhile. Raises ValueError when a buffer has not the size for it.
        """
