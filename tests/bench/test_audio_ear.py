"""The benchmark of sound takes off what the jitter buffer added when it was measured, not at the end."""

from bench.audio_ear import Delays


def test_a_delay_is_the_one_said_nearest_in_time() -> None:
    delays = Delays()
    for at, delay in ((10.0, 60.0), (12.0, 40.0), (14.0, 20.0)):
        delays.note("a", at, delay)
    delays.note("b", 10.0, 30.0)
    assert [delays.at("a", at) for at in (0.0, 10.9, 11.1, 99.0)] == [60.0, 60.0, 40.0, 20.0]
    assert delays.at("unknown", 1.0) == 0.0
    assert delays.last() == [20.0, 30.0]
