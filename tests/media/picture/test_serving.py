"""Receivers move from rung to rung at key frames, and are served all the time."""

from __future__ import annotations

from dataclasses import replace

from mcu.media.picture.serving import Serving
from mcu.media.picture.state import Rung
from mcu.media.units import CodedPicture

HIGH = Rung(1920, 1080, 30, 3_000_000)
LOW = Rung(1280, 720, 30, 768_000)


def picture(time: float, keyframe: bool = False) -> CodedPicture:
    return CodedPicture(b"x", keyframe, time)


def test_a_newcomer_waits_for_a_key_frame() -> None:
    serving: Serving[str] = Serving()
    assert serving.choose({"a": HIGH}) == {HIGH}
    assert serving.take(HIGH, picture(1.0)) == []
    assert [outlet for outlet, _ in serving.take(HIGH, picture(1.1, keyframe=True))] == ["a"]
    assert [outlet for outlet, _ in serving.take(HIGH, picture(1.2))] == ["a"]
    assert serving.choose({"a": HIGH, "b": HIGH}) == {HIGH}
    assert [outlet for outlet, _ in serving.take(HIGH, picture(1.3))] == ["a"]
    assert sorted(outlet for outlet, _ in serving.take(HIGH, picture(1.4, keyframe=True))) == ["a", "b"]


def test_the_old_rung_serves_until_the_new_one_has_made_a_key_frame() -> None:
    serving: Serving[str] = Serving()
    serving.choose({"a": HIGH, "b": HIGH})
    serving.take(HIGH, picture(1.0, keyframe=True))
    assert serving.choose({"a": LOW, "b": HIGH}) == {LOW}
    assert serving.rungs == {HIGH, LOW}
    assert len(serving.take(HIGH, picture(1.1))) == 2
    assert serving.take(LOW, picture(1.1)) == []
    assert [outlet for outlet, _ in serving.take(LOW, picture(1.2, keyframe=True))] == ["a"]
    assert [outlet for outlet, _ in serving.take(HIGH, picture(1.2))] == ["b"]
    serving.choose({"a": LOW, "b": LOW})
    serving.take(LOW, picture(1.3, keyframe=True))
    assert serving.rungs == {LOW}, "the old one is dropped with its last receiver"


def test_a_key_frame_of_the_old_rung_moves_nobody_back() -> None:
    serving: Serving[str] = Serving()
    serving.choose({"a": HIGH})
    serving.take(HIGH, picture(1.0, keyframe=True))
    serving.choose({"a": LOW})
    assert len(serving.take(HIGH, picture(1.1, keyframe=True))) == 1
    assert len(serving.take(LOW, picture(1.2, keyframe=True))) == 1
    assert serving.take(HIGH, picture(1.3, keyframe=True)) == []


def test_who_changes_its_mind_stays_where_it_is() -> None:
    serving: Serving[str] = Serving()
    serving.choose({"a": HIGH})
    serving.take(HIGH, picture(1.0, keyframe=True))
    serving.choose({"a": LOW})
    serving.choose({"a": HIGH})
    assert serving.rungs == {HIGH}
    assert len(serving.take(HIGH, picture(1.1))) == 1


def test_times_never_run_backwards_for_a_receiver() -> None:
    serving: Serving[str] = Serving()
    serving.choose({"a": HIGH})
    serving.take(HIGH, picture(1.0, keyframe=True))
    serving.take(HIGH, picture(1.030))
    serving.choose({"a": LOW})
    ((_, moved),) = serving.take(LOW, picture(1.028, keyframe=True))
    assert 1.030 < moved.time < 1.035
    assert moved.keyframe and moved.data == b"x"


def test_a_receiver_of_another_codec_is_not_sent_the_old_one() -> None:
    serving: Serving[str] = Serving()
    serving.choose({"a": HIGH})
    serving.take(HIGH, picture(1.0, keyframe=True))
    for other in (replace(HIGH, codec="VP8"), replace(HIGH, max_slice=1150), replace(HIGH, profile="high")):
        again: Serving[str] = Serving()
        again.choose({"a": HIGH})
        again.take(HIGH, picture(1.0, keyframe=True))
        again.choose({"a": other})
        assert again.rungs == {other}
        assert again.take(HIGH, picture(1.1)) == []


def test_smaller_slices_are_a_reason_to_wait_for_nobody_who_takes_large_ones() -> None:
    for before, after in (
        (HIGH, replace(HIGH, max_slice=1100, intra_refresh=True)),
        (replace(HIGH, max_slice=1100), HIGH),
    ):
        serving: Serving[str] = Serving()
        serving.choose({"a": before})
        serving.take(before, picture(1.0, keyframe=True))
        serving.choose({"a": after})
        assert [outlet for outlet, _ in serving.take(before, picture(1.1))] == ["a"]


def test_who_leaves_is_served_no_more() -> None:
    serving: Serving[str] = Serving()
    serving.choose({"a": HIGH, "b": HIGH})
    serving.take(HIGH, picture(1.0, keyframe=True))
    serving.forget("a")
    assert [outlet for outlet, _ in serving.take(HIGH, picture(1.1))] == ["b"]
    assert serving.wanted("a") is None and serving.wanted("b") == HIGH
    serving.choose({})
    assert serving.rungs == frozenset()
