"""Under which SSRCs a leg sends, and where each of its streams begins."""

from __future__ import annotations

import random
from collections.abc import Mapping

from mcu.media.leg_transport import LegTransport
from mcu.media.numbering import LegNumbering, merged
from mcu.media.rtp.beginning import Beginning
from mcu.media.spec import (
    Continuation,
    LegNumbers,
    LegSpec,
    Line,
    Path,
    PathNumbers,
    PlainTransport,
    SdesKeys,
    SentNumbers,
)
from mcu.media.transport.srtp_numbers import protection_of


class LegBeginnings:
    """Of a leg that is being opened. ``known``: how far it had come when it was open before, in this process."""

    def __init__(self, spec: LegSpec, known: LegNumbers | None, rng: random.Random) -> None:
        self._rng = rng
        self._transport = spec.transport
        self.numbering = LegNumbering(spec.continuation or Continuation(seed=rng.getrandbits(64)), known)
        keys = self.numbering.keys
        self._bundled = protection_of(keys) if keys is not None else "none yet"

    def ssrc(self, media: Line, ssrc: int) -> int:
        """Under which we send this line, where the description says ``ssrc``."""
        if not isinstance(self._transport, PlainTransport):
            return ssrc
        if media not in self._transport.security:
            return ssrc
        before = self.numbering.path(media, self._protection(media)[1]).ssrc
        if self.numbering.inherited and before is not None:
            return before
        # SDES keys outlive a leg that is opened anew; under the same SSRC two packets would share a key stream (RFC
        # 3711 section 9.1).
        return self._rng.getrandbits(32) or 1

    def beginning(self, media: Line, ssrc: int) -> Beginning:
        """Where what we send under ``ssrc`` begins."""
        return self.numbering.beginning(*self._protection(media), ssrc)

    def _protection(self, media: Line) -> tuple[Path, str]:
        if not isinstance(self._transport, PlainTransport):
            return "bundle", self._bundled
        security = self._transport.security.get(media)
        if security is None:
            return media, ""
        # Keys of a handshake are not there yet, so nothing was counted under them.
        return media, protection_of(security) if isinstance(security, SdesKeys) else "none yet"


def leg_numbers(transport: LegTransport, counted: Mapping[Line, tuple[int, SentNumbers]]) -> LegNumbers:
    """How far a leg has come: what its streams have ``counted``, by SSRC, and what its paths have protected."""
    numbers = transport.numbers()
    paths: dict[Path, PathNumbers] = {}
    for path, each in numbers.paths.items():
        mine = {ssrc: sent for line, (ssrc, sent) in counted.items() if path in ("bundle", line)}
        ssrc = next(iter(mine), None) if path != "bundle" else None
        paths[path] = each.model_copy(update={"ssrc": ssrc, "sent": merged(mine, each.sent)})
    return numbers.model_copy(update={"paths": paths})
