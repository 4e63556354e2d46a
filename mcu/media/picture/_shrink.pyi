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
    y: Buffer,
    y_stride: int,
    u: Buffer,
    u_stride: int,
    v: Buffer,
    v_stride: int,
    wanted: tuple[tuple[Shrinker, Buffer], ...],
) -> None:
    """Make one picture smaller in up to 64 ways, from one passage through it: reading it takes as long as the work.

    The planes of each smaller picture are written into its buffer one after the other, rows without gaps between them.
    Strides are in bytes. Other threads may run meanwhile. Raises ValueError when a buffer has not the size for it, or
    the shrinkers are not all for pictures of this size.
    """
