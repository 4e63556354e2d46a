"""Real programs driven by tests: baresip, SIPp, Chromium."""
