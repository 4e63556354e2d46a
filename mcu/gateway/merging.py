"""Two conferences that a room is in twice become one: those in the one move into the other, on their calls."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from mcu.conference.door.joining import JoinRefused, Newcomer, Seat
from mcu.conference.manager import ConferenceManager
from mcu.conference.model import Conference, Participant
from mcu.gateway.call_table import CallTable
from mcu.gateway.sip_gateway import SipGateway
from mcu.media.spec import LegSpec
from sip.errors import CallStateError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Move:
    """These participants go from one conference into another."""

    whom: tuple[Participant, ...]
    source: Conference
    target: Conference

    def fits(self, maximum: int) -> bool:
        """Whether the target has places for all of them; ``maximum`` participants are in one conference."""
        return len(self.target.participants) + len(self.whom) <= maximum


def best_move(calls: CallTable, first: tuple[Conference, str], second: tuple[Conference, str]) -> Move | None:
    """Who shall go where, of two conferences with the participant in each that a room has there.

    A call of two goes into a conference of many, one that is not recorded into one that is; else those of the first
    go, which is what an attended transfer says (RFC 5589 section 7). None when neither can be left: pages of browsers
    belong to their conference, and nobody is left behind.
    """
    moves = []
    for (source, asking), (target, _) in ((first, second), (second, first)):
        whom = tuple(each for each in source.participants if each.id != asking)
        if whom and all(calls.of_participant(each.id) is not None for each in whom):
            moves.append(Move(whom, source, target))
    return min(moves, key=lambda move: (not move.source.pair, move.source.recording is not None), default=None)


async def merge(move: Move, gateway: SipGateway, manager: ConferenceManager) -> bool:
    """Let them change their conference; False where not one could."""
    moved = [await _change(who, move.target, gateway, manager) for who in move.whom]
    return any(moved)


async def _change(who: Participant, target: Conference, gateway: SipGateway, manager: ConferenceManager) -> bool:
    call = gateway.calls.of_participant(who.id)
    if call is None or call.session is None or call.session.leg is None:
        return False
    session, leg = call.session, call.session.leg

    def make_leg(seat: Seat) -> LegSpec:
        if call.over:
            raise CallStateError(f"{call.handle} is over")
        session.seat = seat
        return leg

    await manager.leave(who.id, "moved")
    newcomer = Newcomer(who.name, "sip", gateway, make_leg, id=who.id, source=call.source)
    try:
        await manager.bring_in(target.id, newcomer)
    except (JoinRefused, CallStateError) as error:
        logger.info("call %s could not be moved: %s", call.handle, error)
        gateway.drop(call, "The conference has ended", "conference_ended")
        return False
    return True
