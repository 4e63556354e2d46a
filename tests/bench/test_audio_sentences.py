"""What the benchmark of sound grades is what it means to grade."""

import pytest

from bench.audio_rooms import OPUS, PCMA, Room
from bench.audio_senders import Voice
from bench.audio_sentences import SENTENCES, Sentences

QUIET = [Voice((b"quiet",))] * 4


class _Line:
    """Carries what the speaking room says to all who listen, without a network."""

    def __init__(self, rooms: list[Room]) -> None:
        self._rooms = rooms

    async def pause(self, seconds: float) -> None:
        speaking = [room for room in self._rooms if room.voice not in QUIET]
        for number in range(round(seconds * 50)):
            for speaker in speaking:
                frame = speaker.codec.name.encode()
                for listener in self._rooms[-2:]:
                    listener.heard.append((float(number), frame))


async def test_a_take_holds_one_saying_by_one_speaker() -> None:
    sentences = Sentences()
    if sentences.missing:
        pytest.skip(sentences.missing)
    rooms = [Room(OPUS if index % 2 == 0 else PCMA, 0, QUIET[0]) for index in range(4)]
    await sentences.say(rooms, QUIET, _Line(rooms).pause)
    for name, codec in (("pesq", "opus"), ("pesq_g711", "PCMA")):
        takes = sentences.takes[name]
        assert len(takes) == SENTENCES
        for take in takes:
            assert {frame for _, frame in take} == {codec.encode()}
            assert len(take) == 375
