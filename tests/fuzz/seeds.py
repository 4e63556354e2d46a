"""Real input for every target to begin from. A target may bring more of its own as ``SEEDS``."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from tests.fuzz import fuzz_aac, fuzz_account_file, fuzz_framing, fuzz_old_video_payload, fuzz_png

TESTS = Path(__file__).resolve().parent.parent

_HEADER_VALUES = (
    b'"N" <sip:u:p@[::1]:5060;transport=tcp?x=y>;tag=a, <tel:+49-30>;q=0.5',
    b"SIP/2.0/UDP h.example:5060;branch=z9hG4bK1;rport;received=192.0.2.1, SIP/2.0/TCP [2001:db8::1]",
    b'Q.850;cause=16;text="x", SIP;cause=200',
    b'304 host "no codec \\"x\\" in common", 399 h "t"',
    b"4711 INVITE",
    b"776656 1 INVITE",
    b"conference;id=7",
    b"terminated;reason=noresource;expires=60",
    b"a@b;to-tag=1;from-tag=0;early-only",
    b"1800;refresher=uac",
    b'Digest realm="r", nonce="n", algorithm=SHA-256-sess, qop="auth,auth-int", opaque="o", stale=true',
)
_BODIES = (
    {"number": "1000", "title": "Ward round", "pin": "1234", "layout": "auto", "locked": True, "active": False},
    {"name": "doctor", "password": "Correct-Horse-7", "old_password": "x", "token": "x" * 43},
    {"microphone_muted": True, "speaker_muted": None, "camera_muted": False, "name": "李医生"},
    {"seating": {"mode": "lecture", "lecturer": "a", "pins": {"0": "b"}}},
    {"decoration": {"banner": "会诊", "fill": "crop"}, "processing": {"tones": True}},
    {"name": "own", "cells": [{"left": 0, "top": 0.5, "width": 1, "height": 0.5}], "overlap": True},
    {"role": "expert", "pin": 0, "gain": -3.5, "seating": None, "content_choice": "swap", "forwarded": True},
)


def _files(*patterns: str) -> list[bytes]:
    return [path.read_bytes() for pattern in patterns for path in sorted(TESTS.glob(pattern))]


def _sip() -> list[bytes]:
    from tests.fuzz.test_sip import SEEDS

    return [*SEEDS, *(one + b"\0" + other for one, other in pairwise(SEEDS))]


def _registrar() -> list[bytes]:
    from tests.fuzz.fuzz_registrar import SEEDS

    return list(SEEDS)


def _bfcp() -> list[bytes]:
    from tests.fuzz.fuzz_bfcp import SEEDS

    return list(SEEDS)


def _number_plan() -> list[bytes]:
    from tests.fuzz.fuzz_number_plan import SEEDS

    return list(SEEDS)


def _boxes() -> list[bytes]:
    from tests.fuzz.test_recorder_parsers import FRAGMENT, INIT, MOOF, MOOV

    return [INIT, MOOV, FRAGMENT, MOOF]


def _index() -> list[bytes]:
    from tests.fuzz.test_recorder_parsers import INDEX

    return [INDEX]


def _parameter_sets() -> list[bytes]:
    from tests.fuzz.test_recorder_parsers import SETS

    return [b"\0\0\0\1" + SETS.sps + b"\0\0\1" + SETS.pps + b"\0\0\1\x65abc", SETS.sps[1:]]


def _video() -> list[bytes]:
    from mcu.media.picture.state import Rung
    from tests.media.picture.material import clip

    streams = (
        clip(Rung(64, 48, 30, 100_000), 2),
        clip(Rung(64, 48, 30, 100_000, "VP8"), 2),
        clip(Rung(176, 144, 30, 100_000, "H263"), 2),
        clip(Rung(176, 144, 30, 100_000, "H261"), 2),
    )
    return [
        bytes([kind, *len(units[0].data).to_bytes(2)]) + b"".join(unit.data for unit in units)
        for kind, units in enumerate(streams)
    ]


def _sound() -> list[bytes]:
    # Opus: SILK, hybrid and CELT of one, two and many frames (RFC 6716 section 3.1); the rest has no inner shape.
    opus = [bytes([toc]) + bytes(range(40)) for toc in (0x08, 0x61, 0x7A, 0x83, 0xFB, 0xFF)]
    return [bytes([kind, 9, 0]) + body for kind in range(4) for body in (*opus, bytes(160))]


def _rtp() -> list[bytes]:
    packets = [bytes((first, 99, 0, 1)) + bytes(7) + b"\x05" + bytes(range(60)) for first in (0x80, 0x90, 0xA1, 0xB2)]
    return [*packets, b"\x28" + b"\x81\x42\x99\x01".join(packets)]


def _rtcp() -> list[bytes]:
    def packet(kind: int, count: int, body: bytes) -> bytes:
        return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body

    report = struct.pack("!IIIIIII", 1, 0, 7, 1, 5, 0, 0)
    sender = packet(200, 1, struct.pack("!IQIII", 5, 1, 2, 3, 4) + report[4:] + bytes(4))
    sdes = packet(202, 1, struct.pack("!I", 5) + b"\x01\x06cname1" + bytes(4))
    feedback = [packet(kind, count, struct.pack("!II", 5, 1) + bytes(8)) for kind in (205, 206) for count in (1, 4, 15)]
    remb = packet(206, 15, struct.pack("!II", 5, 0) + b"REMB\x01\x0b\xff\xff" + struct.pack("!I", 1))
    return [sender + sdes, packet(201, 0, report[:4]) + packet(203, 1, report[:4]), *feedback, remb]


def _payloads() -> list[bytes]:
    sps, pps = bytes.fromhex("6742c01fda0280bfe5c044"), b"\x68\xce\x3c\x80"
    aggregated = b"\x78" + b"".join(len(unit).to_bytes(2) + unit for unit in (sps, pps, b"\x65idr"))
    units = [aggregated, b"\x7c\x85" + bytes(20), b"\x7c\x05" + bytes(20), b"\x7c\x45" + bytes(20), sps, b"\x41\x9a"]
    size = 24
    return [bytes([size]) + b"".join(unit.ljust(size + 1, b"\0") for unit in units), b"Z0LAH9oCgL/lwEQ=,aM48gA=="]


def _vp8() -> list[bytes]:
    starts = (
        b"\x90\x80\x81\x02\x10\x02\x00\x9d\x01\x2a\x40\x01\xb4\x00",
        b"\x80\x80\x01\x11",
        b"\x90\xf0\x81\x02\x03\x44\x10",
    )
    return [b"\x13" + b"".join(start.ljust(20, b"\x07") for start in starts)]


def _digits() -> list[bytes]:
    event = struct.pack("!H", 1) + bytes((5, 10)) + struct.pack("!H", 160)
    return [event * 3 + struct.pack("!H", 1) + bytes((5, 0x8A)) + struct.pack("!H", 800), bytes((0, 2, 16, 63, 0, 0))]


def _checks() -> list[bytes]:
    from tests.media.transport.checks import check

    whole = check(nominate=True)
    return [whole, check(password=None), check("ours"), whole[20:], b"\x00\x06\x00\x04a:bc\x00\x25\x00\x00"]


def _link() -> list[bytes]:
    from mcu.media import link
    from mcu.media.facts import LegFailed, LegStatistics, SpeakerChanged
    from mcu.media.spec import CameraRequest, ConferenceSpec, RecordingSpec, Tiles, WorkerSettings
    from tests.fakes.media import browser_leg, room_leg

    spec = ConferenceSpec(
        id="c", revision=3, legs=(room_leg("a"), browser_leg("b")), recordings=(RecordingSpec(id="r", directory="/r"),)
    )
    settings = WorkerSettings(
        index=0, browser_host="::", browser_port=1, certificate_file="a", private_key_file="b", font_file="c"
    )
    facts = (
        SpeakerChanged(conference="c", leg=None),
        LegFailed(conference="c", leg="a", reason="port taken"),
        LegStatistics(conference="c", leg="a", media="video", jitter_ms=1.5, round_trip_ms=None),
    )
    messages: list[link.Message] = [
        link.Start(settings=settings, generation=1),
        link.Apply(request=1, spec=spec),
        link.Remove(request=2, conference="c"),
        link.Done(request=2, legs={"a": "port taken"}, error="x"),
        link.Ping(),
        link.Pong(),
        link.RequestKeyFrame(conference="c", leg="a"),
        link.SendDigits(conference="c", leg="a", digits="12#"),
        link.ShowTiles(conference="c", leg="a", tiles=Tiles(people={"b": (320, 180)}, shared=(0, 0))),
        link.ControlCamera(conference="c", leg="a", request=CameraRequest(action="move", tilt=1)),
        link.Report(facts=facts),
    ]
    frames = [link.frame(message) for message in messages]
    return [*(wire[4:] for wire in frames), b"".join(frames)]


_MAKERS: dict[str, Callable[[], Sequence[bytes]]] = {
    "fuzz_aac": lambda: list(fuzz_aac.SEEDS),
    "fuzz_account_file": lambda: list(fuzz_account_file.SEEDS),
    "fuzz_bfcp": _bfcp,
    "fuzz_bodies": lambda: [json.dumps(body).encode() for body in _BODIES],
    "fuzz_browser_offer": lambda: _files("webrtc/offers/*.sdp", "sip/sdp/offers/baresip*.sdp"),
    "fuzz_camera": lambda: [
        bytes.fromhex("0c007103000000000001c00180000d007103000000000000c001000181"),
        bytes.fromhex("030180000202800203800206300207300401000181060200810614f0"),
    ],
    "fuzz_dial_target": lambda: [b"sip:ward@rooms.example;transport=tcp?Subject=x", b"theatre@10.1.2.3:5070", b"1044"],
    "fuzz_dialing": lambda: [b"sip:1000*1234@192.0.2.1;user=phone", b"+1-000", b"sips:ward@clinic.example", b"1000*12"],
    "fuzz_dtmf_info": lambda: [b"Signal=5\r\nDuration=160\r\n", b"#", b"Signal= 11\nDuration= 250"],
    "fuzz_framing": lambda: list(fuzz_framing.SEEDS),
    "fuzz_h264_parameter_sets": _parameter_sets,
    "fuzz_h264_payload": _payloads,
    "fuzz_media_link": _link,
    "fuzz_mp4_boxes": _boxes,
    "fuzz_number_plan": _number_plan,
    "fuzz_old_video_payload": lambda: list(fuzz_old_video_payload.SEEDS),
    "fuzz_png": lambda: list(fuzz_png.SEEDS),
    "fuzz_recording_index": _index,
    "fuzz_redundancy": lambda: [bytes.fromhex("ef0f00026f") + b"abcde", bytes.fromhex("ef1e0001ef0f00016f") + b"abc"],
    "fuzz_registrar": _registrar,
    "fuzz_rtcp": _rtcp,
    "fuzz_rtp": _rtp,
    "fuzz_sdp": lambda: _files("sip/sdp/offers/*.sdp", "webrtc/offers/*.sdp"),
    "fuzz_sip_agent": _sip,
    "fuzz_sip_headers": lambda: _HEADER_VALUES,
    "fuzz_sip_message": _sip,
    "fuzz_sound_frames": _sound,
    "fuzz_sip_stun": _checks,
    "fuzz_stun": _checks,
    "fuzz_telephone_event": _digits,
    "fuzz_video_decoder": _video,
    "fuzz_vp8_payload": _vp8,
}


def seeds_of(target: str) -> list[bytes]:
    """What this target begins from; a target without an entry begins from nothing."""
    maker = _MAKERS.get(target)
    return [] if maker is None else list(maker())
