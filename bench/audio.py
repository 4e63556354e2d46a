"""A large conference of sound alone, through the real worker over RTP: cost, punctuality, delay, and what is heard.

Half of the legs are G.711, half Opus. Three speak at a time, real speech with a tone of their own each; the three
change. All others send faint room noise, half of the Opus ones pauses (DTX). Opus legs tell their level as browsers do
(RFC 6464); with ``--levels 0`` they do not. CPU is the worker's process alone.
"""

from __future__ import annotations

import asyncio
import datetime
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil

from bench.audio_ear import (
    BEEP_EVERY,
    BEEP_SECONDS,
    TONE_AMPLITUDE,
    TONES,
    Delays,
    Heard,
    Turn,
    mouth_to_ear,
    tone_check,
)
from bench.audio_rooms import OPUS, PCMA, Room, Rooms, coded, noise, paused, tone
from bench.audio_senders import Voice
from bench.audio_sentences import Sentences
from bench.report import Benchmark, Figures, percentile
from bench.speech import NoSpeech, speech
from consilium.certificates import Identity, ensure_identity
from consilium.pages import FONT, WEB_CLIENT
from mcu.media.facts import ConferenceStatistics, Fact, LegStatistics
from mcu.media.pool import WorkerPool
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound, silence
from mcu.media.spec import Address, AudioSpec, CodecSpec, ConferenceSpec, LegSpec, PlainTransport, WorkerSettings
from tests.peers.ports import port_block

LEGS = 168
SPEAKERS = 3
TURN_SECONDS = 2.0
# Jitter buffers look back on 4 s; what the opening of so many legs did to them must be over.
SETTLE_SECONDS = 7.0
NOISE_AMPLITUDE = 0.0003
LEVEL_ID = 1


class _Facts:
    """What the worker reports."""

    def __init__(self) -> None:
        self.late_ticks = 0
        self.playout = Delays()
        self.concealed: dict[str, float] = {}

    def take(self, fact: Fact) -> None:
        if isinstance(fact, ConferenceStatistics):
            self.late_ticks = fact.late_audio_ticks
        elif isinstance(fact, LegStatistics) and fact.packets_received:
            self.playout.note(fact.leg, time.monotonic(), fact.playout_ms)
            self.concealed[fact.leg] = fact.concealed_ms


async def run(seconds: float, legs: int = LEGS, levels: int = 1) -> Figures:
    """Let people speak for about so many seconds. Returns the figures."""
    first = port_block(2 * legs + 2)[0]
    first += first % 2
    turns = max(1, round(seconds / TURN_SECONDS))
    talking = min(legs - 2, turns * SPEAKERS)
    rooms = [
        Room(
            OPUS if index % 2 == 0 else PCMA,
            first + 2 * index,
            Voice((None,)),
            listens=index < talking or index >= legs - 2,
            level_id=LEVEL_ID if levels and index % 2 == 0 else None,
        )
        for index in range(legs)
    ]
    load = Rooms(rooms)
    facts = _Facts()
    with tempfile.TemporaryDirectory(prefix="consilium-bench-") as folder:
        identity = ensure_identity(Path(folder), [], datetime.datetime.now(datetime.UTC))
        pool = WorkerPool([_settings(identity, port_block(2)[0])])
        pool.on_fact(facts.take)
        await pool.start()
        try:
            await pool.apply(_conference(rooms))
            worker = next(
                child for child in psutil.Process().children() if "mcu.media.worker" in " ".join(child.cmdline())
            )
            return await _measure(load, facts, worker, turns, talking)
        finally:
            load.stop()
            await pool.stop()


def _settings(identity: Identity, port: int) -> WorkerSettings:
    return WorkerSettings(
        index=0,
        browser_host="127.0.0.1",
        browser_port=port,
        certificate_file=str(identity.certificate_file),
        private_key_file=str(identity.private_key_file),
        font_file=str(WEB_CLIENT.parent / "node_modules" / FONT),
        log_level="WARNING",
    )


def _conference(rooms: list[Room]) -> ConferenceSpec:
    return ConferenceSpec(
        id="audio",
        revision=1,
        legs=tuple(
            LegSpec(
                id=f"leg{index}",
                name=f"Room {index}",
                transport=PlainTransport(
                    local_host="127.0.0.1",
                    audio_port=room.server_port,
                    audio_remote=Address(host="127.0.0.1", port=room.port),
                ),
                audio=AudioSpec(
                    send_codec=room.codec,
                    receive_codecs=(room.codec,),
                    dtmf_payload_type=101,
                    ssrc=index + 1,
                    level_id=room.level_id,
                ),
            )
            for index, room in enumerate(rooms)
        ),
    )


