"""Browser legs: offer and answer for WebRTC."""
