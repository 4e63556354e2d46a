"""Facts: what a media worker reports to the control side. Never a packet, never more often than a person could use."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from mcu.media.spec import CameraRequest, LegNumbers, Line, Model, SdesKeys


class Capacity(Model):
    """What the machine of a worker can do, measured at its start or set by hand.

    ``ports``: pictures of 1080p30 composed and encoded at once. ``encoding`` and ``composing`` are the parts of that
    work, ``decoding`` is that of one 1080p30 source beside it.
    """

    ports: float
    encoding: float = 0.75
    composing: float = 0.25
    decoding: float = 0.28


class LegFlowing(Model):
    """The first packets of this medium came in from the leg (also after a silence)."""

    kind: Literal["leg_flowing"] = "leg_flowing"
    conference: str
    leg: str
    media: Literal["audio", "video", "content"]


class LegSilent(Model):
    """Nothing at all has come in from the leg for ``seconds``; the gateway decides whether that ends the call."""

    kind: Literal["leg_silent"] = "leg_silent"
    conference: str
    leg: str
    seconds: float


class LegFailed(Model):
    """The leg cannot work (port taken, DTLS refused, codec missing); ``reason`` is for the administrator."""

    kind: Literal["leg_failed"] = "leg_failed"
    conference: str
    leg: str
    reason: str


class LegConnected(Model):
    """A leg has finished DTLS. A successor of the worker needs what came out.

    ``keys`` are those of a room's m-lines, ``bundled`` those of a browser.
    """

    kind: Literal["leg_connected"] = "leg_connected"
    conference: str
    leg: str
    keys: dict[Line, SdesKeys] = Field(default_factory=dict, repr=False)
    bundled: SdesKeys | None = Field(None, repr=False)


class NumbersReached(Model):
    """How far the streams of these legs have come; sent so often that a successor can go on beyond it, safely."""

    kind: Literal["numbers_reached"] = "numbers_reached"
    conference: str
    legs: dict[str, LegNumbers]


class KeyFrameWanted(Model):
    """The leg's video needs a key frame and RTCP alone has not brought one: signalling may ask too (RFC 5168)."""

    kind: Literal["key_frame_wanted"] = "key_frame_wanted"
    conference: str
    leg: str


class DigitPressed(Model):
    """A digit of the keypad, reported once for each way it came: as telephone event (RFC 4733), or as tone."""

    kind: Literal["digit_pressed"] = "digit_pressed"
    conference: str
    leg: str
    digit: str
    way: Literal["event", "tone"] = "event"


class CameraRequested(Model):
    """A room asks to move the camera that it sees (H.281). What it began it also ends, by itself or by our clock."""

    kind: Literal["camera_requested"] = "camera_requested"
    conference: str
    leg: str
    request: CameraRequest


class CameraFound(Model):
    """The leg's camera can be moved from afar (H.281), and has so many presets."""

    kind: Literal["camera_found"] = "camera_found"
    conference: str
    leg: str
    presets: int


class SpeakerChanged(Model):
    """Who speaks now; None when nobody does."""

    kind: Literal["speaker_changed"] = "speaker_changed"
    conference: str
    leg: str | None


class SlotsChanged(Model):
    """Whom each slot of a leg shows now; None for a slot that shows nobody. ``shared``: it gets as it is what this leg
    shares. ``sound_behind``: by how many milliseconds the mix leaves later than the picture that belongs to it; 0 where
    that is not known, or the sound is not mixed."""

    kind: Literal["slots_changed"] = "slots_changed"
    conference: str
    leg: str
    shown: tuple[str | None, ...]
    shared: str | None = None
    sound_behind: tuple[int, ...] = ()


class RecordingProgress(Model):
    """So much of a recording is safely on disk."""

    kind: Literal["recording_progress"] = "recording_progress"
    conference: str
    recording: str
    seconds: float
    bytes: int


class RecordingFailed(Model):
    """A recording cannot go on (disk full, folder gone); what was written stays."""

    kind: Literal["recording_failed"] = "recording_failed"
    conference: str
    recording: str
    reason: str


class LegStatistics(Model):
    """Counters of a leg since it began, sent every few seconds. Rates in bit/s, jitter and round trip in ms.

    Of pictures also ``packets_recovered``, what repair packets told after it was lost, and ``repair_packets_sent``
    (forward error correction). Of sound also ``playout_ms``, how long it waits at present to even out the network's
    jitter, and ``concealed_ms``, how much of it has been made up since it was lost.
    """

    kind: Literal["leg_statistics"] = "leg_statistics"
    conference: str
    leg: str
    media: Literal["audio", "video", "content"]
    packets_received: int = 0
    packets_lost: int = 0
    bytes_received: int = 0
    packets_sent: int = 0
    bytes_sent: int = 0
    jitter_ms: float = 0.0
    round_trip_ms: float | None = None
    remote_fraction_lost: float = 0.0
    malformed: int = 0
    packets_recovered: int = 0
    repair_packets_sent: int = 0
    playout_ms: float = 0.0
    concealed_ms: float = 0.0


class ConferenceStatistics(Model):
    """What the media of a conference cost and deliver. ``composite_fps`` is measured over the last interval."""

    kind: Literal["conference_statistics"] = "conference_statistics"
    conference: str
    composite_fps: float
    composite_dropped: int
    late_audio_ticks: int
    encoders: int


Fact = Annotated[
    LegFlowing
    | LegSilent
    | LegFailed
    | LegConnected
    | NumbersReached
    | KeyFrameWanted
    | DigitPressed
    | CameraRequested
    | CameraFound
    | SpeakerChanged
    | SlotsChanged
    | RecordingProgress
    | RecordingFailed
    | LegStatistics
    | ConferenceStatistics,
    Field(discriminator="kind"),
]

FACT: TypeAdapter[Fact] = TypeAdapter(Fact)
