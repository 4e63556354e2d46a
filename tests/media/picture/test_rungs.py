"""Legs with equal needs share an encoder; nobody is sent more than it can take."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.picture.rungs import (
    MODE_0_SLICE,
    PLAIN_SLICE,
    RATES,
    SIZES,
    rung_for_content,
    rung_for_leg,
    rung_for_recording,
    share_renewed,
    split,
    step_of,
)
from mcu.media.picture.state import ContentPlace, Rung
from mcu.media.spec import CodecSpec, ConferenceSpec, RecordingSpec, VideoSpec
from tests.fakes.media import sharing_leg

FULL = ConferenceSpec(id="c", revision=1, width=1920, height=1080, frame_rate=30, bitrate=4_000_000)


def codec(name: str = "H264", **parameters: str) -> CodecSpec:
    values = {key.replace("_", "-"): value for key, value in parameters.items()}
    return CodecSpec.model_validate({"name": name, "payload_type": 96, "clock_rate": 90_000, "parameters": values})


MODE_1 = codec(packetization_mode="1", profile_level_id="42e01f")


ASKS: frozenset[Literal["nack", "pli", "fir", "remb"]] = frozenset({"pli"})


def video(
    width: int = 1920,
    height: int = 1080,
    bitrate: int = 4_000_000,
    send: CodecSpec = MODE_1,
    frame_rate: int = 30,
    feedback: frozenset[Literal["nack", "pli", "fir", "remb"]] = ASKS,
) -> VideoSpec:
    return VideoSpec(
        send_codec=send,
        receive_codecs=(send,),
        ssrc=1,
        max_width=width,
        max_height=height,
        max_frame_rate=frame_rate,
        max_bitrate=bitrate,
        feedback=feedback,
    )


@pytest.mark.parametrize(
    ("leg", "size", "bitrate"),
    [
        (video(), (1920, 1080), 4_000_000),
        (video(bitrate=1_920_000), (1920, 1080), 1_500_000),
        (video(bitrate=1_000_000), (1920, 1080), 1_000_000),  # 1080p30 in 1 Mbit/s
        (video(bitrate=999_999), (1280, 720), 768_000),
        (video(bitrate=768_000), (1280, 720), 768_000),  # 720p30 in 768 kbit/s
        (video(bitrate=384_000), (640, 360), 384_000),
        (video(bitrate=100_000), (320, 180), 64_000),
        (video(bitrate=1), (320, 180), 64_000),
        (video(1280, 720), (1280, 720), 2_000_000),
        (video(1280, 960), (1280, 720), 2_000_000),
        (video(bitrate=512_000), (848, 480), 512_000),
        (video(1024, 576), (848, 480), 1_000_000),  # what 4CIF is at 16:9
        (video(512, 288), (416, 234), 384_000),  # what CIF is at 16:9
        (video(352, 288), (320, 180), 256_000),
        (video(176, 144), (320, 180), 256_000),
    ],
)
def test_size_and_rate_are_what_the_peer_can_take(leg: VideoSpec, size: tuple[int, int], bitrate: int) -> None:
    rung = rung_for_leg(FULL, leg)
    assert ((rung.width, rung.height), rung.bitrate) == (size, bitrate)


def test_the_conference_bounds_everybody() -> None:
    small = FULL.model_copy(update={"width": 1280, "height": 720, "frame_rate": 15, "bitrate": 500_000})
    rung = rung_for_leg(small, video())
    assert (rung.width, rung.height, rung.frame_rate, rung.bitrate) == (640, 360, 15, 384_000)
    assert rung_for_leg(FULL, video(frame_rate=20)).frame_rate == 20


def test_limits_that_differ_by_little_share_an_encoder() -> None:
    assert rung_for_leg(FULL, video(bitrate=2_000_000)) == rung_for_leg(FULL, video(bitrate=2_400_000))
    assert len({rung_for_leg(FULL, video(send=codec(packetization_mode="1", profile_level_id=level))) for level in (
        "42e01f", "42801f", "42E028", "42c01e",
    )}) == 1  # fmt: skip


@pytest.mark.parametrize(
    ("send", "kind", "profile", "max_slice"),
    [
        (MODE_1, "H264", "baseline", None),
        (codec(profile_level_id="42e01f"), "H264", "baseline", MODE_0_SLICE),
        (codec(), "H264", "baseline", MODE_0_SLICE),
        (codec(packetization_mode="1", profile_level_id="4d001f"), "H264", "main", None),
        (codec(packetization_mode="1", profile_level_id="640028"), "H264", "high", None),
        (codec(packetization_mode="1", profile_level_id="zz"), "H264", "baseline", None),
        (codec("VP8"), "VP8", "baseline", None),
    ],
)
def test_codec_profile_and_slices_are_the_peers(
    send: CodecSpec, kind: str, profile: str, max_slice: int | None
) -> None:
    rung = rung_for_leg(FULL, video(send=send))
    assert (rung.codec, rung.profile, rung.max_slice) == (kind, profile, max_slice)


def test_a_recording_takes_the_encoder_of_a_browser_of_the_same_size() -> None:
    recording = RecordingSpec(id="r", directory="/r", width=1920, height=1080, frame_rate=30, bitrate=4_000_000)
    assert rung_for_recording(FULL, recording) == rung_for_leg(FULL, video())
    smaller = recording.model_copy(update={"width": 1280, "height": 720, "bitrate": 1_000_000})
    assert rung_for_recording(FULL, smaller) == Rung(1280, 720, 30, 1_000_000, "H264", None, "baseline")


@given(st.integers(16, 4096), st.integers(16, 4096), st.integers(0, 20_000_000))
def test_nobody_gets_more_than_it_can_take_where_there_is_so_little(width: int, height: int, bitrate: int) -> None:
    rung = rung_for_leg(FULL, video(width, height, bitrate))
    assert rung.width <= max(width, SIZES[-1][0]) and rung.height <= max(height, SIZES[-1][1])
    assert rung.bitrate <= max(bitrate, RATES[-1]) and rung.bitrate in RATES


@pytest.mark.parametrize(
    ("leg", "size", "frame_rate", "bitrate"),
    [
        (video(), (1920, 1080), 30, 4_000_000),
        (video(bitrate=1_200_000), (1920, 1080), 15, 1_000_000),
        (video(bitrate=400_000), (1920, 1080), 5, 384_000),
        (video(bitrate=300_000), (1280, 720), 5, 256_000),
        (video(1280, 720, frame_rate=15), (1280, 720), 15, 2_000_000),
        (video(352, 288), (320, 180), 30, 256_000),
    ],
)
def test_what_is_shared_keeps_its_size_and_gives_up_fluency(
    leg: VideoSpec, size: tuple[int, int], frame_rate: int, bitrate: int
) -> None:
    rung = rung_for_content(FULL, leg)
    assert ((rung.width, rung.height), rung.frame_rate, rung.bitrate) == (size, frame_rate, bitrate)
    assert rung.view.content is ContentPlace.ALONE


@pytest.mark.parametrize(
    ("name", "size", "limit", "expected"),
    [
        ("H263", (704, 576), 4_000_000, Rung(704, 576, 15, 2_000_000, "H263")),
        ("H263-1998", (352, 288), 4_000_000, Rung(352, 288, 15, 768_000, "H263")),
        ("H263-2000", (352, 288), 300_000, Rung(352, 288, 15, 256_000, "H263")),
        ("H263-2000", (704, 576), 300_000, Rung(352, 288, 15, 256_000, "H263")),
        ("H261", (352, 288), 4_000_000, Rung(352, 288, 15, 768_000, "H261")),
        ("H261", (176, 144), 4_000_000, Rung(176, 144, 15, 256_000, "H261")),
        ("H261", (1, 1), 1, Rung(176, 144, 15, 64_000, "H261")),
    ],
)
def test_older_codecs_have_sizes_of_their_own(name: str, size: tuple[int, int], limit: int, expected: Rung) -> None:
    assert rung_for_leg(FULL, video(*size, bitrate=limit, send=codec(name), frame_rate=15)) == expected


@pytest.mark.parametrize(
    ("main", "second", "both", "expected"),
    [
        (3_000_000, 3_000_000, 3_000_000, (1_000_000, 2_000_000)),
        (3_000_000, 3_000_000, None, (3_000_000, 3_000_000)),
        (1_000_000, 1_000_000, 3_000_000, (1_000_000, 1_000_000)),
        (500_000, 3_000_000, 3_000_000, (500_000, 2_500_000)),
        (3_000_000, 500_000, 3_000_000, (2_500_000, 500_000)),
    ],
)
def test_two_pictures_of_a_call_share_its_rate(
    main: int, second: int, both: int | None, expected: tuple[int, int]
) -> None:
    leg = sharing_leg("a").model_copy(
        update={"video": video(bitrate=main), "content": video(bitrate=second), "picture_bitrate": both}
    )
    one, other = split(leg)
    assert one is not None and other is not None
    assert (one.max_bitrate, other.max_bitrate) == expected


SIXTY = FULL.model_copy(update={"frame_rate": 60, "bitrate": 8_000_000})


@pytest.mark.parametrize(
    ("leg", "size", "frame_rate"),
    [
        (video(frame_rate=60, bitrate=6_000_000), (1920, 1080), 60),
        (video(frame_rate=60, bitrate=1_500_000), (1920, 1080), 30),
        (video(1280, 720, frame_rate=60, bitrate=1_500_000), (1280, 720), 60),
        (video(1280, 720, frame_rate=60, bitrate=768_000), (1280, 720), 30),
        (video(frame_rate=30, bitrate=8_000_000), (1920, 1080), 30),
        (video(frame_rate=29), (1920, 1080), 25),
        (video(frame_rate=3), (1920, 1080), 3),
    ],
)
def test_sixty_pictures_a_second_where_the_receiver_and_its_rate_allow(
    leg: VideoSpec, size: tuple[int, int], frame_rate: int
) -> None:
    rung = rung_for_leg(SIXTY, leg)
    assert ((rung.width, rung.height), rung.frame_rate) == (size, frame_rate)


@pytest.mark.parametrize("asks", [frozenset({"pli"}), frozenset({"fir"}), frozenset({"nack"})])
def test_who_can_ask_gets_key_frames_on_request_and_others_a_picture_that_renews_itself(
    asks: frozenset[Literal["nack", "pli", "fir", "remb"]],
) -> None:
    assert not rung_for_leg(FULL, video(feedback=asks)).intra_refresh
    assert rung_for_leg(FULL, video(feedback=frozenset())).intra_refresh
    assert rung_for_leg(FULL, video(feedback=frozenset({"remb"}))).intra_refresh
    assert rung_for_content(FULL, video(feedback=frozenset())).intra_refresh
    assert not rung_for_leg(FULL, video(send=codec("VP8"), feedback=frozenset())).intra_refresh


def test_who_cannot_ask_for_a_lost_packet_gets_slices_that_can_be_decoded_without_it() -> None:
    mode_1 = codec(packetization_mode="1")
    asks: frozenset[Literal["nack", "pli", "fir", "remb"]] = frozenset({"pli"})
    assert rung_for_leg(FULL, video(send=mode_1, feedback=asks)).max_slice is None
    assert rung_for_leg(FULL, video(send=mode_1, feedback=frozenset())).max_slice == PLAIN_SLICE
    assert rung_for_content(FULL, video(send=mode_1, feedback=frozenset())).max_slice == PLAIN_SLICE
    assert rung_for_leg(FULL, video(send=codec(), feedback=frozenset())).max_slice == MODE_0_SLICE
    assert rung_for_leg(FULL, video(send=codec("VP8"), feedback=frozenset())).max_slice is None


@pytest.mark.parametrize(
    ("size", "canvas"), [((704, 576), (768, 576)), ((352, 288), (384, 288)), ((176, 144), (192, 144))]
)
def test_old_sizes_are_composed_in_square_pixels(size: tuple[int, int], canvas: tuple[int, int]) -> None:
    form = rung_for_leg(FULL, video(*size, send=codec("H263"))).canvas
    assert (form.width, form.height) == canvas
    assert canvas[0] * 3 == canvas[1] * 4


def test_one_encoder_serves_those_who_can_ask_and_those_who_cannot() -> None:
    asking, silent, smaller = video(), video(feedback=frozenset()), video(1280, 720)
    rungs = {name: rung_for_leg(FULL, leg) for name, leg in (("a", asking), ("b", silent), ("c", smaller))}
    shared = share_renewed(rungs, recording=False)
    assert shared["a"] == shared["b"] == rungs["b"]
    assert shared["c"] == rungs["c"]
    recorded = share_renewed(rungs, recording=True)
    assert recorded["a"] == recorded["b"] == rungs["a"]


def test_within_a_step_of_the_ladder_the_rung_does_not_change() -> None:
    before: dict[int, set[object]] = {}
    for rate in range(64_000, 9_000_000, 37_000):
        rung = rung_for_leg(FULL, video(bitrate=rate))
        before.setdefault(step_of(rate), set()).add(rung)
    assert all(len(rungs) == 1 for rungs in before.values())
    assert step_of(None) > step_of(10_000_000) - 1
