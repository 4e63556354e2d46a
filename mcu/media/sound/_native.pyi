"""What the compiled module offers to Python."""

import numpy as np
from numpy.typing import NDArray

def enrol() -> None:
    """The calling thread may be lent the priority of sound while it holds the interpreter's lock; until it ends."""

def wait_until(deadline: float, lending: bool, watched: int = -1) -> bool:
    """Sleep until ``deadline`` on the monotonic clock; other threads may run meanwhile.

    With ``lending``, for threads that may use real-time priority: an enrolled thread of ordinary priority that holds
    the lock at that instant runs at real-time priority until it lets go. Returns whether there was one. And so it is
    meanwhile, as long as the event descriptor ``watched`` has something to be read: who should read it waits for the
    lock. Raises ValueError for what is no time, or a minute away.
    """

def wake(descriptor: int) -> bool:
    """Write to an event descriptor (eventfd(2)) that does not block, without letting go of the interpreter's lock.

    False when it could not be written. Raises ValueError for what is no descriptor.
    """

def encode_all(function: int, jobs: list[tuple[int, int, NDArray[np.float32], bytearray]]) -> list[int]:
    """Call ``function``, the address of ``opus_encode_float``, for each job: encoder, channels, sound, room for data.

    Addresses are trusted. Sound is 32-bit float, channels alternating. Other threads may run meanwhile, and the lock is
    taken again as by ``wait_until``. Returns what each call returned: octets written, or a negative number. Raises
    ValueError where a job does not fit together; then none was done.
    """
