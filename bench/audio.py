"""A large conference of sound alone, through the real worker over RTP: cost, punctuality, delay, and what is heard.

Half of the legs are G.711, half Opus. Three speak at a time, real speech with a tone of their own each; the three
change. All others send faint room noise, half of the Opus ones pauses (DTX). CPU is the worker's process alone.
"""

from __future__ import annotations

import asyncio
import datetime
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from bench.audio_rooms import OPUS, PCMA, Room, Rooms, Voice, coded, noise, paused, tone
from bench.report import Benchmark, Figures, percentile
from bench.speech import NoSpeech, aligned, quality, speech
from consilium.certificates import Identity, ensure_identity
from consilium.pages import FONT, WEB_CLIENT
from mcu.media.codec.audio_decoder import make_decoder
from mcu.media.facts import ConferenceStatistics, Fact, LegStatistics
from mcu.media.pool import WorkerPool
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound, silence
from mcu.media.spec import Address, AudioSpec, CodecSpec, ConferenceSpec, LegSpec, PlainTransport, WorkerSettings
from tests.peers.ports import port_block

LEGS = 168
SPEAKERS = 3
TURN_SECONDS = 2.0
# Of a turn: gates and jitter buffers have settled.
TURN_SETTLE = 0.6
SETTLE_SECONDS = 4.0
SENTENCE_SECONDS = 6.0
# One for each of the three, in the band of G.711 and where speech is weak.
TONES = (3100.0, 2300.0, 2700.0)
TONE_AMPLITUDE = 0.2
BEEP_EVERY, BEEP_SECONDS = 0.5, 0.2
NOISE_AMPLITUDE = 0.0003
_WINDOW = round(0.004 * RATE)
# Of another's tone, to count as heard; and the least that one's own must be below it.
_HEARD = TONE_AMPLITUDE / 4


@dataclass(frozen=True)
class _Turn:
    """Who spoke when; ``speakers`` in the order of TONES."""

    start: float
    end: float
    speakers: tuple[int, ...]


class _Facts:
    """What the worker reports."""

    def __init__(self) -> None:
        self.late_ticks = 0
        self.playout: dict[str, float] = {}
        self.concealed: dict[str, float] = {}

    def take(self, fact: Fact) -> None:
        if isinstance(fact, ConferenceStatistics):
            self.late_ticks = fact.late_audio_ticks
        elif isinstance(fact, LegStatistics) and fact.packets_received:
            self.playout[fact.leg] = fact.playout_ms
            self.concealed[fact.leg] = fact.concealed_ms


async def run(seconds: float, legs: int = LEGS) -> Figures:
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
                    send_codec=room.codec, receive_codecs=(room.codec,), dtmf_payload_type=101, ssrc=index + 1
                ),
            )
            for index, room in enumerate(rooms)
        ),
    )


async def _measure(load: Rooms, facts: _Facts, worker: psutil.Process, turns: int, talking: int) -> Figures:
    rooms = load.rooms
    quiet = _quiet_voices()
    for index, room in enumerate(rooms):
        room.say(quiet[index % 4])
    load.start()
    await asyncio.sleep(SETTLE_SECONDS)
    figures = await _measure_quality(load, quiet)
    voices = {codec.name: _voices(codec) for codec in (OPUS, PCMA)}
    for room in rooms:
        room.heard.clear()
    late_before, times = facts.late_ticks, worker.cpu_times()
    begun, done = asyncio.get_running_loop().time(), []
    for number in range(turns):
        speakers = tuple((number * SPEAKERS + slot) % talking for slot in range(SPEAKERS))
        start = asyncio.get_running_loop().time()
        for slot, index in enumerate(speakers):
            rooms[index].say(voices[rooms[index].codec.name][slot])
        await asyncio.sleep(TURN_SECONDS)
        done.append(_Turn(start, asyncio.get_running_loop().time(), speakers))
        for index in speakers:
            rooms[index].say(quiet[index % 4])
    elapsed = asyncio.get_running_loop().time() - begun
    after = worker.cpu_times()
    await asyncio.sleep(2.5)  # the last statistics
    figures |= {
        "legs": len(rooms),
        "cpu_cores": round((after.user + after.system - times.user - times.system) / elapsed, 3),
        "late_ticks": facts.late_ticks - late_before,
        "late_senders": load.late,
        "concealed_ms_median": percentile(list(facts.concealed.values()), 50),
    }
    heard = {index: _Heard(room) for index, room in enumerate(rooms) if room.listens}
    return figures | _tone_check(heard, done) | _mouth_to_ear(rooms, heard, done, facts)


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


