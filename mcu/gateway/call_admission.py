"""The gatekeeper's word on each call: where it goes, how much bandwidth it gets, and that both are written down."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

from gatekeeper.alarms import AlarmTopic
from gatekeeper.bandwidth import Granted, Refusing, Shortage, Wish
from gatekeeper.dialing import PIN_SEPARATOR, Routed
from gatekeeper.inventory import Sighting
from mcu.gateway.call_description import Peer, described, endpoint_id, rates_of, user_host
from mcu.gateway.call_log import CallLog
from mcu.gateway.call_policy import SOUND_RATE, CallPolicy
from mcu.media.spec import LegSpec, WebRtcTransport
from sip import events as sip_events

logger = logging.getLogger(__name__)

GAVE_WAY = "gave way to an important call"

WORTH_RAISING = 1.25
"""A rate is not raised by less, unless it is whole again then: each time, a room is asked to agree anew."""

BUDGET_QUIET = timedelta(minutes=2)
"""After so long without a call that was lowered or refused, the bandwidth of a zone or class suffices again."""

LEAST_PICTURE = 64_000
"""A call that is in is not refused a new offer: a camera switched on in a full zone gets this much, in bit/s."""


class CallSteering(Protocol):
    """Whoever serves calls: made to give way to important ones. Both tell whether the call is one of theirs."""

    def set_rate(self, call: str, picture: int) -> bool:
        """The call's pictures take no more than this each way from now on, in bit/s. Never waits."""

    def make_way(self, call: str) -> bool:
        """End the call, for its bandwidth is needed. Never waits."""


