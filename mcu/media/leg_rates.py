"""What a peer is asked to send of pictures at most. Pure."""

from __future__ import annotations

from mcu.media.spec import LegSpec

RECEIVE_BITRATE = 2_500_000
"""Of its picture, in bit/s: that fills one tile of a 1080p canvas, or all of it when alone."""

CONTENT_BITRATE = 2_500_000
"""More for whoever can share its screen: slides at 1080p."""

LAYERS_BITRATE = 700_000
"""More for whoever sends its picture in several sizes: those of half and a quarter of the side."""


SLIDES_BITRATE = 400_000
"""More for whoever sends its screen in half its size as well."""


def receive_bitrate(spec: LegSpec) -> int:
    """Of all pictures together: a browser takes the newest word for all that it sends."""
    usual = RECEIVE_BITRATE + (CONTENT_BITRATE if spec.content is not None else 0)
    if spec.video is not None and len(spec.video.rids) > 1:
        usual += LAYERS_BITRATE
    if spec.content is not None and len(spec.content.rids) > 1:
        usual += SLIDES_BITRATE
    return usual if spec.receive_bitrate is None else min(usual, spec.receive_bitrate)
