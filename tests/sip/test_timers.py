"""The queue of running timers: order, cancelling, and what many of them cost."""

from __future__ import annotations

from sip.timers import TimerQueue


def test_timers_fire_in_order_and_cancelled_ones_do_not() -> None:
    queue, fired = TimerQueue(), list[str]()
    queue.start(2.0, lambda: fired.append("late"))
    queue.start(1.0, lambda: fired.append("early"))
    queue.start(1.5, lambda: fired.append("never")).cancel()
    queue.arm(10.0)
    assert queue.next_deadline() == 11.0
    queue.expire(11.0)
    assert (fired, queue.next_deadline()) == (["early"], 12.0)
    queue.expire(20.0)
    assert (fired, queue.next_deadline()) == (["early", "late"], None)


def test_cancelled_timers_do_not_pile_up() -> None:
    queue = TimerQueue()
    for step in range(200):
        timers = [queue.start(32.0, lambda: None) for _ in range(100)]
        queue.expire(float(step) / 1000)
        for timer in timers:
            timer.cancel()
    assert len(queue._armed) <= 2 * 1024


def test_many_running_timers_are_not_looked_through_at_every_step() -> None:
    """What runs for long is looked at when the queue has doubled, not each time (a quadratic cost once)."""
    queue = TimerQueue()
    looked: list[int] = []
    sweep = queue._sweep

    def counted() -> None:
        before = queue._sweep_at
        sweep()
        if queue._sweep_at != before:
            looked.append(len(queue._armed))

    queue._sweep = counted  # type: ignore[method-assign]
    for step in range(20_000):
        queue.start(32.0, lambda: None)
        queue.expire(float(step) / 1000)
    assert 0 < len(looked) <= 10
