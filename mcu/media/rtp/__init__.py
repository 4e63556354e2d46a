"""RTP and RTCP as pure protocol cores (RFC 3550, 6184, 7741, 4585, 5104, 4733). ``session.RtpStream`` joins them.

Received: ``packet`` → ``receiver`` (``source`` counts) → ``reorder`` → ``video_assembler`` with ``h264`` or ``vp8``;
sound goes through ``audio_receiver``, digits through ``telephone_event``. Sent: ``sender`` with ``retransmission``.
Reports and feedback: ``rtcp``, ``feedback``, ``keyframe_request``; times: ``clock``, ``unwrap``. What touches every
packet of a picture is compiled, ``mcu.media.packets``; what is decided is decided here.
"""
