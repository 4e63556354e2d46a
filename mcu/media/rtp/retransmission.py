"""Packets sent lately, for answering generic NACKs (RFC 4585 section 6.2.1); compiled code keeps them."""

from __future__ import annotations

from mcu.media.packets import RetransmissionCache

__all__ = ["RetransmissionCache"]
