"""Which threads of a worker get the processor first: sound and packets before pictures."""

from __future__ import annotations

import logging
import os
import sys
import threading

logger = logging.getLogger(__name__)

PICTURE_NICE = 2
"""Steps that threads of pictures step back behind those of sound and packets, whose priority stays as it is: to raise
one takes rights that a server should not have. Few, for whoever waits long for the processor may hold the interpreter's
lock meanwhile, which sound needs too."""


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
