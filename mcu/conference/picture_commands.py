"""Commands on what is seen and heard: who sits where, what is drawn, roles, layouts and logos of one's own."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcu.conference.picture.picture_changes import DecorationChange, ProcessingChange, SeatingChange
from mcu.conference.roles import Role
from mcu.media.spec import CellSpec, ContentChoice


@dataclass(frozen=True)
class SetLayout:
    """Choose a layout of the catalogue, one of one's own, or "auto". A permanent room keeps it."""

    number: str
    layout: str


@dataclass(frozen=True)
class ArrangeSeats:
    """Change who sits where. A permanent room keeps the mode and its times."""

    number: str
    change: SeatingChange


@dataclass(frozen=True)
class Decorate:
    """Change what is drawn over the picture. A permanent room keeps it."""

    number: str
    change: DecorationChange


@dataclass(frozen=True)
class ProcessSound:
    """Change what is done to the sound. A permanent room keeps it."""

    number: str
    change: ProcessingChange


@dataclass(frozen=True)
class SetRole:
    """Give a participant a role; who matters more is seated before others."""

    participant_id: str
    role: Role


@dataclass(frozen=True)
class HideParticipant:
    """Leave a participant out of everybody's picture (True), or show it again."""

    participant_id: str
    hidden: bool


@dataclass(frozen=True)
class PinParticipant:
    """Keep a participant in one tile (from 0) of the conference's picture; None: it sits as all others."""

    participant_id: str
    tile: int | None


@dataclass(frozen=True)
class AdjustSound:
    """Set what is not None: ``gain`` on its sound and ``listen_gain`` on what it hears, in dB; ``music`` mode."""

    participant_id: str
    gain: float | None = None
    listen_gain: float | None = None
    music: bool | None = None


@dataclass(frozen=True)
class SetOwnSeating:
    """Let one participant have a picture of its own in who sits where; None: as everybody sees."""

    participant_id: str
    change: SeatingChange | None


@dataclass(frozen=True)
class HideSelf:
    """Leave a participant out of its own picture (True), or show it there as to all others."""

    participant_id: str
    hide: bool


@dataclass(frozen=True)
class ChooseContent:
    """How a participant gets what is shared: see ``LegSpec.content_choice``."""

    participant_id: str
    choice: ContentChoice


@dataclass(frozen=True)
class ChooseForwarding:
    """Whether a participant gets others' pictures as they are, each on its own; None: as is usual in the conference."""

    participant_id: str
    forwarded: bool | None


@dataclass(frozen=True)
class SetForwarding:
    """Whether who has not chosen gets others' pictures as they are, where it can. A permanent room keeps it."""

    number: str
    forwarded: bool


@dataclass(frozen=True)
class ChooseForwardedSound:
    """Whether a participant gets others' sound as it is, not mixed; None: as is usual in the conference."""

    participant_id: str
    forwarded: bool | None


@dataclass(frozen=True)
class SetForwardedSound:
    """Whether who has not chosen gets others' sound as it is, where it can. A permanent room keeps it."""

    number: str
    forwarded: bool


@dataclass(frozen=True)
class AddLayout:
    """Keep a layout of one's own under a name that is not taken. Its first cell is the most prominent."""

    name: str
    cells: tuple[CellSpec, ...]
    overlap: bool = False


@dataclass(frozen=True)
class RemoveLayout:
    """Forget a layout of one's own that nobody uses."""

    name: str


@dataclass(frozen=True)
class AddLogo:
    """Keep a picture (PNG) to be drawn over conferences."""

    data: bytes = field(repr=False)


@dataclass(frozen=True)
class RemoveLogo:
    """Forget a logo that nobody uses."""

    logo_id: str


ArrangementCommand = SetLayout | ArrangeSeats | Decorate | ProcessSound | SetForwarding | SetForwardedSound
OwnViewCommand = SetOwnSeating | HideSelf | ChooseContent | ChooseForwarding | ChooseForwardedSound
PresenceCommand = SetRole | HideParticipant | AdjustSound
LibraryCommand = AddLayout | RemoveLayout | AddLogo | RemoveLogo
