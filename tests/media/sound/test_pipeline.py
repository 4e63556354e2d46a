"""A whole conference's sound: coded frames in, coded frames out. Ticks are driven by hand where they can be."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import av
import numpy as np
import pytest

from mcu.media.codec.audio_decoder import make_decoder
from mcu.media.codec.audio_encoder import EncoderKey, make_encoder
from mcu.media.sound.pipeline import (
    IDLE,
    CodedMix,
    RecordedSound,
    SoundLeg,
    SoundPipeline,
    SoundState,
)
from mcu.media.sound.recorded_mix import aac_config
from mcu.media.sound.samples import RATE, TICK, TICK_SAMPLES, Sound, level_dbfs, silence
from mcu.media.spec import CodecSpec
from mcu.media.units import CodedSound
from tests.fakes.tones import G722, OPUS, PCMA, PCMU, ToneSender, amplitude_db
from tests.fakes.voices import voice

START = 1000.0
LEVEL = 20 * np.log10(0.25)
HEARD = pytest.approx(LEVEL, abs=1.0)
UNHEARD = LEVEL - 40


def leg(leg_id: str, codec: CodecSpec, **changes: bool) -> SoundLeg:
    return replace(SoundLeg(leg_id, (codec,), codec), **changes)  # type: ignore[arg-type]


@dataclass
class Room:
    """A pipeline without its thread, tone senders for its legs, and ears for what they are sent."""

    senders: dict[str, Iterator[CodedSound]] = field(default_factory=dict)
    mixes: list[list[CodedMix]] = field(default_factory=list)
    recorded: list[RecordedSound] = field(default_factory=list)
    speakers: list[str | None] = field(default_factory=list)
    now: float = START

    def __post_init__(self) -> None:
        self.pipeline = SoundPipeline(
            "room",
            lambda: self.now,
            on_coded=self.mixes.append,
            on_recorded=self.recorded.extend,
            on_speaker=self.speakers.append,
        )

    def speaks(self, leg_id: str, codec: CodecSpec, frequency: float, seconds: float = 60) -> None:
        sender = ToneSender(codec, frequency)
        self.senders[leg_id] = sender.units(round(seconds / TICK), start=self.now - 0.006)

    def talks(self, leg_id: str, codec: CodecSpec, pitch: float, seconds: float) -> None:
        spoken = voice(seconds, pitch, 0.25).reshape(-1, TICK_SAMPLES)
        encoder = make_encoder(EncoderKey.of(codec))
        units = ToneSender(codec).units(len(spoken), start=self.now - 0.006)
        self.senders[leg_id] = (
            replace(unit, data=encoder.encode(tick)) for unit, tick in zip(units, spoken, strict=True)
        )

    def run(self, seconds: float) -> int:
        """Returns the index of the first tick that was run."""
        first = len(self.mixes)
        for _ in range(round(seconds / TICK)):
            self.now += TICK
            for leg_id, units in self.senders.items():
                for unit in itertools.islice(units, 1):
                    self.pipeline.push(leg_id, unit)
            self.pipeline.run_tick(self.now)
        return first

    def units(self, leg_id: str, first: int = 0) -> list[CodedSound]:
        return [mix.unit for tick in self.mixes[first:] for mix in tick if leg_id in mix.legs]

    def heard(self, leg_id: str, codec: CodecSpec, first: int = 0) -> Sound:
        """What the leg's own decoder makes of all it was sent, from tick ``first`` on."""
        decoder = make_decoder(codec)
        sounds = [decoder.decode(unit.data) for unit in self.units(leg_id)]
        return np.concatenate(sounds[first:])


TRIO = {"a": (OPUS, 440.0), "b": (G722, 1000.0), "c": (PCMA, 1700.0)}


@pytest.fixture
def trio() -> Room:
    room = Room()
    room.pipeline.apply(SoundState(tuple(leg(name, codec) for name, (codec, _) in TRIO.items())))
    for name, (codec, frequency) in TRIO.items():
        room.speaks(name, codec, frequency)
    return room


def test_everybody_hears_the_others_and_never_itself(trio: Room) -> None:
    trio.run(3)
    for name, (codec, _) in TRIO.items():
        sound = trio.heard(name, codec, first=75)
        for other, (_, frequency) in TRIO.items():
            if other == name:
                assert amplitude_db(sound, frequency) < UNHEARD
            else:
                assert amplitude_db(sound, frequency) == HEARD


def test_nobody_hears_itself_even_in_its_first_moment(trio: Room) -> None:
    trio.run(0.6)
    for name, (codec, frequency) in TRIO.items():
        assert amplitude_db(trio.heard(name, codec), frequency) < UNHEARD + 15


