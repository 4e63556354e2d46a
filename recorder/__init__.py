"""Recordings on disk: fragmented MP4 with an append-only index. A leaf: imports nothing else of this project."""
