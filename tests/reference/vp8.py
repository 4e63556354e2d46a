"""VP8 in RTP (RFC 7741): frames to payloads and back."""

from __future__ import annotations

from mcu.media.rtp.errors import PayloadError

# Far above any real key frame, see ``h264.MAX_ACCESS_UNIT``.
MAX_FRAME = 4 << 20
_DESCRIPTOR_SIZE = 4


class Vp8Packetizer:
    """Cuts frames into payloads of at most ``mtu`` bytes, each with a 15-bit picture id that grows by one per frame."""

    __slots__ = ("mtu", "picture_id")

    def __init__(self, mtu: int = 1200, picture_id: int = 0) -> None:
        if mtu < 64:
            raise ValueError(f"mtu of {mtu} bytes is too small")
        self.mtu = mtu
        self.picture_id = picture_id & 0x7FFF

    def packetize(self, data: bytes) -> tuple[bytes, ...]:
        """The payloads of one frame, in order and of nearly equal size; the last one takes the marker bit."""
        picture = (0x8000 | self.picture_id).to_bytes(2, "big")
        self.picture_id = (self.picture_id + 1) & 0x7FFF
        if not data:
            return ()
        count = -(-len(data) // (self.mtu - _DESCRIPTOR_SIZE))
        size = -(-len(data) // count)
        # X bit and, for the first payload, S bit of partition 0; then the extension byte that announces the picture id.
        first = b"\x90\x80" + picture
        later = b"\x80\x80" + picture
        return tuple(
            (later if position else first) + data[position : position + size] for position in range(0, len(data), size)
        )


def descriptor_size(payload: bytes) -> int:
    """Length of the payload descriptor (RFC 7741 section 4.2). Raises PayloadError when it or the data is cut off."""
    size = 1
    if not payload:
        raise PayloadError("VP8 payload is empty")
    if payload[0] & 0x80:
        if len(payload) < 3:
            raise PayloadError("VP8 payload descriptor is cut off")
        extension = payload[1]
        size = 2
        if extension & 0x80:
            size += 2 if payload[2] & 0x80 else 1
        if extension & 0x40:
            size += 1
        if extension & 0x30:
            size += 1
    if size >= len(payload):
        raise PayloadError("VP8 payload holds no data behind its descriptor")
    return size


class Vp8Depacketizer:
    """Collects the payloads of one frame. Same use as ``H264Depacketizer``."""

    __slots__ = ("_parts", "_size", "clean_start", "damaged", "recovery_point")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.recovery_point = False
        self.reset()

    conceals = False

    def cut(self) -> None:
        """Packets are missing here."""
        self.damaged = True

    def reset(self) -> None:
        """Forget the frame in hand."""
        self._parts.clear()
        self._size = 0
        self.clean_start = False
        self.damaged = False

    def push(self, payload: bytes) -> None:
        """Add the payload of the next packet. Raises PayloadError; the frame is then ``damaged``."""
        try:
            size = descriptor_size(payload)
        except PayloadError:
            self.damaged = True
            raise
        if not self._parts:
            # S bit with partition index 0: the first byte of a frame.
            self.clean_start = payload[0] & 0x1F == 0x10
            if not self.clean_start:
                self.damaged = True
        self._parts.append(payload[size:])
        self._size += len(payload) - size
        if self._size > MAX_FRAME:
            self.reset()
            self.damaged = True
            raise PayloadError("VP8 frame is larger than any real one")

    @property
    def empty(self) -> bool:
        """Nothing is in hand."""
        return not self._parts and not self.damaged

    @property
    def keyframe(self) -> bool:
        """The frame in hand is a key frame, as far as it begins with its beginning."""
        return self.clean_start and is_key_frame(self._parts[0])

    @property
    def whole(self) -> bool:
        """As far as can be told, nothing is missing from the frame in hand."""
        return not self.damaged

    def take(self) -> tuple[bytes, bool] | None:
        """The frame in hand and whether it is a key frame (RFC 6386 section 9.1); None when there is none."""
        if not self._parts:
            return None
        frame = b"".join(self._parts)
        self.reset()
        return frame, is_key_frame(frame)


def is_key_frame(frame: bytes) -> bool:
    """Whether a VP8 frame is a key frame: the lowest bit of its tag is 0 (RFC 6386 section 9.1)."""
    return bool(frame) and not frame[0] & 1