def test_a_leg_gets_one_frame_per_tick_with_exact_times_and_its_own_payload_type(trio: Room) -> None:
    trio.run(2)
    for name, (codec, _) in TRIO.items():
        units = trio.units(name)
        assert len(units) == 100
        assert {unit.payload_type for unit in units} == {codec.payload_type}
        assert {unit.samples for unit in units} == {960 if codec is OPUS else 160}
        assert np.diff([unit.time for unit in units]) == pytest.approx(TICK)
        assert START < units[0].time <= START + TICK


def test_from_mouth_to_ear_beyond_the_codec_is_the_playout_delay(trio: Room) -> None:
    """A voice that begins at once is in the mix after its packet's 20 ms and the playout delay."""
    trio.run(2)
    statistics = trio.pipeline.statistics()
    assert all(0.009 < each.delay < 0.0601 for each in statistics.legs.values())
    sound = trio.heard("c", PCMA)
    onset = int(np.argmax(np.abs(sound) > 0.02)) / RATE
    assert onset < 0.020 + 0.050 + 0.010


def test_a_muted_microphone_is_heard_by_nobody(trio: Room) -> None:
    trio.run(1)
    state = tuple(leg(name, codec, microphone_muted=name == "a") for name, (codec, _) in TRIO.items())
    trio.pipeline.apply(SoundState(state))
    first = trio.run(2) + 10
    assert amplitude_db(trio.heard("b", G722, first), 440) < UNHEARD
    assert amplitude_db(trio.heard("b", G722, first), 1700) == HEARD
    assert amplitude_db(trio.heard("a", OPUS, first), 1700) == HEARD
    trio.pipeline.apply(SoundState(tuple(leg(name, codec) for name, (codec, _) in TRIO.items())))
    first = trio.run(2) + 25
    assert amplitude_db(trio.heard("b", G722, first), 440) == HEARD


def test_a_muted_speaker_gets_silence_but_its_stream_goes_on(trio: Room) -> None:
    trio.pipeline.apply(
        SoundState(tuple(leg(name, codec, speaker_muted=name == "c") for name, (codec, _) in TRIO.items()))
    )
    trio.run(2)
    assert len(trio.units("c")) == 100
    assert level_dbfs(trio.heard("c", PCMA)) < -70
    assert amplitude_db(trio.heard("a", OPUS, 50), 1700) == HEARD


def test_directions_are_kept(trio: Room) -> None:
    trio.pipeline.apply(
        SoundState(
            (leg("a", OPUS, send=False), leg("b", G722, receive=False), replace(leg("c", PCMA), send_codec=None))
        )
    )
    trio.run(2)
    assert trio.units("a") == trio.units("c") == []
    sound = trio.heard("b", G722, 50)
    assert amplitude_db(sound, 440) == HEARD
    assert amplitude_db(sound, 1700) == HEARD


def test_listeners_who_say_nothing_share_one_encoder() -> None:
    room = Room()
    other_opus = OPUS.model_copy(update={"payload_type": 96})
    listeners = [leg(f"l{n}", OPUS) for n in range(10)] + [leg("other", other_opus), leg("phone", PCMU)]
    room.pipeline.apply(SoundState((leg("a", OPUS), *listeners)))
    room.speaks("a", OPUS, 440)
    room.run(2)
    assert room.pipeline.statistics().encoders == 3  # a's own, the listeners' Opus, the telephone's
    last = {mix.unit.payload_type: mix for mix in room.mixes[-1] if "a" not in mix.legs}
    assert len(last[111].legs) == 10
    assert last[96].unit.data is last[111].unit.data
    assert amplitude_db(room.heard("l3", OPUS, 50), 440) == HEARD
    assert amplitude_db(room.heard("phone", PCMU, 50), 440) == HEARD


def test_encoders_that_nobody_needs_any_more_are_let_go(trio: Room) -> None:
    trio.run(1)
    assert trio.pipeline.statistics().encoders >= 3
    trio.pipeline.apply(SoundState((leg("a", OPUS),)))
    trio.run(7)
    assert trio.pipeline.statistics().encoders == 1


def test_a_pause_does_not_move_a_speaker_to_another_encoder() -> None:
    room = Room()
    room.pipeline.apply(SoundState((leg("a", OPUS), leg("b", OPUS))))
    room.speaks("a", OPUS, 440, seconds=2)
    room.run(5)
    assert all("a" not in mix.legs or mix.legs == ("a",) for tick in room.mixes[10:] for mix in tick)
    room.run(10)
    assert room.mixes[-1][0].legs == ("a", "b")


