from __future__ import annotations

import itertools
import re
import subprocess
from pathlib import Path

import pytest

from recorder.index import FragmentEntry, PartEnd, PartHeader, PartIndex
from recorder.layout import part_file
from recorder.store import IndexedPart, RecordingStore
from tests.recorder.playback import decode
from vod.playlists import TARGET_SECONDS, media_playlist, multivariant_playlist, playable, segments


def part(
    keys: list[int], duration: int = 30_000, number: int = 1, codecs: tuple[str, ...] = ("avc1.42c01f",)
) -> IndexedPart:
    """A part whose fragments last a third of a second; ``keys`` tells by 1 and 0 which begin with a key frame."""
    entries = tuple(FragmentEntry(n * duration, duration, 1000 + n * 500, 500, bool(key)) for n, key in enumerate(keys))
    return IndexedPart(
        number, PartIndex(PartHeader(1_700_000_000.0, 1000, 320, 180, codecs), entries, PartEnd.FINAL, 0)
    )


def test_segments_begin_at_key_frames_and_cover_the_part_without_a_hole() -> None:
    cut = segments(part([1, 0, 0] * 7 + [1, 0]))
    assert [round(segment.duration, 3) for segment in cut] == [2.0, 2.0, 2.0, 1.667]
    assert cut[0].offset == 1000
    for before, after in itertools.pairwise(cut):
        assert before.offset + before.size == after.offset
        assert before.start + before.duration == pytest.approx(after.start)


def test_key_frames_in_quick_succession_do_not_make_tiny_segments() -> None:
    assert [segment.duration for segment in segments(part([1] * 18))] == [2.0, 2.0, 2.0]


def test_a_growing_part_withholds_what_may_still_become_longer() -> None:
    growing = part([1, 0, 0] * 2)
    assert segments(growing, growing=True) == []
    assert not playable([growing], growing=True) and playable([growing])
    assert len(segments(part([1, 0, 0] * 5), growing=True)) == 2


def test_a_playlist_of_a_recording_in_progress_is_an_event_without_end_and_with_a_fixed_target() -> None:
    text = media_playlist([part([1, 0, 0] * 5)], growing=True)
    assert "#EXT-X-PLAYLIST-TYPE:EVENT\n" in text and "#EXT-X-ENDLIST" not in text
    assert f"#EXT-X-TARGETDURATION:{TARGET_SECONDS}\n" in text
    longer = media_playlist([part([1, 0, 0] * 50)], growing=True)
    assert longer.startswith(text)


def test_no_segment_is_longer_than_the_target_duration() -> None:
    text = media_playlist([part([1] + [0] * 40)])
    target = int(re.findall(r"TARGETDURATION:(\d+)", text)[0])
    assert max(float(seconds) for seconds in re.findall(r"#EXTINF:([\d.]+),", text)) <= target == 14


def test_parts_come_after_a_discontinuity_with_their_own_init_segment_and_wall_clock_time() -> None:
    lines = media_playlist([part([1, 0, 0]), part([], number=2), part([1, 0], number=3)]).splitlines()
    assert lines == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:1",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MAP:URI="parts/0001.mp4",BYTERANGE="1000@0"',
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z",
        "#EXTINF:1.000000,",
        "#EXT-X-BYTERANGE:1500@1000",
        "parts/0001.mp4",
        "#EXT-X-DISCONTINUITY",
        '#EXT-X-MAP:URI="parts/0003.mp4",BYTERANGE="1000@0"',
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z",
        "#EXTINF:0.666667,",
        "#EXT-X-BYTERANGE:1000@1000",
        "parts/0003.mp4",
        "#EXT-X-ENDLIST",
    ]


def test_the_multivariant_playlist_names_every_codec_and_the_bit_rates() -> None:
    text = multivariant_playlist(
        [part([1, 0, 0], codecs=("avc1.42c01f",)), part([1, 0], number=2, codecs=("avc1.64001f", "mp4a.40.2"))]
    )
    assert 'CODECS="avc1.42c01f,avc1.64001f,mp4a.40.2"' in text
    assert "BANDWIDTH=12000,AVERAGE-BANDWIDTH=12000" in text
    assert "RESOLUTION=320x180" in text
    assert text.endswith("\nmedia.m3u8\n")


def test_every_byte_range_of_a_real_recording_decodes_to_what_the_playlist_promises(recorded: RecordingStore) -> None:
    recording = recorded.open("two-parts")
    assert recording.duration == pytest.approx(10.5, abs=0.01)
    pictures, flashes = 0, []
    position = 0.0
    for one in recorded.index(recording):
        data = recorded.part_file("two-parts", one.number).read_bytes()
        for segment in segments(one):
            shown = decode(data[: one.index.header.init_size] + data[segment.offset : segment.offset + segment.size])
            assert shown.pictures[0] == pytest.approx(segment.start, abs=0.001)
            assert segment.duration - 0.04 < shown.pictures[-1] - shown.pictures[0] < segment.duration
            assert shown.sound_end == pytest.approx(segment.start + segment.duration, abs=0.05)
            pictures += len(shown.pictures)
            flashes += [position + flash - segment.start for flash in shown.flashes()]
            position += segment.duration
    assert pictures == 195 + 120
    assert flashes == pytest.approx([3.0, 8.0], abs=0.02)


def run_in(directory: Path, *command: str) -> tuple[str, str]:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, done.stderr


def test_ffmpeg_plays_the_playlist_without_complaint(recorded: RecordingStore, tmp_path: Path) -> None:
    """Each part by itself: ffmpeg 5 takes no second init segment ("Found duplicated MOOV Atom"); players do."""
    recording = recorded.open("two-parts")
    (tmp_path / "parts").symlink_to(part_file(recorded.root / "two-parts", 1).parent)
    for one, count in zip(recorded.index(recording), (195, 120), strict=True):
        (tmp_path / "media.m3u8").write_text(media_playlist([one]))
        (tmp_path / "playlist.m3u8").write_text(multivariant_playlist([one]))
        assert run_in(tmp_path, "ffmpeg", "-v", "warning", "-xerror", "-i", "playlist.m3u8", "-f", "null", "-")[1] == ""
        shown, complaint = run_in(
            tmp_path, "ffprobe", "-v", "warning", "-select_streams", "v", "-count_frames", "-of", "csv=p=0",
            "-show_entries", "stream=nb_read_frames:format=duration", "media.m3u8",
        )  # fmt: skip
        frames, *_, seconds = shown.split()
        assert (int(frames), complaint) == (count, "")
        assert float(seconds) == pytest.approx(one.index.duration, abs=0.01)
