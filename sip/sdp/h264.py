"""H.264 in SDP (RFC 6184 section 8): profiles, levels, and what picture a receiver can take (ITU-T H.264 Annex A)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from sip.sdp.codecs import whole_number


class Profile(Enum):
    """The profiles that we decode and encode, named as x264 names them (baseline there is constrained baseline)."""

    BASELINE = "baseline"
    MAIN = "main"
    HIGH = "high"


@dataclass(frozen=True)
class Level:
    """A row of table A-1: macroblocks per second, macroblocks per picture, bit/s (Baseline and Main)."""

    number: int
    macroblock_rate: int
    picture_macroblocks: int
    bitrate: int


# ITU-T H.264 table A-1; level 1b is written as 9 (as in High profile) whatever its spelling was.
LEVELS = {
    number: Level(number, rate, size, kilobits * 1000)
    for number, rate, size, kilobits in (
        (9, 1_485, 99, 128),
        (10, 1_485, 99, 64),
        (11, 3_000, 396, 192),
        (12, 6_000, 396, 384),
        (13, 11_880, 396, 768),
        (20, 11_880, 396, 2_000),
        (21, 19_800, 792, 4_000),
        (22, 20_250, 1_620, 4_000),
        (30, 40_500, 1_620, 10_000),
        (31, 108_000, 3_600, 14_000),
        (32, 216_000, 5_120, 20_000),
        (40, 245_760, 8_192, 20_000),
        (41, 245_760, 8_192, 50_000),
        (42, 522_240, 8_704, 50_000),
        (50, 589_824, 22_080, 135_000),
        (51, 983_040, 36_864, 240_000),
        (52, 2_073_600, 36_864, 240_000),
    )
}

_HIGH_BITRATE = 1.25  # cpbBrVclFactor of High against Baseline and Main, table A-2

# Sizes that we send, all 16:9 or as near as whole macroblocks get, largest first.
_SIZES = ((1920, 1080), (1280, 720), (1024, 576), (848, 480), (640, 360), (512, 288), (416, 234), (320, 180), (160, 90))

_SMOOTH = 24  # frames/s; a smaller picture is better than a jerkier one


@dataclass(frozen=True)
class PictureLimit:
    """The largest picture, in pixels and frames/s, that a receiver can take."""

    width: int
    height: int
    frame_rate: int


@dataclass(frozen=True)
class MacroblockLimit:
    """What a decoder can take: macroblocks per second and per picture, and frames/s where it says so itself."""

    per_second: int
    per_picture: int
    frame_rate: int | None = None

    def picture(self, frame_rate: int) -> PictureLimit:
        """The largest picture we may send at ``frame_rate`` frames/s, or at a lower rate that is still smooth.

        Where even the smallest picture is too many macroblocks per second, the smallest at the rate that is left.
        """
        wanted = min(frame_rate, self.frame_rate or frame_rate)
        for width, height in _SIZES:
            macroblocks = _macroblocks(width, height)
            rate = min(wanted, self.per_second // macroblocks)
            if macroblocks <= self.per_picture and rate >= min(wanted, _SMOOTH):
                return PictureLimit(width, height, rate)
        width, height = _SIZES[-1]
        return PictureLimit(width, height, max(1, min(wanted, self.per_second // _macroblocks(width, height))))


@dataclass(frozen=True)
class H264Format:
    """An H.264 fmtp line, read. ``profile`` is None for one that we do not speak (Extended, High 10, 4:4:4 …).

    ``level`` is that of ``profile-level-id``; ``macroblock_rate``, ``picture_macroblocks`` and ``bitrate`` are what its
    writer can receive, the level with ``max-mbps``, ``max-fs`` and ``max-br`` counted in. ``frame_rate`` is Cisco's
    ``max-fps`` (which it writes in hundredths), if there.
    """

    profile: Profile | None
    profile_bytes: str
    level: int
    packetization_mode: int
    macroblock_rate: int
    picture_macroblocks: int
    bitrate: int
    frame_rate: int | None
    level_asymmetry: bool
    extends_level: bool
    sprop_parameter_sets: str | None

    @property
    def constrained(self) -> bool:
        """Whether constraint_set1_flag is set, which makes Baseline constrained baseline."""
        return bool(int(self.profile_bytes[2:], 16) & 0x40)

    def limit(self) -> MacroblockLimit:
        """What this format lets its writer receive."""
        return MacroblockLimit(self.macroblock_rate, self.picture_macroblocks, self.frame_rate)


def read_format(parameters: Mapping[str, str]) -> H264Format | None:
    """Read an fmtp line (names in lower case). None for one that contradicts RFC 6184 so far that it means nothing."""
    identifier = parameters.get("profile-level-id", "42000a")  # what RFC 6184 section 8.1 infers from its absence
    try:
        profile_idc, flags, level_idc = bytes.fromhex(identifier)
    except ValueError:
        return None
    mode = parameters.get("packetization-mode", "0") or "0"
    if mode not in ("0", "1", "2") or len(identifier) != 6:
        return None
    level = _level(profile_idc, flags, level_idc)
    profile = _profile(profile_idc, flags)
    bitrate = int(level.bitrate * (_HIGH_BITRATE if profile is Profile.HIGH else 1))
    rate = whole_number(parameters, "max-mbps", maximum=100_000_000)
    size = whole_number(parameters, "max-fs", maximum=1_000_000)
    kilobits = whole_number(parameters, "max-br", maximum=1_000_000)
    frames = whole_number(parameters, "max-fps", maximum=100_000)
    return H264Format(
        profile=profile,
        profile_bytes=identifier[:4].lower(),
        level=level.number,
        packetization_mode=int(mode),
        # RFC 6184 section 8.1: these are never less than the level's; devices that write less are taken at the level's
        macroblock_rate=max(level.macroblock_rate, rate or 0),
        picture_macroblocks=max(level.picture_macroblocks, size or 0),
        bitrate=max(bitrate, (kilobits or 0) * 1000),
        frame_rate=max(1, frames // 100) if frames else None,
        level_asymmetry=parameters.get("level-asymmetry-allowed") == "1",
        extends_level=bool(rate or size or kilobits),
        sprop_parameter_sets=parameters.get("sprop-parameter-sets") or None,
    )


def profile_level_id(profile_bytes: str, level: int) -> str:
    """The six hexadecimal digits for a profile's two octets as offered and a level (number times ten)."""
    if level == 9 and profile_bytes[:2] in ("42", "4d"):
        return f"{profile_bytes[:2]}{int(profile_bytes[2:], 16) | 0x10:02x}0b"
    return f"{profile_bytes}{level:02x}"


def _macroblocks(width: int, height: int) -> int:
    return ((width + 15) // 16) * ((height + 15) // 16)


def _profile(profile_idc: int, flags: int) -> Profile | None:
    """RFC 6184 table 5, less strict: Baseline counts as its constrained subset, which is all that anybody sends."""
    if profile_idc == 0x42 or (profile_idc in (0x4D, 0x58) and flags & 0x80):
        return Profile.BASELINE
    if profile_idc == 0x4D:
        return Profile.MAIN
    if profile_idc == 0x64:
        return Profile.HIGH
    return None


def _level(profile_idc: int, flags: int, level_idc: int) -> Level:
    """The level, or the next lower one of the table for a number that is not in it."""
    if level_idc == 11 and flags & 0x10 and profile_idc in (0x42, 0x4D, 0x58):
        return LEVELS[9]
    return LEVELS[max((number for number in LEVELS if number <= level_idc), default=10)]