def test_a_loud_crowd_does_not_clip() -> None:
    room = Room()
    names = [f"leg{n}" for n in range(12)]
    room.pipeline.apply(SoundState((leg("ear", PCMA), *(leg(name, PCMA) for name in names))))
    for n, name in enumerate(names):
        sender = ToneSender(PCMA, 300 + 100 * n, amplitude=0.5)
        room.senders[name] = sender.units(200, start=START - 0.006)
    room.run(2)
    sound = room.heard("ear", PCMA, 25)
    assert np.abs(sound).max() <= 1.0
    assert amplitude_db(sound, 2000) < amplitude_db(sound, 600) - 25  # no such voice: distortion


def test_the_full_mix_is_recorded_with_true_times(trio: Room) -> None:
    trio.pipeline.apply(SoundState(tuple(leg(name, codec) for name, (codec, _) in TRIO.items()), record=True))
    trio.run(3)
    times = [unit.time for unit in trio.recorded]
    assert np.diff(times) == pytest.approx(1024 / RATE)
    assert times[0] == pytest.approx(START + TICK - 1024 / RATE)
    assert {unit.samples for unit in trio.recorded} == {1024}
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = aac_config(1)
    decoder.sample_rate, decoder.layout = RATE, "mono"
    sound = np.concatenate([f.to_ndarray()[0] for unit in trio.recorded for f in decoder.decode(av.Packet(unit.data))])
    for _, frequency in TRIO.values():
        assert amplitude_db(sound[RATE:], frequency) == HEARD
    # The instant at which the first voice enters the mix is the same in the file and in what a listener is sent.
    in_file = times[0] + int(np.argmax(np.abs(sound) > 0.02)) / RATE
    sent = trio.heard("c", PCMA)
    on_line = trio.units("c")[0].time + int(np.argmax(np.abs(sent) > 0.02)) / RATE
    assert in_file == pytest.approx(on_line, abs=0.006)
    trio.pipeline.apply(SoundState(tuple(leg(name, codec) for name, (codec, _) in TRIO.items())))
    count = len(trio.recorded)
    trio.run(1)
    assert len(trio.recorded) == count


def test_what_listeners_wait_for_goes_out_before_the_recording_is_made() -> None:
    order: list[str] = []
    pipeline = SoundPipeline(
        "c", on_coded=lambda mixes: order.append("coded"), on_recorded=lambda units: order.append("recorded")
    )
    pipeline.apply(SoundState((leg("a", OPUS),), record=True))
    for number in range(3):
        pipeline.run_tick(START + number * TICK)
    # An access unit is a tick and a bit, and what comes out is that of the call before.
    assert order[0] == "coded"
    assert all(before == "coded" for before, after in itertools.pairwise(order) if after == "recorded")
    assert "recorded" in order


def test_recorded_time_follows_skipped_ticks(trio: Room) -> None:
    trio.pipeline.apply(SoundState((leg("a", OPUS),), record=True))
    trio.run(1)
    trio.now += 1.0
    trio.run(1)
    times = [unit.time for unit in trio.recorded]
    assert max(np.diff(times)) == pytest.approx(1.0 + 1024 / RATE, abs=0.001)
    assert times[-1] == pytest.approx(trio.now, abs=0.08)


def test_the_speaker_is_reported_once_per_change() -> None:
    room = Room()
    room.pipeline.apply(SoundState((leg("a", OPUS), leg("b", PCMA))))
    room.talks("a", OPUS, 140, seconds=2)
    room.run(2)
    assert room.speakers == ["a"]
    room.talks("b", PCMA, 210, seconds=2)
    room.run(2)
    assert room.speakers == ["a", "b"]
    room.run(5)
    assert room.speakers == ["a", "b", None]


def test_who_only_sends_a_tone_takes_the_picture_from_nobody() -> None:
    room = Room()
    room.pipeline.apply(SoundState((leg("a", OPUS), leg("b", PCMA))))
    room.talks("a", OPUS, 140, seconds=5)
    room.run(2)
    room.speaks("b", PCMA, 400, seconds=3)
    room.run(3)
    assert room.speakers == ["a"]


def test_garbage_is_logged_once_and_harms_nobody(trio: Room, caplog: pytest.LogCaptureFixture) -> None:
    chance = np.random.default_rng(2)
    with caplog.at_level(logging.WARNING, "mcu.media"):
        for n in range(100):
            for payload_type in (111, 9, 8, 0, 127):
                data = chance.bytes(int(chance.integers(0, 300)))
                stamp = int(chance.integers(0, 2**32))
                trio.pipeline.push("a", CodedSound(data, payload_type, trio.now, timestamp=stamp, sequence=n))
            trio.pipeline.push("nobody", CodedSound(b"x", 0, trio.now, timestamp=0, sequence=0))
            trio.run(TICK)
    assert len(caplog.records) == 1
    assert amplitude_db(trio.heard("b", G722, 50), 1700) == HEARD
    assert amplitude_db(trio.heard("c", PCMA, 50), 1000) == HEARD
    assert amplitude_db(trio.heard("c", PCMA, 50), 440) == HEARD


