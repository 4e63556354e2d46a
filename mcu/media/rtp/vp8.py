"""VP8 in RTP (RFC 7741): frames to payloads and back, by compiled code."""

from __future__ import annotations

from mcu.media.packets import Vp8Depacketizer, Vp8Packetizer, descriptor_size

__all__ = ["Vp8Depacketizer", "Vp8Packetizer", "descriptor_size"]
