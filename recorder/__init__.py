"""Recordings on disk: store layout, fragmented MP4 writer, append-only index."""
