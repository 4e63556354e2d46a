"""Makes the spoken prompts of the menu with espeak-ng (Debian package), in Chinese and English, as WAV files.

    python scripts/make_prompts.py build/prompts

Without espeak-ng, or where it fails, tones take the place of words: the menu works then by its picture alone.
"""

from __future__ import annotations

import argparse
import logging
import math
import shutil
import struct
import subprocess
import sys
import wave
from pathlib import Path

logger = logging.getLogger("make_prompts")

PROGRAM = "espeak-ng"
VOICES = {"zh": "cmn", "en": "en-gb"}
WORDS_PER_MINUTE = 150
TIMEOUT = 30.0

TEXTS: dict[str, dict[str, str]] = {
    "zh": {
        "enter_number": "欢迎。请输入会议号，以井号键结束。新建会议，请按星号键。",
        "enter_pin": "请输入会议密码，以井号键结束。",
        "unknown_number": "没有这个会议号。请重新输入。",
        "wrong_pin": "密码不正确。请重新输入。",
        "no_entry": "现在无法进入该会议。",
        "your_number": "您的会议号是",
        "goodbye": "再见。",
    },
    "en": {
        "enter_number": "Welcome. Please enter the conference number and press hash. For a new conference, press star.",
        "enter_pin": "Please enter the PIN and press hash.",
        "unknown_number": "There is no such conference. Please try again.",
        "wrong_pin": "The PIN is not right. Please try again.",
        "no_entry": "This conference cannot be joined now.",
        "your_number": "Your conference number is",
        "goodbye": "Goodbye.",
    },
}

DIGITS = {"zh": "零一二三四五六七八九", "en": "0123456789"}

TONE_RATE = 8000
TONE_SECONDS = 0.25


def prompts() -> dict[str, dict[str, str]]:
    """All texts by language and name, the digits among them."""
    return {
        language: texts | {f"digit_{number}": digit for number, digit in enumerate(DIGITS[language])}
        for language, texts in TEXTS.items()
    }


def speak(program: str, voice: str, text: str, target: Path) -> bool:
    """Say it into a file; False when that did not work."""
    command = [program, "-v", voice, "-s", str(WORDS_PER_MINUTE), "-w", str(target), text]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        logger.warning("%s: %s", program, error)
        return False
    if done.returncode != 0:
        logger.warning("%s: %s", program, done.stderr.decode(errors="replace").strip())
    return done.returncode == 0 and target.is_file() and target.stat().st_size > 44


def beep(name: str, target: Path) -> None:
    """A tone instead of words; a digit is as many beeps as it says, ten for zero."""
    count = int(name.removeprefix("digit_")) or 10 if name.startswith("digit_") else 1
    samples: list[int] = []
    for _ in range(count):
        length = round(TONE_SECONDS * TONE_RATE)
        samples += [round(6000 * math.sin(2 * math.pi * 700 * index / TONE_RATE)) for index in range(length)]
        samples += [0] * (length // 2)
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(TONE_RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def make(folder: Path, program: str | None) -> int:
    """Make all files; returns how many of them speak."""
    spoken = 0
    for language, texts in prompts().items():
        (folder / language).mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            target = folder / language / f"{name}.wav"
            # Made beside and put into place, so that a server never plays half a file.
            fresh = target.with_suffix(".new")
            if program is not None and speak(program, VOICES[language], text, fresh):
                spoken += 1
            else:
                beep(name, fresh)
            fresh.replace(target)
    return spoken


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the files go, one folder for each language inside")
    folder: Path = parser.parse_args().folder
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    program = shutil.which(PROGRAM)
    if program is None:
        logger.warning("%s is not installed (apt-get install espeak-ng): the menu gets tones instead of words", PROGRAM)
    spoken = make(folder, program)
    total = sum(len(texts) for texts in prompts().values())
    logger.info("%d prompts in %s, %d of them spoken", total, folder, spoken)
    return 0


if __name__ == "__main__":
    sys.exit(main())
