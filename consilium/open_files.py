"""Every call, page and recording holds files and sockets open: more than many systems allow a program at first."""

from __future__ import annotations

import logging
import resource

logger = logging.getLogger(__name__)

# 6000 devices over TLS, browsers with a dozen connections each, and room.
WANTED = 65_536


def allow_open_files() -> int:
    """As many as the system lets us raise the limit to, WANTED at most; media workers inherit it. Returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    except (OSError, ValueError) as error:
        logger.warning("no more than %d open files: %s", soft, error)
        return soft
    return most
