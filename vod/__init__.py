"""Recordings as video on demand: catalogue, playlists, downloads."""
