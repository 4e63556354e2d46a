"""Writes fragmented MP4 (ISO/IEC 14496-12, -14, -15): one init segment, then fragments of one moof and one mdat each.

Our own and not a library's muxer, for the sake of what a crash leaves: libavformat holds packets back until all streams
have some (up to ten seconds when sound stalls) and learns a picture's duration only from the next. Here a fragment is
one write, its boundaries are known, and its index entry is right by construction.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from recorder.formats import VIDEO_TIMESCALE, AudioFormat, Fragment
from recorder.h264 import ParameterSets

VIDEO_TRACK = 1
AUDIO_TRACK = 2

MP4_EPOCH = 2_082_844_800
"""Seconds from 1904-01-01, where MP4 counts from, to 1970-01-01."""

_SYNC_SAMPLE = 0x0200_0000  # depends on no other
_OTHER_SAMPLE = 0x0101_0000  # depends on others, not a sync sample
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def box(kind: bytes, *content: bytes) -> bytes:
    """One box with its 32-bit size."""
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, version: int, flags: int, *content: bytes) -> bytes:
    """One box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def init_segment(video: ParameterSets, audio: AudioFormat | None, started: float) -> bytes:
    """ftyp and moov without samples. ``started`` is wall-clock time in seconds since 1970."""
    created = max(0, min(int(started) + MP4_EPOCH, 0xFFFF_FFFF))
    tracks = [_video_track(video, created)]
    defaults = [_track_defaults(VIDEO_TRACK, _OTHER_SAMPLE)]
    if audio is not None:
        tracks.append(_audio_track(audio, created))
        defaults.append(_track_defaults(AUDIO_TRACK, _SYNC_SAMPLE))
    header = full_box(
        b"mvhd",
        0,
        0,
        struct.pack(">4IIH10x", created, created, VIDEO_TIMESCALE, 0, 0x10000, 0x100),
        _MATRIX,
        struct.pack(">24xI", AUDIO_TRACK + 1),
    )
    return box(b"ftyp", b"iso5", struct.pack(">I", 512), b"iso5iso6mp41avc1") + box(
        b"moov", header, *tracks, box(b"mvex", *defaults)
    )


def fragment(sequence: int, content: Fragment) -> bytes:
    """moof and mdat of one fragment; ``sequence`` counts from 1 within the file."""
    pictures, sounds = content.pictures, content.sounds
    picture_bytes = sum(len(picture.data) for picture in pictures)
    times = [picture.time for picture in pictures] + [content.end]
    picture_rows = [
        (times[i + 1] - times[i], len(picture.data), _SYNC_SAMPLE if picture.key else _OTHER_SAMPLE)
        for i, picture in enumerate(pictures)
    ]
    times = [sound.time for sound in sounds] + [content.sound_end]
    sound_rows = [(times[i + 1] - times[i], len(sound.data), _SYNC_SAMPLE) for i, sound in enumerate(sounds)]

    def moof(size: int) -> bytes:
        tracks = []
        if pictures:
            tracks.append(_track_fragment(VIDEO_TRACK, pictures[0].time, size + 8, picture_rows))
        if sounds:
            tracks.append(_track_fragment(AUDIO_TRACK, sounds[0].time, size + 8 + picture_bytes, sound_rows))
        return box(b"moof", full_box(b"mfhd", 0, 0, struct.pack(">I", sequence)), *tracks)

    samples = [picture.data for picture in pictures] + [sound.data for sound in sounds]
    return moof(len(moof(0))) + box(b"mdat", *samples)


def _track_fragment(track: int, decode_time: int, data_offset: int, rows: Sequence[tuple[int, int, int]]) -> bytes:
    return box(
        b"traf",
        full_box(b"tfhd", 0, 0x02_0000, struct.pack(">I", track)),  # default-base-is-moof
        full_box(b"tfdt", 1, 0, struct.pack(">Q", decode_time)),
        full_box(
            b"trun",
            0,
            0x701,  # data offset; duration, size and flags per sample
            struct.pack(">Ii", len(rows), data_offset),
            b"".join(struct.pack(">III", *row) for row in rows),
        ),
    )


def _track_defaults(track: int, flags: int) -> bytes:
    return full_box(b"trex", 0, 0, struct.pack(">5I", track, 1, 0, 0, flags))


def _track(track: int, created: int, timescale: int, handler: bytes, shape: tuple[int, int], *media: bytes) -> bytes:
    width, height = shape
    sample_tables = (
        full_box(b"stts", 0, 0, struct.pack(">I", 0)),
        full_box(b"stsc", 0, 0, struct.pack(">I", 0)),
        full_box(b"stsz", 0, 0, struct.pack(">II", 0, 0)),
        full_box(b"stco", 0, 0, struct.pack(">I", 0)),
    )
    media_header, description = media
    return box(
        b"trak",
        full_box(
            b"tkhd",
            0,
            3,  # enabled, in movie
            struct.pack(">3I4xI8xHHH2x", created, created, track, 0, 0, 0, 0 if width else 0x100),
            _MATRIX,
            struct.pack(">II", width << 16, height << 16),
        ),
        box(
            b"mdia",
            full_box(b"mdhd", 0, 0, struct.pack(">4IHH", created, created, timescale, 0, 0x55C4, 0)),  # "und"
            full_box(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, handler), b"Consilium\0"),
            box(
                b"minf",
                media_header,
                box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1))),
                box(b"stbl", full_box(b"stsd", 0, 0, struct.pack(">I", 1), description), *sample_tables),
            ),
        ),
    )


def _video_track(video: ParameterSets, created: int) -> bytes:
    configuration = (
        struct.pack(">B3sBBH", 1, video.sps[1:4], 0xFF, 0xE1, len(video.sps))
        + video.sps
        + struct.pack(">BH", 1, len(video.pps))
        + video.pps
    )
    if video.sps[1] in (100, 110, 122, 144):
        depths = (0xF8 | video.bit_depth_luma - 8, 0xF8 | video.bit_depth_chroma - 8)
        configuration += struct.pack(">BBBB", 0xFC | video.chroma_format, *depths, 0)
    entry = box(
        b"avc1",
        struct.pack(">6xH16xHHIIIH32xHh", 1, video.width, video.height, 0x480000, 0x480000, 0, 1, 24, -1),
        box(b"avcC", configuration),
        box(b"pasp", struct.pack(">II", 1, 1)),
    )
    header = full_box(b"vmhd", 0, 1, bytes(8))
    return _track(VIDEO_TRACK, created, VIDEO_TIMESCALE, b"vide", (video.width, video.height), header, entry)


def _audio_track(audio: AudioFormat, created: int) -> bytes:
    def descriptor(tag: int, body: bytes) -> bytes:
        return struct.pack(">BB", tag, len(body)) + body

    # ISO/IEC 14496-1 clause 7.2.6: MPEG-4 audio, an audio stream, bit rates unknown
    decoder = descriptor(4, struct.pack(">BB3xII", 0x40, 0x15, 0, 0) + descriptor(5, audio.config))
    stream = descriptor(3, struct.pack(">HB", AUDIO_TRACK, 0) + decoder + descriptor(6, b"\x02"))
    entry = box(
        b"mp4a",
        struct.pack(">6xH8xHH4xI", 1, audio.channels, 16, audio.sample_rate << 16),
        full_box(b"esds", 0, 0, stream),
    )
    header = full_box(b"smhd", 0, 0, bytes(4))
    return _track(AUDIO_TRACK, created, audio.sample_rate, b"soun", (0, 0), header, entry)
