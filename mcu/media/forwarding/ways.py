"""By which way each picture gets to a viewer: as it is, or in a composed one."""

from __future__ import annotations

from collections.abc import Callable

from mcu.media.forwarding.codecs import can_be_shown, can_get_shared, gives_pictures, is_forwarded, usual_codec
from mcu.media.forwarding.published import PictureMedia
from mcu.media.forwarding.sources import LegSources
from mcu.media.spec import CodecSpec, ConferenceSpec, LegSpec, VideoSpec


class Ways:
    """Of a conference, whose description is ``spec``. ``sources`` gives the pictures that a leg sends, None for what is
    no browser; ``is_too_narrow`` tells whether what somebody (the second) shares does not get through to a viewer (the
    first) as it is.
    """

    def __init__(
        self,
        spec: ConferenceSpec,
        sources: Callable[[str], LegSources | None],
        is_too_narrow: Callable[[str, str], bool],
    ) -> None:
        self.spec = spec
        self._sources = sources
        self._is_too_narrow = is_too_narrow

    def sharer_for(self, viewer: LegSpec, now: float) -> LegSpec | None:
        """Who shares, where this leg gets that as it is."""
        if viewer.shared is None or self.spec.content_from is None or self.spec.page is not None:
            return None
        sharer = next((leg for leg in self.spec.legs if leg.id == self.spec.content_from), None)
        if sharer is None or sharer.content is None or not sharer.content.receive or sharer.held:
            return None
        if self._is_too_narrow(viewer.id, sharer.id):
            return None
        codec = self._codec(sharer, sharer.content, "content", now)
        return sharer if can_get_shared(viewer, sharer, codec) else None

    def remainder(self, viewer: LegSpec, now: float) -> frozenset[str] | None:
        """Who has to be composed for this leg, since no slot can show them; None where all are."""
        if not is_forwarded(viewer) or self.spec.page is not None:
            return None
        return frozenset(
            leg.id
            for leg in self.spec.legs
            if leg.id != viewer.id
            and gives_pictures(leg)
            and not can_be_shown(viewer, leg, self._codec(leg, leg.video, "video", now))
        )

    def _codec(self, leg: LegSpec, line: VideoSpec | None, media: PictureMedia, now: float) -> CodecSpec | None:
        """What somebody sends, or is going to."""
        sources = self._sources(leg.id)
        return (None if sources is None else sources.codec(now, media)) or usual_codec(line)
