"""What receivers are told of sound that is behind pictures: in steps, when it is time."""

from __future__ import annotations

from mcu.media.forwarding.sound_behind import INTERVAL, MOST, SoundBehind


def test_it_is_told_in_steps_and_kept_while_nothing_is_known() -> None:
    mixed: dict[str, float | None] = {"ann": -1000.0 + 0.110, "bob": None}
    behind = SoundBehind(lambda who, now: mixed[who], lambda who: -1000.0 + 0.030)
    assert [who for who, _ in behind.measure(mixed, 0.0)] == ["ann"] and behind.of("ann") == 80
    assert behind.of("bob") == behind.of(None) == 0
    mixed["ann"] = -1000.0 + 0.120
    behind.measure(mixed, INTERVAL)
    assert behind.of("ann") == 80  # not worth a word
    mixed["ann"] = -1000.0 + 0.200
    behind.measure(mixed, INTERVAL + 0.1)
    assert behind.of("ann") == 80  # not yet time
    behind.measure(mixed, 2 * INTERVAL)
    assert behind.of("ann") == 170
    mixed["ann"] = None
    behind.measure(mixed, 3 * INTERVAL)
    assert behind.of("ann") == 170
    behind.measure(("bob",), 4 * INTERVAL)
    assert behind.of("ann") == 0


def test_clocks_that_are_none_have_bounds() -> None:
    behind = SoundBehind(lambda who, now: 86_400.0, lambda who: 0.0)
    behind.measure(("ann",), 0.0)
    assert behind.of("ann") == 1000 * MOST
    early = SoundBehind(lambda who, now: -5.0, lambda who: 0.0)
    assert early.measure(("ann",), 0.0) == () and early.of("ann") == 0