class CallAdmission:
    """One for the server; the gateways ask it, and tell it of every end, as often as they like."""

    def __init__(self, policy: CallPolicy, log: CallLog) -> None:
        self.policy = policy
        self.log = log
        self._wishes: dict[str, tuple[Wish, Peer]] = {}
        self._steering: list[CallSteering] = []
        # Calls that gave way, with the rate of picture that they had.
        self._lowered: dict[str, int] = {}

    def steer_by(self, steering: CallSteering) -> None:
        """Let this one's calls give way to important ones."""
        self._steering.append(steering)

    def receive(self, event: sip_events.IncomingCall) -> Routed:
        """Where an incoming call goes. From now on the call is known here, until ``ended``."""
        peer = Peer(event.from_uri, event.source.remote[0], event.from_name, event.user_agent, event.source.transport)
        routing = self.policy.route(event.request_uri, peer.address)
        dialled, _, _ = user_host(event.request_uri)[0].partition(PIN_SEPARATOR)
        self._begin(
            event.call_id, peer, "in", dialled, described(routing.destination), is_important=routing.is_important
        )
        return routing.destination

    def take_place(self, event: sip_events.IncomingCall, number: str) -> None:
        """An incoming call takes the place of one between two rooms, under a number that nobody can dial."""
        peer = Peer(event.from_uri, event.source.remote[0], event.from_name, event.user_agent, event.source.transport)
        self._begin(event.call_id, peer, "in", number, f"room {number}")

    def adopt(self, call: str, peer: Peer) -> None:
        """A call out, or one that came another way, is there. Nothing for one that is known."""
        if call not in self._wishes:
            self._begin(call, peer, "out", peer.uri, peer.uri)

    def join(self, call: str, peer: Peer, number: str) -> int | None:
        """A browser joins the room with this number. Returns the picture, in bit/s, that it may have; None: any.

        Raises Refusing when there is no bandwidth for it: its call is over then.
        """
        important = self.policy.leads_to_important_room(number, peer.address)
        self._begin(call, peer, "in", number, f"room {number}", is_important=important, kind="browser")
        try:
            rate = self.reserve(call)
        except Refusing as refusing:
            self.ended(call, "refused", 503, str(refusing))
            raise
        return rate if self._is_limited(call) else None

    def join_again(self, call: str) -> int | None:
        """A browser sets its media up anew: the picture, in bit/s, that it may have; None: any."""
        rate = self.negotiate_again(call)
        return rate if rate is not None and self._is_limited(call) else None

    def _is_limited(self, call: str) -> bool:
        wish, _ = self._wishes[call]
        return wish.zone.budget.is_limited or (wish.device_class is not None and wish.device_class.budget.is_limited)

    def knows(self, call: str) -> bool:
        """Whether the call is in the books."""
        return call in self._wishes

    def reserve(self, call: str) -> int:
        """The picture, in bit/s, that the call may negotiate: at least what it has. Raises Refusing."""
        wish, _ = self._wishes[call]
        try:
            granted = self.policy.ledger.ask(call, replace(wish, picture=self.policy.picture_rate))
        except Refusing as refusing:
            self._short(refusing.shortage)
            raise
        if granted.shortage is not None:
            self._short(granted.shortage)
        self.log.note(call, lowered="" if granted.shortage is None else str(granted.shortage))
        if granted.shortage is None:
            self._lowered.pop(call, None)
        self._make_way(granted)
        return granted.picture

    def entered(self, leg: str, number: str) -> None:
        """The call with this leg has come into a room: out of the menu, or since the server called it.

        From now on it counts as the room's calls do; nothing for a leg that is not known.
        """
        call = self.log.call_of(leg)
        if call is None or call not in self._wishes:
            return
        self.log.came_into(call, number)
        wish, peer = self._wishes[call]
        if wish.is_important or number not in self.policy.router.plan.important_rooms:
            return
        had = self.policy.ledger.picture_of(call)
        wish = replace(wish, is_important=True)
        self._wishes[call] = wish, peer
        self.log.note(call, important=True)
        self.policy.ledger.book(call, replace(wish, picture=had))
        if had < self.policy.picture_rate and self._is_lowered(call):
            self._raise(call, self.policy.picture_rate)

    def _is_lowered(self, call: str) -> bool:
        record = self.log.record_of(call)
        return record is not None and record.lowered != ""

    # Alarms of bandwidth

    def watch_budgets(self, now: datetime) -> None:
        """End alarms of budgets that have suffered no shortage for a while; to be called now and then."""
        for kind, name, budget, usage in self.policy.budgets():
            subject = f"{kind} {name}"
            if budget.total is not None and usage.rate > budget.total:
                self._wrong(subject, budget.total, usage.rate, now, "more is in use than there is")
            else:
                self.log.alarms.right(AlarmTopic.BUDGET, subject, now, BUDGET_QUIET)

    def _short(self, shortage: Shortage) -> None:
        if shortage.is_per_call:
            return  # a rule for each call, nothing that runs short
        budget, usage = self.policy.budget_of(shortage.kind, shortage.name)
        subject = f"{shortage.kind} {shortage.name}"
        self._wrong(subject, budget.total or 0, usage.rate, self.log.now(), str(shortage))

    def _wrong(self, subject: str, total: int, rate: int, now: datetime, detail: str) -> None:
        share = rate / total if total else 1.0
        self.log.alarms.wrong(AlarmTopic.BUDGET, subject, now, figure=share, detail=detail)

    # Important calls

    def _make_way(self, granted: Granted) -> None:
        """Carry out what the books say already: others' pictures come down, others' calls end."""
        for call, picture in granted.lowered:
            wish, _ = self._wishes[call]
            self._lowered.setdefault(call, wish.picture)
            self._wishes[call] = replace(wish, picture=picture), self._wishes[call][1]
            self.log.note(call, lowered=GAVE_WAY)
            self._tell(call, picture)
        for call in granted.ended:
            logger.info("call %s ends: an important one needs its bandwidth", call)
            self._lowered.pop(call, None)
            for steering in self._steering:
                if steering.make_way(call):
                    break

    def _tell(self, call: str, picture: int) -> None:
        for steering in self._steering:
            if steering.set_rate(call, picture):
                break

    def _give_back(self) -> None:
        """Something has become free: calls that gave way get back what there is, first come first served."""
        for call, before in tuple(self._lowered.items()):
            self._raise(call, before)

    def _raise(self, call: str, picture: int) -> None:
        """Let a call have as much picture as there is, up to this."""
        wish, peer = self._wishes[call]
        had = self.policy.ledger.picture_of(call)
        try:
            granted = self.policy.ledger.ask(call, replace(wish, picture=picture))
        except Refusing:
            return
        if granted.picture <= had or granted.picture < min(picture, had * WORTH_RAISING):
            self.policy.ledger.book(call, replace(wish, picture=had))
            return
        if granted.picture >= picture:
            self._lowered.pop(call, None)
            self.log.note(call, lowered="")
        self._wishes[call] = replace(wish, picture=granted.picture), peer
        self._make_way(granted)
        self._tell(call, granted.picture)

    def negotiate_again(self, call: str) -> int | None:
        """What the call may have in a new offer or answer, at least what it has now; None: it is not known here."""
        if call not in self._wishes:
            return None
        before = max(self.policy.ledger.picture_of(call), LEAST_PICTURE)
        try:
            return max(before, self.reserve(call))
        except Refusing:
            return before

    def room_at(self, address: str) -> int:
        """The picture, in bit/s, that a call of ours to this address may offer. What the chair wants is not refused."""
        wish = Wish(self.policy.zones.zone_of(address), None, SOUND_RATE, self.policy.picture_rate)
        try:
            return self.policy.ledger.look(wish).picture
        except Refusing:
            return max(LEAST_PICTURE, wish.zone.budget.least)

    def negotiated(self, call: str, leg: LegSpec) -> None:
        """Offer and answer have come to this leg. What of the reserved rate it does not need is free again."""
        if call not in self._wishes:
            return
        wish, peer = self._wishes[call]
        sound, picture = rates_of(leg, self.policy.picture_rate)
        settled = replace(wish, sound=sound, picture=picture)
        if call in self.policy.ledger.calls:
            self.policy.ledger.settle(call, sound, picture)
        else:
            self.policy.ledger.book(call, settled)
        self._wishes[call] = settled, peer
        sighting = Sighting(
            name=peer.name,
            address=peer.address,
            transport=peer.transport,
            zone=wish.zone.name,
            user_agent=peer.user_agent,
        )
        self.log.negotiated(call, leg, None if isinstance(leg.transport, WebRtcTransport) else sighting)

    def ended(self, call: str, reason: str, status: int | None = None, detail: str = "") -> None:
        """The call is over, or came to nothing. May be called again: the first reason counts."""
        was_known = self._wishes.pop(call, None) is not None
        self._lowered.pop(call, None)
        self.policy.ledger.release(call)
        self.log.ended(call, reason, status, detail)
        if was_known:
            self._give_back()

    def handle_end(self, event: sip_events.Event) -> None:
        """Take the events that end calls; all others mean nothing here."""
        match event:
            case sip_events.CallCancelled(call=call):
                self.ended(call, "cancelled")
            case sip_events.CallEnded(call=call, reason=reason, status=status):
                # A BYE may carry a Reason (RFC 3326) with the 200 of a call that went well.
                has_failed = status is not None and status >= 300
                self.ended(call, "failed" if has_failed else "left", status if has_failed else None, reason)
            case sip_events.CallRefused(call=call, status=status, reason=reason):
                self.ended(call, "refused", status, reason)

    def _begin(
        self,
        call: str,
        peer: Peer,
        direction: Literal["in", "out"],
        dialled: str,
        destination: str,
        is_important: bool = False,
        kind: Literal["sip", "browser"] = "sip",
    ) -> None:
        zone, sort = self.policy.zones.zone_of(peer.address), self.policy.zones.class_of(peer.user_agent)
        self._wishes[call] = Wish(zone, sort, SOUND_RATE, self.policy.picture_rate, is_important), peer
        record = self.log.new_record(
            peer.account or endpoint_id(peer.uri),
            kind=kind,
            direction=direction,
            name=peer.name,
            dialled=dialled[:128],
            destination=destination[:128],
            zone=zone.name,
            device_class="" if sort is None else sort.name,
            address=peer.address,
            user_agent=peer.user_agent[:256],
            important=is_important,
        )
        self.log.began(call, record)