async def _measure_quality(load: Rooms, quiet: list[Voice]) -> Figures:
    """One person speaks a sentence while all others are quiet; an Opus and a G.711 listener hear it."""
    try:
        sentence = speech(SENTENCE_SECONDS)
    except NoSpeech as error:
        return {"pesq": None, "pesq_g711": None, "pesq_missing": str(error)}
    rooms = load.rooms
    lead = silence(RATE // 2)
    figures: Figures = {}
    for name, codec, speaker in (("pesq", OPUS, 0), ("pesq_g711", PCMA, 1)):
        listener = len(rooms) - 2 + speaker
        rooms[listener].heard.clear()
        rooms[speaker].say(coded(codec, np.concatenate((lead, sentence, lead))))
        await asyncio.sleep(SENTENCE_SECONDS + 1.5)
        rooms[speaker].say(quiet[speaker])
        heard = _Heard(rooms[listener]).sound
        figures[name] = quality(sentence, aligned(sentence, heard), wide=codec is OPUS)
    return figures


class _Heard:
    """What a room has heard, decoded, with the instant at which each sample came."""

    def __init__(self, room: Room) -> None:
        decoder = make_decoder(room.codec)
        packets = sorted(room.heard, key=lambda packet: packet[0])
        self.sound = np.concatenate([silence(0), *(decoder.decode(data[12:]) for _, data in packets)])
        self.arrivals = np.array([at for at, _ in packets])

    def between(self, start: float, end: float) -> Sound:
        """What came in this time."""
        first, last = np.searchsorted(self.arrivals, (start, end))
        return self.sound[first * TICK_SAMPLES : last * TICK_SAMPLES]

    def instant(self, sample: int) -> float:
        """When this sample could be played, had its packet been played as it came."""
        return float(self.arrivals[sample // TICK_SAMPLES]) + sample % TICK_SAMPLES / RATE


def _amplitude(sound: Sound, frequency: float) -> float:
    if not sound.size:
        return 0.0
    window = np.hanning(sound.size)
    wave = np.exp(-2j * np.pi * frequency * np.arange(sound.size) / RATE)
    return float(2 * abs(np.sum(sound * window * wave)) / np.sum(window))


def _tone_check(heard: dict[int, _Heard], turns: list[_Turn]) -> Figures:
    """Who speaks must hear the tones of the two others and not its own."""
    heard_others = heard_self = checked = 0
    worst = 0.0
    for turn in turns:
        for slot, leg in enumerate(turn.speakers):
            sound = heard[leg].between(turn.start + TURN_SETTLE, turn.end)
            levels = [_amplitude(sound, frequency) for frequency in TONES]
            own = levels[slot]
            # The beeps sound for less than half of the time, at changing places in the window.
            others = [level * (2.5 if other == 0 else 1) for other, level in enumerate(levels) if other != slot]
            checked += 1
            heard_others += all(level > _HEARD for level in others)
            heard_self += own > _HEARD / 25
            worst = max(worst, own / TONE_AMPLITUDE)
    return {
        "self_heard": heard_self,
        "others_heard": heard_others,
        "tone_checks": checked,
        "self_heard_db_worst": round(20 * np.log10(max(worst, 1e-6)), 1),
    }


def _mouth_to_ear(rooms: Sequence[Room], heard: dict[int, _Heard], turns: list[_Turn], facts: _Facts) -> Figures:
    """From the first sample of a beep at the microphone to its first sample at the two who only listen."""
    beyond: list[float] = []
    whole: list[float] = []
    for turn in turns:
        leg = turn.speakers[0]
        marks = [at for at in rooms[leg].marked if turn.start + TURN_SETTLE <= at < turn.end - 0.3]
        for listener in (len(rooms) - 2, len(rooms) - 1):
            onsets = _onsets(heard[listener], turn)
            for mark in marks:
                after = [onset for onset in onsets if 0 <= onset - mark < BEEP_EVERY / 2]
                if after:
                    delay = (after[0] - mark + TICK) * 1000  # the frame was a tick old when it was sent
                    whole.append(delay)
                    beyond.append(delay - facts.playout.get(f"leg{leg}", 0.0))
    return {
        "mouth_to_ear_ms_p50": percentile(beyond, 50),
        "mouth_to_ear_ms_p95": percentile(beyond, 95),
        "mouth_to_ear_with_jitter_buffer_ms_p95": percentile(whole, 95),
        "mouth_to_ear_samples": len(beyond),
        "playout_ms_median": percentile(list(facts.playout.values()), 50),
    }


def _onsets(heard: _Heard, turn: _Turn) -> list[float]:
    first, last = np.searchsorted(heard.arrivals, (turn.start, turn.end + 0.3))
    sound = heard.sound[first * TICK_SAMPLES : last * TICK_SAMPLES]
    blocks = sound[: sound.size // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
    wave = np.exp(-2j * np.pi * TONES[0] * np.arange(_WINDOW) / RATE) * np.hanning(_WINDOW) * 4 / _WINDOW
    loud = np.abs(blocks @ wave) > TONE_AMPLITUDE / 2
    return [
        heard.instant(first * TICK_SAMPLES + block * _WINDOW)
        for block in range(5, len(loud))
        if loud[block] and not loud[block - 5 : block].any()
    ]


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
    options=(("legs", LEGS, "so many legs"),),
)
