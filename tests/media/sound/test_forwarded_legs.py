"""Who gets others' sound as it is hears the rest of them mixed, each once and nobody itself."""

from __future__ import annotations

from mcu.media.sound.pipeline import SoundState
from tests.fakes.tones import OPUS, PCMA, amplitude_db
from tests.media.sound.test_pipeline import HEARD, UNHEARD, Room, leg


def test_the_rest_is_without_what_is_forwarded_and_one_encoder_serves_all() -> None:
    room = Room()
    browsers = [leg(name, OPUS, forwarded=True, hears_rest=True) for name in ("a", "b", "d")]
    room.pipeline.apply(SoundState((*browsers, leg("room", PCMA), leg("mixed", OPUS, forwarded=True))))
    for name, codec, frequency in (("a", OPUS, 440), ("b", OPUS, 1000), ("room", PCMA, 1700)):
        room.speaks(name, codec, frequency)
    room.run(2)
    for name in ("a", "b", "d"):
        sound = room.heard(name, OPUS, 50)
        assert amplitude_db(sound, 1700) == HEARD
        assert amplitude_db(sound, 440) < UNHEARD and amplitude_db(sound, 1000) < UNHEARD
    for frequency in (440, 1000, 1700):
        assert amplitude_db(room.heard("mixed", OPUS, 50), frequency) == HEARD
    for frequency in (440, 1000):
        assert amplitude_db(room.heard("room", PCMA, 50), frequency) == HEARD
    assert amplitude_db(room.heard("room", PCMA, 50), 1700) < UNHEARD
    assert sorted(sorted(mix.legs) for mix in room.mixes[-1]) == [["a", "b", "d"], ["mixed"], ["room"]]


def test_who_cannot_be_forwarded_does_not_hear_itself_in_the_rest() -> None:
    room = Room()
    room.pipeline.apply(
        SoundState(
            (leg("a", OPUS, hears_rest=True), leg("b", OPUS, forwarded=True, hears_rest=True), leg("room", PCMA))
        )
    )
    room.speaks("a", OPUS, 440)
    room.speaks("room", PCMA, 1700)
    room.run(2)
    assert amplitude_db(room.heard("a", OPUS, 50), 440) < UNHEARD
    assert amplitude_db(room.heard("a", OPUS, 50), 1700) == HEARD
    assert amplitude_db(room.heard("b", OPUS, 50), 440) == HEARD
