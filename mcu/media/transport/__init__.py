"""Sockets, ICE-lite and DTLS under the RTP sessions of a worker."""
