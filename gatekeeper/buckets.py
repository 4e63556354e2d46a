"""Token buckets: how often somebody may do something, for any number of somebodies in bounded memory. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

MAXIMUM_KEYS = 20_000
"""Buckets kept. With more at once the longest untouched is forgotten, which means: is full again."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class TokenBuckets:
    """Each key may take ``burst`` tokens at once and ``rate`` a second in the long run."""

    def __init__(self, rate: float, burst: float, keys: int = MAXIMUM_KEYS) -> None:
        self._rate = rate
        self._burst = burst
        self._keys = keys
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: Hashable, now: float) -> bool:
        """Take a token; False when there was none."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._burst, now)
            if len(self._buckets) > self._keys:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
            self._fill(bucket, now)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def give(self, key: Hashable, tokens: float) -> None:
        """Give tokens back, up to a full bucket."""
        bucket = self._buckets.get(key)
        if bucket is not None:
            bucket.tokens = min(bucket.tokens + tokens, self._burst)

    def wait(self, key: Hashable, now: float) -> float:
        """Seconds until there is a token to take; 0.0 when there is one."""
        bucket = self._buckets.get(key)
        if bucket is None:
            return 0.0
        self._fill(bucket, now)
        return max(0.0, (1 - bucket.tokens) / self._rate)

    def _fill(self, bucket: _Bucket, now: float) -> None:
        # A clock that was set back fills nothing, and takes nothing away.
        bucket.tokens = min(bucket.tokens + max(0.0, now - bucket.at) * self._rate, self._burst)
        bucket.at = now
