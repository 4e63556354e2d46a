"""Packets in compiled code, a batch at a time: SRTP and UDP.

The C sources are in ``native/``; the interpreter's lock is released while a batch is worked on.
"""

from mcu.media.packets._native import Srtp, UdpSocket

__all__ = ["Srtp", "UdpSocket"]