async def _measure(load: Rooms, facts: _Facts, worker: psutil.Process, turns: int, talking: int) -> Figures:
    rooms = load.rooms
    # Nothing is computed while the rooms send, and nothing here for long: the worker is pinged from this loop.
    quiet, voices, sentences = await asyncio.to_thread(_prepared)
    for index, room in enumerate(rooms):
        room.say(quiet[index % 4])
    load.start()
    await asyncio.sleep(SETTLE_SECONDS)
    await sentences.say(rooms, quiet)
    for room in rooms:
        room.heard = []
    late_before, times = facts.late_ticks, worker.cpu_times()
    begun, done = asyncio.get_running_loop().time(), []
    for number in range(turns):
        speakers = tuple((number * SPEAKERS + slot) % talking for slot in range(SPEAKERS))
        start = asyncio.get_running_loop().time()
        for slot, index in enumerate(speakers):
            rooms[index].say(voices[rooms[index].codec.name][slot])
        await asyncio.sleep(TURN_SECONDS)
        done.append(Turn(start, asyncio.get_running_loop().time(), speakers))
        for index in speakers:
            rooms[index].say(quiet[index % 4])
    elapsed = asyncio.get_running_loop().time() - begun
    after = worker.cpu_times()
    await asyncio.sleep(2.5)  # the last statistics
    await asyncio.to_thread(load.stop)
    figures: Figures = {
        "legs": len(rooms),
        "cpu_cores": round((after.user + after.system - times.user - times.system) / elapsed, 3),
        "late_ticks": facts.late_ticks - late_before,
        "late_senders": load.late,
        "concealed_ms_median": percentile(list(facts.concealed.values()), 50),
    }
    return figures | await asyncio.to_thread(_graded, rooms, sentences, done, facts.playout)


def _prepared() -> tuple[list[Voice], dict[str, list[Voice]], Sentences]:
    return _quiet_voices(), {codec.name: _voices(codec) for codec in (OPUS, PCMA)}, Sentences()


def _graded(rooms: Sequence[Room], sentences: Sentences, done: list[Turn], playout: Delays) -> Figures:
    heard = {index: Heard(room.codec, room.heard) for index, room in enumerate(rooms) if room.listens}
    return sentences.grades() | tone_check(heard, done) | mouth_to_ear(rooms, heard, done, playout)


def _quiet_voices() -> list[Voice]:
    """By the remainder of a leg's number: Opus, G.711, Opus with pauses, G.711."""
    hiss = noise(4.0, NOISE_AMPLITUDE, 1)
    opus, pcma = coded(OPUS, hiss), coded(PCMA, hiss)
    return [opus, pcma, paused(opus), pcma]


def _voices(codec: CodecSpec) -> list[Voice]:
    """Beeps; speech with a tone; other speech with another tone."""
    beep = np.concatenate((tone(TONES[0], BEEP_SECONDS, TONE_AMPLITUDE), silence(RATE // 2)))[: RATE // 2]
    beeps = np.tile(beep, 8)
    marks = range(0, beeps.size // TICK_SAMPLES, round(BEEP_EVERY / TICK))
    return [
        coded(codec, beeps, marks),
        coded(codec, _speech_or_noise(4.0, 0.5) + tone(TONES[1], 4.0, TONE_AMPLITUDE)),
        coded(codec, _speech_or_noise(4.0, 6.0) + tone(TONES[2], 4.0, TONE_AMPLITUDE)),
    ]


def _speech_or_noise(seconds: float, start: float) -> Sound:
    try:
        return speech(seconds, start)
    except NoSpeech:
        return noise(seconds, 0.03, round(start))


BENCHMARK = Benchmark(
    summary="168 legs of sound alone, three speak: CPU, late ticks, delay, nobody hears itself, PESQ",
    run=run,
    seconds=20.0,
    aims={
        "late_ticks": "0",
        "mouth_to_ear_ms_p95": "under 60, beyond the jitter buffer",
        "self_heard": "0",
        "pesq": "4.0, wide band",
    },
    options=(
        ("legs", LEGS, "so many legs"),
        ("levels", 1, "1: Opus legs tell how loud they are, as browsers do (RFC 6464); 0: they do not"),
    ),
)
