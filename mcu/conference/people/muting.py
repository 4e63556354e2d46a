"""What the chair has muted, beyond single participants who are there: all of them, who comes new, and who comes back.

Pure. Who leaves and dials in again is known again by its device where it names one, and by its name and network
address: leaving must not be a way to unmute oneself.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace

from mcu.conference.door.joining import Newcomer
from mcu.conference.model import Conference, Muted, Participant
from mcu.conference.roles import Role
from mcu.conference.text import clean_name

MOST_REMEMBERED = 1000
"""Of a conference. Who comes and goes under ever new names must not fill the memory; the oldest are forgotten."""

Key = tuple[str, ...]
"""What somebody is known again by."""

_MICROPHONE: Muted = "microphone"


class Mutes:
    """One for each conference that runs."""

    def __init__(self) -> None:
        self._remembered: OrderedDict[Key, frozenset[Muted]] = OrderedDict()
        self._present: dict[str, Newcomer] = {}
        self._by_itself: set[str] = set()

    def admitted(self, conference: Conference, participant: Participant, newcomer: Newcomer) -> Participant:
        """The participant as it comes in: muted where it was when it left, or where everybody is."""
        self._present[participant.id] = newcomer
        muted: set[Muted] = set()
        for key in _keys(newcomer, participant.name):
            muted |= self._remembered.get(key, frozenset())
        if conference.microphones_muted and participant.role is not Role.CHAIR:
            muted.add(_MICROPHONE)
        return _muted_by_chair(participant, muted) if muted else participant

    def left(self, participant: Participant) -> None:
        """Somebody is no longer there."""
        self._by_itself.discard(participant.id)
        newcomer = self._present.pop(participant.id, None)
        if newcomer is None:
            return
        # Under the name that it came with, and the one that it had at last.
        for key in {*_keys(newcomer, participant.name), *_keys(newcomer, clean_name(newcomer.name))}:
            self._remembered.pop(key, None)
            if participant.muted_by_chair:
                self._remembered[key] = participant.muted_by_chair
        while len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)

    def everybody(self, conference: Conference, muted: bool) -> Conference:
        """The conference with all microphones muted but those of chairs, or with that taken back.

        Taken back, who had muted itself before stays muted, and can unmute itself.
        """
        if muted:
            change, self._by_itself = self._mute, self._by_itself | _muted_by_themselves(conference.participants)
        else:
            change = self._unmute
            for key, remembered in list(self._remembered.items()):
                self._remembered[key] = remembered - {_MICROPHONE}
        changed = tuple(one if muted and one.role is Role.CHAIR else change(one) for one in conference.participants)
        if not muted:
            self._by_itself = set()
        return replace(conference, participants=changed, microphones_muted=muted)

    def _mute(self, participant: Participant) -> Participant:
        return _muted_by_chair(participant, {_MICROPHONE})

    def _unmute(self, participant: Participant) -> Participant:
        if _MICROPHONE not in participant.muted_by_chair:
            return participant
        return replace(
            participant,
            microphone_muted=participant.id in self._by_itself,
            muted_by_chair=participant.muted_by_chair - {_MICROPHONE},
        )


def _keys(newcomer: Newcomer, name: str) -> list[Key]:
    keys: list[Key] = []
    if newcomer.device:
        keys.append(("device", newcomer.kind, newcomer.device))
    if newcomer.source and name:
        keys.append(("name", newcomer.kind, newcomer.source, name))
    return keys


def _muted_by_themselves(participants: Iterable[Participant]) -> set[str]:
    return {one.id for one in participants if one.microphone_muted and _MICROPHONE not in one.muted_by_chair}


def _muted_by_chair(participant: Participant, muted: set[Muted]) -> Participant:
    return replace(
        participant,
        microphone_muted=participant.microphone_muted or "microphone" in muted,
        speaker_muted=participant.speaker_muted or "speaker" in muted,
        camera_muted=participant.camera_muted or "camera" in muted,
        muted_by_chair=participant.muted_by_chair | muted,
    )
