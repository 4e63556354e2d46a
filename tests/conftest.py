"""How tests are shared out among processes."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_END_TO_END = "tests/e2e/"
_LIKE_END_TO_END = (_END_TO_END, "tests/bench/test_forward.py")


class _SideBySide(LoadScopeScheduling):
    """End-to-end tests one after the other in one process, the files of units among the rest.

    Two servers with their browsers would take each other's time; what units take is borne.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _END_TO_END if nodeid.startswith(_LIKE_END_TO_END) else nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _SideBySide(config, log)
