"""A process that records in real time, to be killed by a test: ``python live_writer.py <folder> <material file>``.

Prints, after each unit that it has handed over, how many seconds of media that makes; and why the recording failed.
"""

from __future__ import annotations

import pickle
import sys
import threading
import time
from pathlib import Path

from recorder.formats import VideoFormat
from recorder.writer import RecordingWriter


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main() -> None:
    directory, material, pace = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    audio, units = pickle.loads(material.read_bytes())  # written by the test itself
    writer = RecordingWriter(directory, VideoFormat(), audio, on_failed=lambda reason: say("failed", reason))
    begin = time.monotonic()
    clock = threading.Event()
    for stream, data, at, key in units:
        due = begin + (at - units[0][2]) * pace
        clock.wait(max(0.0, due - time.monotonic()))
        if stream == 0:
            writer.write_picture(data, at, key)
        else:
            writer.write_sound(data, at)
        say("written", at)
    writer.close()
    say("closed")


if __name__ == "__main__":
    main()
