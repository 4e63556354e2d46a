"""The clip that a simulated room plays: coded once when loaded, so that playing it costs next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.resampler import AudioResampler
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

SAMPLE_RATE = 48_000

# A clip is kept in memory, coded pictures and plain sound; longer ones are played up to here and begin anew.
MAX_SECONDS = 60.0

Samples = npt.NDArray[np.int16]


class ClipError(Exception):
    """The file cannot be read, or has no picture."""


@dataclass(frozen=True)
class ClipFormat:
    """How the pictures are coded: pixels, frames/s, bit/s, seconds between key frames, bytes per slice (0: any)."""

    width: int = 1280
    height: int = 720
    frame_rate: int = 30
    bitrate: int = 2_000_000
    key_interval: float = 1.0
    max_slice: int = 0


@dataclass(frozen=True)
class ClipPicture:
    """One coded picture (H.264 byte stream)."""

    data: bytes
    keyframe: bool


@dataclass(frozen=True)
class Clip:
    """Coded pictures at a constant rate, and sound of the same duration: mono, 48 kHz."""

    format: ClipFormat
    pictures: tuple[ClipPicture, ...]
    sound: Samples

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.pictures) / self.format.frame_rate


def load_clip(path: Path, clip_format: ClipFormat, max_seconds: float = MAX_SECONDS) -> Clip:
    """Read any file that FFmpeg reads; pictures are letterboxed into the format. Raises ClipError."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ClipError(f"{path}: has no picture")
            pictures = encode_pictures(_resampled_pictures(container, clip_format, max_seconds), clip_format)
        sound = np.zeros(0, np.int16)
        with av.open(str(path)) as container:
            if container.streams.audio:
                sound = _read_sound(container, max_seconds)
    except (OSError, av.error.FFmpegError) as error:
        raise ClipError(f"{path}: {error}") from error
    if not pictures:
        raise ClipError(f"{path}: has no picture")
    return make_clip(pictures, sound, clip_format)


def make_clip(pictures: list[ClipPicture], sound: Samples, clip_format: ClipFormat) -> Clip:
    """Put pictures and sound together; sound is cut, or filled with silence, to the pictures' duration."""
    wanted = round(len(pictures) * SAMPLE_RATE / clip_format.frame_rate)
    if len(sound) < wanted:
        sound = np.concatenate([sound, np.zeros(wanted - len(sound), np.int16)])
    return Clip(clip_format, tuple(pictures), sound[:wanted])


def encode_pictures(frames: Iterator[VideoFrame], clip_format: ClipFormat) -> list[ClipPicture]:
    """Code frames (yuv420p, of the format's size) as constrained baseline H.264 with regular key frames."""
    encoder = VideoCodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = clip_format.width, clip_format.height, "yuv420p"
    encoder.time_base = Fraction(1, clip_format.frame_rate)
    encoder.framerate = Fraction(clip_format.frame_rate)
    encoder.bit_rate = clip_format.bitrate
    slices = f":slice-max-size={clip_format.max_slice}" if clip_format.max_slice else ""
    encoder.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "profile": "baseline",
        "maxrate": str(clip_format.bitrate),
        "bufsize": str(clip_format.bitrate),
        "x264-params": f"repeat-headers=1:scenecut=0:keyint=infinite{slices}",
    }
    interval = max(1, round(clip_format.key_interval * clip_format.frame_rate))
    coded: list[ClipPicture] = []
    for number, frame in enumerate(frames):
        frame.pts = number
        frame.time_base = encoder.time_base
        frame.pict_type = PictureType.I if number % interval == 0 else PictureType.NONE
        coded += [ClipPicture(bytes(packet), packet.is_keyframe) for packet in encoder.encode(frame)]
    coded += [ClipPicture(bytes(packet), packet.is_keyframe) for packet in encoder.encode(None)]
    return coded


def _resampled_pictures(
    container: av.container.InputContainer, clip_format: ClipFormat, max_seconds: float
) -> Iterator[VideoFrame]:
    """The file's pictures at the format's constant rate and size, each repeated or left out as time asks."""
    count = 0
    scaled: VideoFrame | None = None
    for frame in container.decode(video=0):
        if frame.pts is None:
            continue
        due = frame.time * clip_format.frame_rate
        while scaled is not None and count < due and count < max_seconds * clip_format.frame_rate:
            yield scaled
            count += 1
        if count >= max_seconds * clip_format.frame_rate:
            return
        scaled = letterbox(frame, clip_format.width, clip_format.height)
    if scaled is not None:
        yield scaled


def letterbox(frame: VideoFrame, width: int, height: int) -> VideoFrame:
    """Scale into the middle of a black picture, aspect kept; yuv420p."""
    scale = min(width / frame.width, height / frame.height)
    inner_width, inner_height = int(frame.width * scale) & ~1, int(frame.height * scale) & ~1
    inner = frame.reformat(width=inner_width, height=inner_height, format="yuv420p")
    if (inner_width, inner_height) == (width, height):
        return inner
    planes = inner.to_ndarray()
    picture = np.full((height * 3 // 2, width), 128, np.uint8)
    picture[:height] = 16
    x, y = ((width - inner_width) // 2) & ~1, ((height - inner_height) // 2) & ~1
    picture[y : y + inner_height, x : x + inner_width] = planes[:inner_height]
    half_width, half_height = inner_width // 2, inner_height // 2
    for chroma in range(2):
        source = planes[inner_height + chroma * inner_height // 4 :][: inner_height // 4].reshape(
            half_height, half_width
        )
        target = picture[height + chroma * height // 4 :][: height // 4].reshape(height // 2, width // 2)
        target[y // 2 : y // 2 + half_height, x // 2 : x // 2 + half_width] = source
    return VideoFrame.from_ndarray(picture, format="yuv420p")


def _read_sound(container: av.container.InputContainer, max_seconds: float) -> Samples:
    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    blocks: list[Samples] = []
    total = 0
    for frame in container.decode(audio=0):
        for block in resampler.resample(frame):
            blocks.append(block.to_ndarray().reshape(-1).astype(np.int16))
            total += blocks[-1].size
        if total >= max_seconds * SAMPLE_RATE:
            break
    return np.concatenate(blocks) if blocks else np.zeros(0, np.int16)
