"""AAC frames in RTP payloads: MP4A-LATM (RFC 6416) and mpeg4-generic in its mode AAC-hbr (RFC 3640). Pure.

A frame that was cut over several packets is not put together: those of rooms are far shorter than a packet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mcu.media.codec.aac_config import (
    MAX_CONFIG,
    AacConfig,
    AacError,
    BitReader,
    MuxConfig,
    parse_audio_config,
    parse_mux_config,
    read_mux_config,
)

MAX_FRAMES = 12
"""Of 480 samples at 48 kHz: 120 ms, the longest packet of sound that we take."""

_MORE = 255
_SIZE_BITS, _INDEX_BITS = 13, 3


class AacPayload(Protocol):
    """One way to pack frames."""

    def config(self, payload: bytes) -> AacConfig:
        """What the frames of this payload are. Raises AacError."""

    def frames(self, payload: bytes) -> list[bytes]:
        """The frames of a payload, at least one, at most MAX_FRAMES. Raises AacError."""


def aac_payload(name: str, parameters: Mapping[str, str]) -> AacPayload:
    """By the name in rtpmap and the parameters in fmtp. Raises AacError for what we cannot read."""
    if name == "mpeg4-generic":
        return GenericPayload(parse_audio_config(_octets(parameters.get("config", ""))))
    if parameters.get("cpresent", "1") == "0":
        return LatmPayload(parse_mux_config(_octets(parameters.get("config", ""))))
    return SelfDescribingLatmPayload()


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text[: 2 * MAX_CONFIG + 2])
    except ValueError:
        raise AacError("config is no hexadecimal number") from None


class GenericPayload:
    """RFC 3640 section 3.3.6: headers of 13 bits of size and 3 of index, then the frames themselves."""

    def __init__(self, config: AacConfig) -> None:
        self._config = config

    def config(self, payload: bytes) -> AacConfig:
        return self._config

    def frames(self, payload: bytes) -> list[bytes]:
        bits = BitReader(payload)
        count, rest = divmod(bits.read(16), _SIZE_BITS + _INDEX_BITS)
        if rest or not 0 < count <= MAX_FRAMES:
            raise AacError(f"headers of {count} frames and {rest} bits")
        sizes = []
        for _ in range(count):
            sizes.append(bits.read(_SIZE_BITS))
            if bits.read(_INDEX_BITS):
                raise AacError("interleaved frames")
        return [_frame(bits, size) for size in sizes]


class LatmPayload:
    """RFC 6416 section 6: elements whose configuration is in the description (``cpresent=0``)."""

    def __init__(self, mux: MuxConfig) -> None:
        self._mux = mux

    def config(self, payload: bytes) -> AacConfig:
        return self._mux.audio

    def frames(self, payload: bytes) -> list[bytes]:
        return _element(BitReader(payload), self._mux)


class SelfDescribingLatmPayload:
    """Elements that hold their configuration, or say that it is still the same (``cpresent=1``)."""

    def __init__(self) -> None:
        self._mux: MuxConfig | None = None

    def config(self, payload: bytes) -> AacConfig:
        return self._begin(payload)[1].audio

    def frames(self, payload: bytes) -> list[bytes]:
        bits, mux = self._begin(payload)
        return _element(bits, mux)

    def _begin(self, payload: bytes) -> tuple[BitReader, MuxConfig]:
        bits = BitReader(payload)
        if not bits.read(1):  # useSameStreamMux
            self._mux = read_mux_config(bits)
        if self._mux is None:
            raise AacError("no configuration has come yet")
        return bits, self._mux


def _element(bits: BitReader, mux: MuxConfig) -> list[bytes]:
    if mux.frames > MAX_FRAMES:
        raise AacError(f"an element of {mux.frames} frames")
    frames = []
    for _ in range(mux.frames):
        size = part = bits.read(8)
        while part == _MORE:
            part = bits.read(8)
            size += part
        frames.append(_frame(bits, size))
    return frames


def _frame(bits: BitReader, size: int) -> bytes:
    if not size or 8 * size > bits.left:
        raise AacError(f"a frame of {size} octets, of which {bits.left // 8} are there")
    return bits.octets(size)
