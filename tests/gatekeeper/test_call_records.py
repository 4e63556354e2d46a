"""The figures of a call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gatekeeper.call_records import CallRecord, Codecs, Figures, RunningCall

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def figures(received: int, lost: int = 0, jitter: float = 1.0) -> Figures:
    return Figures(received, lost, received, received * 100, received * 50, jitter, 3.0, 0.25)


def running() -> RunningCall:
    return RunningCall(CallRecord(id="c", endpoint="a@h", began_at=NOON, answered_at=NOON))


def test_rates_loss_and_jitter_of_a_call() -> None:
    call = running()
    call.negotiated({"video": Codecs("H264", "H264", 2_000_000)})
    assert call.count("video", figures(100, 0, 1.0)) == (100, 0)
    assert call.count("video", figures(180, 20, 3.0)) == (80, 20)
    record = call.end(NOON + timedelta(seconds=10), "left", None)
    video = record.video
    assert video is not None and record.audio is None
    assert (video.codec_sent, video.negotiated_bitrate, video.loss) == ("H264", 2_000_000, 0.1)
    assert (video.rate_received, video.rate_sent) == (14_400, 7_200)
    assert (video.jitter_ms, video.worst_jitter_ms, video.round_trip_ms, video.remote_loss) == (2.0, 3.0, 3.0, 0.25)
    assert record.seconds == 10 and record.reason == "left"


def test_counters_that_begin_anew_are_added() -> None:
    call = running()
    call.count("audio", figures(1000, 10))
    assert call.count("audio", figures(50, 1)) == (50, 1)
    assert call.count("audio", figures(100, 0)) == (50, 0), "late packets lower the count of lost ones"
    audio = call.snapshot(NOON).audio
    assert audio is not None and (audio.packets_received, audio.packets_lost) == (1100, 10)


def test_a_call_without_media_has_its_codecs_only() -> None:
    call = running()
    call.negotiated({"audio": Codecs("PCMA", "PCMA")})
    record = call.end(NOON, "left", None)
    assert record.audio is not None and record.audio.loss == 0 and record.seconds == 0
    assert CallRecord(id="c", endpoint="e", began_at=NOON).seconds == 0
