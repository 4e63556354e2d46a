"""The ffmpeg command line at the same work: decode, scale, put side by side, encode. What it costs is the yardstick."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from layouts.geometry import Rect
from mcu.media.codec.video_encoder import ADAPTIVE_QUANTISATION


class NoFfmpeg(Exception):
    """The program is not installed, or it failed."""


@dataclass(frozen=True)
class Composite:
    """One picture to make: ``tiles`` belong to the inputs of these numbers, one for one."""

    width: int
    height: int
    tiles: tuple[Rect, ...]
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Coding:
    """How it is encoded; the same as the server does."""

    bitrate: int
    buffer: int
    profile: str
    preset: str = "superfast"
    tune: str = "zerolatency"
    threads: int = 1
    frame_rate: int = 30


async def cpu_per_second(
    clips: Sequence[Path], composites: Sequence[Composite], coding: Coding, seconds: float
) -> float:
    """CPU seconds for each second of media. Raises NoFfmpeg.

    It runs as fast as it can; CPU time does not depend on that. Start-up is taken off by a run of no length.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise NoFfmpeg("ffmpeg is not installed")
    pictures = round(seconds * coding.frame_rate)
    whole = await _cpu(_command(program, clips, composites, coding, seconds), pictures)
    start = await _cpu(_command(program, clips, composites, coding, 1 / coding.frame_rate), 1)
    return (whole - start) / (seconds - 1 / coding.frame_rate)


def _command(
    program: str, clips: Sequence[Path], composites: Sequence[Composite], coding: Coding, seconds: float
) -> list[str]:
    command = [program, "-hide_banner", "-nostdin", "-benchmark", "-filter_complex_threads", "1"]
    for clip in clips:
        command += ["-threads", "1", "-stream_loop", "-1", "-i", str(clip)]
    command += ["-filter_complex", ";".join(_graph(len(clips), composites, coding))]
    for number in range(len(composites)):
        command += [
            "-map", f"[out{number}]", "-c:v", "libx264", "-preset", coding.preset, "-tune", coding.tune,
            "-profile:v", coding.profile, "-b:v", str(coding.bitrate), "-maxrate", str(coding.bitrate),
            "-bufsize", str(coding.buffer), "-bf", "0", "-g", str(30 * coding.frame_rate),
            "-x264-params", f"scenecut=0:repeat-headers=1:aq-strength={ADAPTIVE_QUANTISATION}",
            "-threads", str(coding.threads),
            "-t", f"{seconds:.3f}", "-f", "null", "-",
        ]  # fmt: skip
    return command


def _graph(inputs: int, composites: Sequence[Composite], coding: Coding) -> list[str]:
    """A filter graph: each input is decoded once, each composite scales it to its tile."""
    uses: dict[int, list[str]] = {number: [] for number in range(inputs)}
    graph = []
    for number, composite in enumerate(composites):
        parts, places = [], []
        for place, (tile, source) in enumerate(zip(composite.tiles, composite.inputs, strict=True)):
            label = f"i{source}c{number}p{place}"
            uses[source].append(label)
            graph.append(f"[{label}]scale={tile.width}:{tile.height}:flags=area[s{label}]")
            parts.append(f"[s{label}]")
            places.append(f"{tile.x}_{tile.y}")
        # The smallest possible picture in the last corner gives the stack its full size.
        graph.append(f"color=black:size=4x4:rate={coding.frame_rate}[corner{number}]")
        parts.append(f"[corner{number}]")
        places.append(f"{composite.width - 4}_{composite.height - 4}")
        graph.append(
            f"{''.join(parts)}xstack=inputs={len(parts)}:layout={'|'.join(places)}:fill=black,format=yuv420p[out{number}]"
        )
    for source, labels in uses.items():
        if not labels:
            continue
        outputs = "".join(f"[{label}]" for label in labels)
        graph.append(f"[{source}:v]split={len(labels)}{outputs}" if len(labels) > 1 else f"[{source}:v]null{outputs}")
    return graph


async def _cpu(command: list[str], pictures: int) -> float:
    """User and system time of the process, from its own getrusage, if it has made so many pictures."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, log = await process.communicate()
    found = re.search(rb"utime=([\d.]+)s stime=([\d.]+)s", log)
    made = re.findall(rb"frame=\s*(\d+)", log)
    if process.returncode or found is None or not made or abs(int(made[-1]) - pictures) > 1:
        raise NoFfmpeg(log.decode("utf-8", "replace")[-500:])
    return float(found[1]) + float(found[2])
