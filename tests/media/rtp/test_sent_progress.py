"""How much had been sent when a packet left, and how much of it came."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcu.media.rtp.sent_progress import FULL_QUEUE, MOST_PICTURES, SentProgress


def sent(first: int = 65_530) -> SentProgress:
    """Ten pictures of three packets of 1000 octets, every 33 ms, and from the fifth on one repeated for each."""
    progress = SentProgress(first)
    for picture in range(1, 11):
        again = max(0, picture - 4)
        progress.sent(first + 3 * picture, 3 * picture + again, 1000 * (3 * picture + again), picture / 30)
    return progress


def test_a_report_is_held_against_what_had_been_sent_by_then() -> None:
    progress = sent()
    progress.reported(65_530 + 8, 0, 0.15)
    assert progress.progress is not None and progress.progress.packets == 9
    progress.reported((65_530 + 17) & 0xFFFF, 4, 0.3)
    found = progress.progress
    assert found is not None
    assert (found.highest, found.packets, found.octets, found.came) == (65_547, 20, 20_000, 5)


def test_the_round_trip_lies_between_the_newest_that_came_and_the_one_after_it() -> None:
    progress = sent()
    progress.reported(65_530 + 4, 0, 0.25)  # the second of the second picture; the third is of that one as well
    found = progress.progress
    assert found is not None
    assert abs(found.at_most - (0.25 - 1 / 30)) < 1e-6 and abs(found.at_least - (0.25 - 2 / 30)) < 1e-6
    progress.reported((65_530 + 29) & 0xFFFF, 0, 0.5)
    found = progress.progress
    assert found is not None and found.at_least == 0.0 and abs(found.at_most - (0.5 - 10 / 30)) < 1e-6


def test_a_queue_shows_by_how_long_ago_what_has_not_come_was_sent() -> None:
    progress = sent()
    progress.reported((65_530 + 8) & 0xFFFF, 0, 0.15)
    assert not progress.is_full
    progress.reported((65_530 + 20) & 0xFFFF, 0, 0.3)
    assert not progress.is_full, "pictures further apart are no queue"
    progress.reported((65_530 + 23) & 0xFFFF, 0, 0.3 + 2 * FULL_QUEUE)
    assert progress.is_full
    for picture in range(11, 40):
        progress.sent(65_530 + 3 * picture, 3 * picture, 3000 * picture, picture / 30)
    progress.reported((65_530 + 113) & 0xFFFF, 0, 38 / 30 + 0.06)
    assert not progress.is_full


def test_what_was_sent_again_and_came_counts_as_come() -> None:
    progress = sent()
    progress.reported((65_530 + 20) & 0xFFFF, 6, 0.3)
    progress.reported((65_530 + 20) & 0xFFFF, 2, 0.32)
    assert progress.progress is not None and progress.progress.came == 4


def test_reports_that_make_no_sense_tell_nothing() -> None:
    progress = sent()
    progress.reported(65_530 + 40, 0, 0.3)  # was never sent
    assert progress.progress is None
    progress.reported((65_530 + 20) & 0xFFFF, 0, 0.3)
    assert progress.progress is not None
    progress.reported((65_530 + 10) & 0xFFFF, 0, 0.3)  # an older one, overtaken
    assert progress.progress is None
    for picture in range(11, MOST_PICTURES + 40):
        progress.sent(65_530 + 3 * picture, 3 * picture, 3000 * picture, picture / 30)
    progress.reported((65_530 + 20) & 0xFFFF, 0, 30.0)  # too old
    assert progress.progress is None


@given(st.lists(st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(-0x800000, 0x7FFFFF)), max_size=30))
def test_any_report_is_borne(reports: list[tuple[int, int]]) -> None:
    progress, came = sent(), 0
    for highest, lost in reports:
        progress.reported(highest, lost, 1.0)
        if progress.progress is not None:
            assert 0 <= progress.progress.packets <= 36 and progress.progress.came >= came
            came = progress.progress.came
