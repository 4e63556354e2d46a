"""Which threads of a worker get the processor first: sound, then packets, then pictures."""

from __future__ import annotations

import logging
import os
import sys
import threading

logger = logging.getLogger(__name__)

PICTURE_NICE = 5
"""Steps that threads of pictures step back: a third of the processor of whoever has not, where there is too little."""

REAL_TIME_PRIORITY = 1
"""The lowest of the real-time priorities is enough to be before all ordinary threads of the machine."""


def step_back(nice: int = PICTURE_NICE) -> None:
    """Lower the priority of the calling thread (on Linux priorities are a thread's, setpriority(2)).

    Threads that it starts, as encoders do, inherit it. Where that does not work, all stay equal.
    """
    if sys.platform != "linux":
        return
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
    except OSError as error:
        logger.debug("threads of pictures keep their priority: %s", error)


def come_first() -> bool:
    """Let the calling thread run as soon as it has something to do, whatever else does (SCHED_RR, sched(7)).

    For threads that do little at a time. It takes a right, CAP_SYS_NICE or RLIMIT_RTPRIO; without it nothing changes
    and False comes back. Threads that it starts do not inherit it.
    """
    if sys.platform != "linux":
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(REAL_TIME_PRIORITY))
    except OSError as error:
        logger.debug("no real-time priority: %s", error)
        return False
    return True
