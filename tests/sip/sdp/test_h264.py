"""What an H.264 receiver can take, by its fmtp line."""

from __future__ import annotations

import pytest

from sip.sdp.codecs import read_parameters
from sip.sdp.h264 import LEVELS, H264Format, PictureLimit, Profile, profile_level_id, read_format


def read(line: str) -> H264Format:
    found = read_format(read_parameters(line))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("identifier", "profile", "level"),
    [
        ("42e01f", Profile.BASELINE, 31),
        ("42E01F", Profile.BASELINE, 31),
        ("42001f", Profile.BASELINE, 31),
        ("428016", Profile.BASELINE, 22),
        ("420028", Profile.BASELINE, 40),
        ("4d001f", Profile.MAIN, 31),
        ("4de01f", Profile.BASELINE, 31),
        ("58801e", Profile.BASELINE, 30),
        ("640028", Profile.HIGH, 40),
        ("640c1f", Profile.HIGH, 31),
        ("58001f", None, 31),
        ("6e0028", None, 40),
        ("f4001f", None, 31),
        ("42f00b", Profile.BASELINE, 9),
        ("42e00b", Profile.BASELINE, 11),
        ("42e0ff", Profile.BASELINE, 52),
        ("42e000", Profile.BASELINE, 10),
        ("42e01c", Profile.BASELINE, 22),
    ],
)
def test_profiles_and_levels_are_known_by_their_bytes(identifier: str, profile: Profile | None, level: int) -> None:
    h264 = read(f"profile-level-id={identifier}")

    assert (h264.profile, h264.level) == (profile, level)


@pytest.mark.parametrize(
    ("line", "limit"),
    [
        ("profile-level-id=42e01f", PictureLimit(1280, 720, 30)),
        ("profile-level-id=42e020", PictureLimit(1280, 720, 30)),
        ("profile-level-id=42e028", PictureLimit(1920, 1080, 30)),
        ("profile-level-id=640033", PictureLimit(1920, 1080, 30)),
        ("profile-level-id=42e01e", PictureLimit(848, 480, 25)),
        ("profile-level-id=42e015", PictureLimit(512, 288, 30)),
        ("profile-level-id=42e00d", PictureLimit(416, 234, 30)),
        ("profile-level-id=42e00a", PictureLimit(160, 90, 24)),
        ("", PictureLimit(160, 90, 24)),
        # more than the level, as Cisco and Polycom tell it
        ("profile-level-id=420016;max-mbps=245000;max-fs=9000;max-fps=6000", PictureLimit(1920, 1080, 30)),
        ("profile-level-id=42801f;max-fs=8160;max-mbps=204000", PictureLimit(1920, 1080, 25)),
        # a large picture, but so few of them that the smaller ones look better
        ("profile-level-id=42e01f;max-fs=8160", PictureLimit(1280, 720, 30)),
        # less than the level does not count (RFC 6184 section 8.1), but fewer frames do
        ("profile-level-id=42e01f;max-fs=99;max-mbps=100", PictureLimit(1280, 720, 30)),
        ("profile-level-id=42e028;max-fps=1500", PictureLimit(1920, 1080, 15)),
        ("profile-level-id=42e028;max-fps=1", PictureLimit(1920, 1080, 1)),
        ("profile-level-id=42e01f;max-fs=99999999999999999999999;max-mbps=x", PictureLimit(1280, 720, 30)),
    ],
)
def test_the_largest_picture_that_is_still_smooth_is_sent(line: str, limit: PictureLimit) -> None:
    assert read(line).limit().picture(30) == limit


@pytest.mark.parametrize("number", sorted(LEVELS))
def test_what_we_send_keeps_to_the_level(number: int) -> None:
    limit = read(f"profile-level-id={profile_level_id('42e0', number)}").limit().picture(30)
    macroblocks = -(-limit.width // 16) * -(-limit.height // 16)

    assert macroblocks <= LEVELS[number].picture_macroblocks
    assert macroblocks * limit.frame_rate <= LEVELS[number].macroblock_rate


def test_bitrate_is_the_levels_or_what_max_br_says() -> None:
    assert read("profile-level-id=42e01f").bitrate == 14_000_000
    assert read("profile-level-id=64001f").bitrate == 17_500_000
    assert read("profile-level-id=420016;max-br=5000").bitrate == 5_000_000
    assert read("profile-level-id=420016;max-br=10").bitrate == 4_000_000


def test_mode_asymmetry_and_parameter_sets_are_read() -> None:
    h264 = read(
        "packetization-mode=1;level-asymmetry-allowed=1;profile-level-id=42e01f;sprop-parameter-sets=Z0LAH9kA,aMuDyyA="
    )

    assert h264.packetization_mode == 1
    assert h264.level_asymmetry
    assert h264.sprop_parameter_sets == "Z0LAH9kA,aMuDyyA="
    assert h264.constrained
    assert not read("profile-level-id=42001f").constrained
    assert read("profile-level-id=42e01f").packetization_mode == 0
    assert not read("profile-level-id=42e01f").extends_level


@pytest.mark.parametrize(
    "line",
    [
        "profile-level-id=42e0",
        "profile-level-id=42e01f00",
        "profile-level-id=nonsense",
        "profile-level-id=42 e0 1f",
        "profile-level-id=",
        "packetization-mode=3",
        "packetization-mode=yes",
    ],
)
def test_a_format_line_without_meaning_is_none(line: str) -> None:
    assert read_format(read_parameters(line)) is None


def test_level_1b_is_written_in_the_spelling_of_its_profile() -> None:
    assert profile_level_id("42e0", 9) == "42f00b"
    assert profile_level_id("6400", 9) == "640009"
    assert profile_level_id("42e0", 31) == "42e01f"
