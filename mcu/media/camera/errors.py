"""What can be wrong with a peer's camera control."""

from __future__ import annotations


class CameraProtocolError(ValueError):
    """Bytes that are no frame or no message as ITU-T H.224 and H.281 have them."""
