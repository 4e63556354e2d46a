"""What the compiled module offers to Python."""

def enrol() -> None:
    """The calling thread may be lent the priority of sound while it holds the interpreter's lock; until it ends."""

def wait_until(deadline: float, lending: bool) -> bool:
    """Sleep until ``deadline`` on the monotonic clock; other threads may run meanwhile.

    With ``lending``, for threads that may use real-time priority: an enrolled thread of ordinary priority that holds
    the lock at that instant runs at real-time priority until it lets go. Returns whether there was one. Raises
    ValueError for what is no time, or a minute away.
    """