def test_a_codec_of_pictures_is_refused_when_applied() -> None:
    room = Room()
    video = CodecSpec(name="H264", payload_type=96, clock_rate=90_000)
    with pytest.raises(ValueError, match="leg a: H264"):
        room.pipeline.apply(SoundState((leg("a", video),)))


def test_joining_and_changing_codec_in_mid_conference(trio: Room) -> None:
    trio.run(1)
    legs = tuple(leg(name, codec) for name, (codec, _) in TRIO.items())
    trio.pipeline.apply(SoundState((*legs, leg("d", OPUS))))
    trio.speaks("d", OPUS, 2500)
    trio.run(2)
    assert amplitude_db(trio.heard("a", OPUS, 100), 2500) == HEARD
    trio.pipeline.apply(SoundState((leg("a", PCMU), *legs[1:], leg("d", OPUS))))
    trio.speaks("a", PCMU, 600)
    first = trio.run(2)
    assert amplitude_db(trio.heard("b", G722, first + 25), 600) == HEARD
    assert {unit.payload_type for unit in trio.units("a", first)} == {0}


def test_the_thread_ticks_by_the_clock_and_skips_what_it_cannot_catch_up() -> None:
    """The injected clock jumps: the thread follows it without waiting longer than its first real tick."""
    times = itertools.chain([0.0, 0.02, 0.02, 0.04, 0.04, 5.0, 5.0], itertools.count(5.02, 0.01))
    enough = threading.Event()
    mixes: list[list[CodedMix]] = []

    def coded(mix: list[CodedMix]) -> None:
        mixes.append(mix)
        if len(mixes) >= 6:
            enough.set()

    pipeline = SoundPipeline("room", lambda: next(times), on_coded=coded)
    pipeline.apply(SoundState((leg("a", PCMA),)))
    pipeline.start()
    assert enough.wait(5)
    pipeline.stop()
    starts = [tick[0].unit.time for tick in mixes]
    assert starts == sorted(starts)
    assert max(np.diff(starts)) > 4
    assert all(round(step / TICK, 6).is_integer() for step in np.diff(starts))


def test_a_failing_callback_is_logged_once_and_the_thread_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    times = itertools.count(0.0, 0.02)
    enough = threading.Event()
    calls = itertools.count()

    def coded(mix: list[CodedMix]) -> None:
        if next(calls) >= 5:
            enough.set()
        raise OSError("no such leg")

    pipeline = SoundPipeline("room", lambda: next(times), on_coded=coded)
    pipeline.apply(SoundState((leg("a", PCMA),)))
    with caplog.at_level(logging.ERROR, "mcu.media"):
        pipeline.start()
        assert enough.wait(5)
        pipeline.stop()
    assert len(caplog.records) == 1


def test_a_leg_is_held_back_for_its_slow_picture_and_stays_so_over_a_mute(trio: Room) -> None:
    trio.pipeline.hold_back("a", 0.080)
    trio.pipeline.hold_back("nobody", 0.080)
    trio.run(5)
    delays = {name: each.delay for name, each in trio.pipeline.statistics().legs.items()}
    assert 0.080 < delays["a"] < 0.125
    assert max(delays["b"], delays["c"]) < 0.034
    legs = tuple(leg(name, codec) for name, (codec, _) in TRIO.items())
    trio.pipeline.apply(SoundState((leg("a", OPUS, microphone_muted=True), *legs[1:])))
    trio.run(1)
    trio.pipeline.apply(SoundState(legs))
    trio.run(5)
    assert 0.080 < trio.pipeline.statistics().legs["a"].delay < 0.125


def test_an_empty_conference_ticks_in_silence() -> None:
    room = Room()
    room.run(1)
    assert room.mixes == room.recorded == room.speakers == []
    assert room.pipeline.statistics().ticks == 50
    room.pipeline.apply(SoundState((leg("a", PCMA),)))
    room.run(1)
    assert level_dbfs(room.heard("a", PCMA)) < -70
    assert silence().size == TICK_SAMPLES


def test_while_nobody_is_there_it_ticks_seldom() -> None:
    room = Room()
    assert room.pipeline.pause == IDLE
    for state in (SoundState((leg("a", OPUS),)), SoundState((), record=True)):
        room.pipeline.apply(state)
        room.run(TICK)
        assert room.pipeline.pause == TICK
        room.pipeline.apply(SoundState(()))
        room.run(TICK)
        assert room.pipeline.pause == IDLE
