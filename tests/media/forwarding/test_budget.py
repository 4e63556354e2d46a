"""What one receiver can get, by what it says."""

from __future__ import annotations

from mcu.media.congestion.values import LossAndDelay
from mcu.media.forwarding.budget import Budget
from mcu.media.rtp.config import ReceiverFeedback


def test_without_a_word_there_is_no_limit() -> None:
    budget = Budget()
    budget.reported(ReceiverFeedback(), 3e6, 3e6, 1.0)
    assert budget.limit is None


def test_heavy_loss_and_a_low_estimate_bind_at_once() -> None:
    lossy, low = Budget(), Budget()
    lossy.reported(ReceiverFeedback(1, 0.2), 1e6, 2e6, 1.0)
    low.reported(ReceiverFeedback(1, 0.0, 400_000), 1e6, 2e6, 1.0)
    assert lossy.limit is not None and lossy.limit < 1e6
    assert low.limit == 400_000


def test_an_estimate_that_only_lags_behind_a_larger_layer_does_not_bind() -> None:
    budget = Budget()
    for second in range(1, 20):
        sent = 500e3 if second < 5 else 2.0e6
        budget.reported(ReceiverFeedback(second, 0.0, round(600e3 * 1.08**second)), sent, 2.0e6, second)
        assert budget.limit is None
    budget.reported(ReceiverFeedback(20, 0.0, 900_000), 2.0e6, 2.0e6, 20.0)  # but one that falls does
    assert budget.limit == 900_000


def test_a_limit_goes_when_the_network_is_clean_again() -> None:
    budget = Budget()
    budget.reported(ReceiverFeedback(1, 0.3), 2e6, 2e6, 1.0)
    before, second = budget.limit, 1
    assert before is not None
    while budget.limit is not None:
        second += 1
        assert second < 300
        budget.reported(ReceiverFeedback(second), min(budget.limit, 2e6), 2e6, float(second))
        assert budget.limit is None or budget.limit >= before
    assert second > 5  # not at once


def test_what_is_sent_beside_has_its_share() -> None:
    budget = Budget()
    for second in range(10):
        budget.sent_beside(second * 50_000, float(second))  # 400 kbit/s
    budget.reported(ReceiverFeedback(1, 0.0, 1_000_000), 2e6, 2e6, 10.0)
    assert budget.limit is not None and 590e3 < budget.limit < 620e3


def test_an_estimate_of_the_transport_binds_what_the_slots_may_take_beside_the_rest() -> None:
    budget = Budget()
    for second in range(20):
        budget.sent_beside(second * 25_000, float(second))  # 200 kbit/s
    budget.estimated(LossAndDelay(None), 2e6, 2e6, 20.0)
    assert budget.limit is None
    budget.estimated(LossAndDelay(1_000_000, falls=1), 2e6, 2e6, 20.3)
    assert budget.limit is not None and abs(budget.limit - 800_000) < 20_000
    budget.estimated(LossAndDelay(1_500_000, falls=1), 0.8e6, 2e6, 22.0)
    assert budget.limit is not None and budget.limit > 1_200_000
