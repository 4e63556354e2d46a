"""Received pictures: from packets in order, with gaps told, to access units that a decoder can use.

Compiled code puts packets together; what becomes of a picture is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from mcu.media.packets import PacketJoiner
from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.unwrap import Unwrapper
from mcu.media.units import CodedPicture, VideoFormat

# Some old rooms never answer a request for a key frame. After this long a smeared picture helps more than a still one.
MAX_WAIT_FOR_KEY_FRAME = 2.0
# Once a peer has shown that it does not answer, waiting that long after every loss would be mostly stillness.
SHORT_WAIT_FOR_KEY_FRAME = 0.3
# Between pictures that are not further apart than this, in steps as usual, no picture is missing.
_USUAL = 1.5
# How fast the usual step grows where pictures come more seldom than before, for each picture.
_STEP_GROWTH = 1.02


class Depacketizer(Protocol):
    """What collects the payloads of one picture; see ``H264Depacketizer``."""

    clean_start: bool
    damaged: bool

    @property
    def conceals(self) -> bool:
        """Whether decoders of this format mend pictures of which packets are missing."""

    @property
    def recovery_point(self) -> bool: ...
    @property
    def empty(self) -> bool: ...
    @property
    def keyframe(self) -> bool: ...
    @property
    def whole(self) -> bool: ...
    def push(self, payload: bytes, /) -> None: ...
    def take(self) -> tuple[bytes, bool] | None: ...
    def reset(self) -> None: ...
    def cut(self) -> None: ...


class VideoAssembler(PacketJoiner):
    """Makes ``pictures`` out of packets. A picture ends at its marker bit, or where the timestamp changes.

    After a loss nothing is passed on until the next key frame, for what refers to a lost picture cannot be decoded.
    With ``conceal``, for peers that cannot repeat what was lost, it goes on instead: what is there is passed on as
    damaged, once there has been a key frame.
    ``needs_key_frame`` says that one should be asked for. ``refreshed`` is set when one came, ``key_frame_lost`` when
    one came in part; both are for the reader to clear.
    """

    __slots__ = (
        "_begun",
        "_between",
        "_conceal",
        "_doubtful",
        "_finished",
        "_formats",
        "_patience",
        "_step",
        "_timestamps",
        "_waiting_since",
        "dropped",
        "key_frame_lost",
        "needs_key_frame",
        "pictures",
        "refreshed",
    )

    def __init__(
        self,
        depacketizers: Mapping[int, Depacketizer],
        on_malformed: Callable[[PayloadError], None],
        now: float,
        formats: Mapping[int, VideoFormat] | None = None,
        conceal: bool = False,
        repairs_between: bool = False,
    ) -> None:
        """``depacketizers`` by payload type, not empty; ``on_malformed`` hears of payloads that break their format.

        ``formats`` tells the pictures' codec by payload type. With ``repairs_between`` packets between pictures may be
        such as only repair others: then it is told by the timestamps whether a picture is missing.
        """
        super().__init__(dict(depacketizers), on_malformed)
        self._formats = formats or {}
        self._timestamps = Unwrapper(32)
        self._conceal = conceal
        self._between = repairs_between
        self._doubtful = False
        self._finished = 0
        self._step = 0.0
        self._begun = False
        self._waiting_since: float | None = now
        self._patience = MAX_WAIT_FOR_KEY_FRAME
        self.pictures: list[CodedPicture] = []
        self.needs_key_frame = False
        self.refreshed = False
        self.key_frame_lost = False
        self.dropped = 0

    @property
    def waiting(self) -> bool:
        """Pictures are dropped until a key frame comes."""
        return self._waiting_since is not None

    def gap(self, now: float) -> None:
        """Packets before the next one will never come."""
        if not self.depacketizer.empty:
            if self._conceals:
                self.depacketizer.cut()
            else:
                self._drop(now)
        elif self._between:
            self.after_gap = self._doubtful = True
            return
        self.after_gap = True
        self._lose(now)

    @property
    def _conceals(self) -> bool:
        return self._conceal and self._begun and bool(self.depacketizer.conceals)

    def finish(self, now: float) -> None:
        """The picture in hand is as whole as it will be: pass it on or drop it."""
        depacketizer = self.depacketizer
        if self._between:
            self._watch_steps(now)
        if not depacketizer.whole:
            if self._conceals:
                self._finish_damaged(now)
            else:
                self._drop(now)
            return
        recovery_point = depacketizer.recovery_point
        taken = depacketizer.take()
        if taken is None:
            return
        data, keyframe = taken
        since = self._waiting_since
        if since is not None:
            if not keyframe and not recovery_point and self._conceals:
                self.needs_key_frame = True
                self._pass_on(data, keyframe, now, damaged=True)
                return
            if not keyframe and not recovery_point:
                if now - since < self._patience:
                    self.dropped += 1
                    self.needs_key_frame = True
                    return
                self._patience = SHORT_WAIT_FOR_KEY_FRAME
            self._waiting_since = None
        if keyframe or recovery_point:
            self._patience = MAX_WAIT_FOR_KEY_FRAME
            self.needs_key_frame = False
            self.refreshed = True
            self._begun = True
        self._pass_on(data, keyframe, now)

    def _watch_steps(self, now: float) -> None:
        """After a gap between pictures: whether one of them was in it."""
        step = (self.timestamp - self._finished) & 0xFFFFFFFF
        if self._doubtful and step > _USUAL * self._step:
            self._lose(now)
        self._doubtful = False
        self._step = min(step, self._step * _STEP_GROWTH) if self._step else step
        self._finished = self.timestamp

    def _finish_damaged(self, now: float) -> None:
        """Pass on what there is of the picture in hand; a decoder mends the rest."""
        if self.depacketizer.keyframe:
            self.key_frame_lost = True
        taken: tuple[bytes, bool] | None = self.depacketizer.take()
        self._lose(now)
        if taken is None:
            self.depacketizer.reset()
            self.dropped += 1
            return
        self._pass_on(*taken, now, damaged=True)

    def _pass_on(self, data: bytes, keyframe: bool, now: float, damaged: bool = False) -> None:
        timestamp = self._timestamps.unwrap(self.timestamp)
        codec = self._formats.get(self.payload_type)
        self.pictures.append(CodedPicture(data, keyframe, now, timestamp, codec, damaged))

    def _drop(self, now: float) -> None:
        if self.depacketizer.keyframe:
            self.key_frame_lost = True
        self.depacketizer.reset()
        self.dropped += 1
        self._lose(now)

    def _lose(self, now: float) -> None:
        self.needs_key_frame = True
        if self._waiting_since is None:
            self._waiting_since = now
