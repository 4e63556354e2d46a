"""``python -m tests.fuzz.exhausted``: compiled code while memory runs out. Each request of a call for it fails in turn.

A call then gives MemoryError, or does without; it leaks nothing, and leaves no half of what it was to do behind.
"""
