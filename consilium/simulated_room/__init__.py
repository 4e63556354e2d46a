"""A small simulated SIP room on our own stack: dials in, plays a clip, can save what it receives."""
