"""What several files here begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.media.forwarding.ends import Ends


@pytest.fixture
def ends() -> Iterator[Ends]:
    """A sender and a receiver on a port of their own."""
    ends = Ends()
    yield ends
    for one in ends.udp:
        one.close()
