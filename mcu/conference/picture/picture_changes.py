"""What may be asked of a conference's picture and sound: parts to change, bounded, as they come from outside."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from mcu.media.spec import Corner, DecorationSpec, Model, ProcessingSpec, SeatingMode, SeatingSpec

MAXIMUM_TILE = 63
"""The last tile that can be named in a pin; no layout has as many."""

MAXIMUM_BANNER = 120
"""Characters of the line across the top: more does not fit over a picture in readable letters."""

MAXIMUM_CAPTION = 500
"""Characters of the line across the bottom, which may scroll."""

MAXIMUM_WATERMARK = 64

_Spec = TypeVar("_Spec", bound=Model)

Identifier = Annotated[str, Field(min_length=1, max_length=64)]


class Change(BaseModel):
    """Some fields of a description to set; what is left out stays. The defaults are those of the description."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True)

    def applied_to(self, spec: _Spec) -> _Spec:
        """The description with these fields set."""
        return spec.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})


class SeatingChange(Change):
    """Who sits where. Times in seconds.

    ``order``: by role, then as they joined. ``voice``: who speaks for ``switch_after`` gets the large tile, and keeps
    it for ``hold`` at least. ``polling``: the tiles go on to the next people every ``interval``. ``lecture``: all
    others see the participant ``lecturer``, who sees them in turn. ``pins``: tile number (from 0) to participant.
    """

    mode: SeatingMode = "order"
    switch_after: Annotated[float, Field(ge=0, le=30)] = SeatingSpec().switch_after
    hold: Annotated[float, Field(ge=0, le=120)] = SeatingSpec().hold
    interval: Annotated[float, Field(ge=2, le=3600)] = SeatingSpec().interval
    lecturer: Identifier | None = None
    pins: Annotated[
        dict[Annotated[int, Field(ge=0, le=MAXIMUM_TILE)], Identifier], Field(max_length=MAXIMUM_TILE + 1)
    ] = {}
    show_without_video: bool = True


class DecorationChange(Change):
    """What is drawn over the picture. ``logo`` is the id of one that was uploaded; ``time_zone`` an IANA name."""

    names: bool = True
    signs: bool = True
    speaker_frame: bool = True
    banner: Annotated[str, Field(max_length=MAXIMUM_BANNER, repr=False)] = ""
    caption: Annotated[str, Field(max_length=MAXIMUM_CAPTION, repr=False)] = ""
    scroll: bool = True
    watermark: Annotated[str, Field(max_length=MAXIMUM_WATERMARK, repr=False)] = ""
    logo: Identifier | None = None
    logo_corner: Corner = DecorationSpec().logo_corner
    clock: bool = False
    clock_corner: Corner = DecorationSpec().clock_corner
    time_zone: Identifier | None = None
    fill: Literal["fit", "crop"] = "fit"


class ProcessingChange(Change):
    """What is done to the sound: levels evened, noise taken away, a tone when somebody comes or goes."""

    level: bool = ProcessingSpec().level
    denoise: bool = ProcessingSpec().denoise
    tones: bool = ProcessingSpec().tones
