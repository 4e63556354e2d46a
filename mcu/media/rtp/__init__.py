"""RTP and RTCP as pure protocol cores (RFC 3550, 6184, 7741, 4585, 4733)."""
