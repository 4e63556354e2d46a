"""Which threads of a worker get the processor first: sound, then packets, then pictures."""

from __future__ import annotations

import logging
import os
import sys
import threading

from mcu.media.sound import _native

logger = logging.getLogger(__name__)

PICTURE_NICE = 2
"""Steps that threads of pictures step back: two thirds of the processor of whoever has not, where there is too little.

More would starve them wherever anything else runs, and with them sound: a thread that is put off while it holds the
interpreter's lock puts off everybody who waits for that.
"""

REAL_TIME_PRIORITY = 1
"""The lowest of the real-time priorities is enough to be before all ordinary threads of the machine."""


def step_back(nice: int = PICTURE_NICE) -> None:
    """Lower the priority of the calling thread (on Linux priorities are a thread's, setpriority(2)).

    Threads that it starts, as encoders do, inherit it. Nothing changes where sound and packets have real-time priority:
    they are first as it is, and other programs are not to be; only while sound waits for the interpreter's lock and the
    thread has it, it is lent the priority of sound. Where it does not work, all stay equal.
    """
    _native.enrol()
    if sys.platform != "linux" or _may_come_first():
        return
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
    except OSError as error:
        logger.debug("threads of pictures keep their priority: %s", error)


def _may_come_first() -> bool:
    """Whether threads of this process have the right to a real-time priority; the calling thread does not keep it."""
    if not come_first():
        return False
    # To take the flag away again would need a greater right.
    os.sched_setscheduler(0, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))
    return True


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
