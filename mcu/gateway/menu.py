"""Rooms in the menu: their legs wait with a page and spoken prompts until they come into a conference.

A leg in the menu is alone in a picture and a sound of its own, which the media worker knows as a conference. When the
caller has chosen, the very same leg is described in the conference, and the worker moves it there: the room hears and
sees the conference without a new offer, on the same ports, in the same streams.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcu.conference.door.joining import JoinCode, JoinRefused, Newcomer, Seat
from mcu.conference.manager import ConferenceManager
from mcu.conference.people.keypad import DigitMerger, Way
from mcu.gateway.dtmf_info import digit_of, is_dtmf
from mcu.gateway.menu_dialogue import Action, HangUp, Join, LookUp, MenuDialogue, Say, Show
from mcu.gateway.menu_pages import files, page
from mcu.gateway.sip_call import SipCall
from mcu.gateway.sip_gateway import SipGateway
from mcu.gateway.sip_replies import Refusal
from mcu.media.facts import DigitPressed, Fact, LegFailed
from mcu.media.spec import AnnouncementSpec, ConferenceSpec, LegSpec
from mcu.ports import MediaControl, MediaError
from sip import events as sip_events
from sip.errors import CallStateError

logger = logging.getLogger(__name__)

# Text and a voice: no caller needs more of a picture for that.
WIDTH, HEIGHT, FRAME_RATE, BITRATE = 1280, 720, 10, 600_000

FULL_RETRY = 30
"""Seconds after which there may be a place in the menu again."""


@dataclass(frozen=True)
class MenuSettings:
    """``prompts``: the folder of sound files. ``maximum``: callers at once, since each costs an encoder.

    ``new_number`` gives a number to begin a new conference with; None where callers may not.
    """

    prompts: Path
    languages: Sequence[str] = ("zh", "en")
    maximum: int = 10
    new_number: Callable[[], str] | None = None


class MenuGateway:
    """One for the server. ``clock`` is monotonic; ``sleep`` waits until such a time, or until the event is set."""

    def __init__(
        self,
        gateway: SipGateway,
        manager: ConferenceManager,
        media: MediaControl,
        settings: MenuSettings,
        clock: Callable[[], float],
        ids: Callable[[], str],
    ) -> None:
        self.gateway = gateway
        self.manager = manager
        self.media = media
        self.settings = settings
        self.clock = clock
        self._ids = ids
        self._menus: dict[str, _Menu] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        gateway.entrance.menu = self.receive
        gateway.add_taker(self._take)
        media.on_fact(self._handle_fact)

    def receive(self, event: sip_events.IncomingCall) -> None:
        """A call that leads to the menu; never waits."""
        source = event.source.remote[0]
        if len(self._menus) >= self.settings.maximum:
            self.gateway.entrance.reject(
                event.call_id, source, Refusal(486, "The menu is busy", retry_after=FULL_RETRY)
            )
            return
        call = self.gateway.entrance.expect(event)
        menu = _Menu(self, call, Seat(self._ids(), f"menu-{self._ids()}", ""))
        call.holder = menu
        self._menus[menu.seat.conference_id] = menu
        task = asyncio.create_task(menu.run(event))
        menu.task = task
        call.on_over = menu.call_over
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def forget(self, menu: _Menu) -> None:
        """The caller is in a conference, or has gone."""
        self._menus.pop(menu.seat.conference_id, None)

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _take(self, event: sip_events.Event) -> bool:
        """Digits by SIP INFO."""
        if not isinstance(event, sip_events.InfoReceived) or not is_dtmf(event.content_type):
            return False
        menu = next((menu for menu in self._menus.values() if menu.call.handle == event.call), None)
        if menu is None or not menu.is_waiting:
            return False
        digit = digit_of(event.body)
        if digit is not None:
            menu.press(digit, "info")
        return True

    def _handle_fact(self, fact: Fact) -> None:
        menu = self._menus.get(fact.conference)
        if menu is None:
            return
        if isinstance(fact, DigitPressed):
            menu.press(fact.digit, fact.way)
        elif isinstance(fact, LegFailed):
            self.gateway.drop(menu.call, "The media path failed", "media_failed")

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("menu", exc_info=error)


class _Menu:
    """One caller in the menu; holds its leg (``LegHolder``)."""

    def __init__(self, owner: MenuGateway, call: SipCall, seat: Seat) -> None:
        self.call = call
        self.seat = seat
        self.task: asyncio.Task[None] | None = None
        self._owner = owner
        self._dialogue = MenuDialogue(owner.settings.new_number, owner.clock())
        self._spec = ConferenceSpec(
            id=seat.conference_id, revision=0, width=WIDTH, height=HEIGHT, frame_rate=FRAME_RATE, bitrate=BITRATE
        )
        self._keys = DigitMerger()
        self._news = asyncio.Event()
        self._actions: list[Action] = []
        self._said = 0
        self.is_waiting = True

    # LegHolder

    async def replace_leg(self, participant_id: str, leg: LegSpec) -> None:
        """See ``LegHolder``."""
        before = self._spec
        try:
            await self._apply(legs=(leg,))
        except MediaError:
            self._spec = replace_legs(self._spec, before.legs)
            raise

    async def leave(self, participant_id: str, reason: str = "left") -> None:
        """See ``LegHolder``: the call has ended while it was in the menu."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    def call_over(self) -> None:
        """The call was given up, perhaps before it had a leg."""
        if self.task is not None and self.call.session is None:
            self.task.cancel()

    # Life

    async def run(self, event: sip_events.IncomingCall) -> None:
        """From the INVITE until the caller is in a conference or has gone."""
        try:
            if await self._owner.gateway.entrance.admit(self.call, event, self._enter) is None:
                return
            self._actions += self._dialogue.begin(self._owner.clock())
            while not self.call.over and self.is_waiting:
                await self._act()
                if self.is_waiting:
                    await self._wait()
        finally:
            self._owner.forget(self)
            if self._spec.revision:
                await self._owner.media.remove(self.seat.conference_id)

    def press(self, digit: str, way: Way) -> None:
        """A key came in; never waits."""
        now = self._owner.clock()
        if self._keys.is_new(digit, way, now):
            self._actions += self._dialogue.press(digit, now)
            self._news.set()

    async def _wait(self) -> None:
        """Until a key or the dialogue's time comes."""
        deadline = self._dialogue.next_deadline()
        delay = None if deadline is None else max(0.0, deadline - self._owner.clock())
        try:
            async with asyncio.timeout(delay):
                await self._news.wait()
        except TimeoutError:
            self._actions += self._dialogue.handle_timer(self._owner.clock())
        self._news.clear()

    async def _enter(self, newcomer: Newcomer) -> Seat:
        """Like joining a conference, for ``CallEntrance.admit``."""
        leg = newcomer.make_leg
        try:
            await self._apply(legs=(leg if isinstance(leg, LegSpec) else leg(self.seat),))
        except MediaError as error:
            raise JoinRefused(JoinCode.MEDIA, str(error)) from error
        return self.seat

    async def _act(self) -> None:
        """Do what the dialogue wants, the newest page and prompt at once."""
        actions, self._actions = self._actions, []
        settings = self._owner.settings
        changes: dict[str, object] = {}
        for action in actions:
            match action:
                case Say():
                    self._said += 1
                    said = files(action, settings.prompts, settings.languages)
                    changes["announcement"] = AnnouncementSpec(number=self._said, files=said)
                case Show():
                    changes["page"] = page(action, settings.languages, self._dialogue.may_begin)
                    if action.typed:  # somebody who types knows the question
                        changes.setdefault("announcement", None)
        if changes:
            await self._try_to_apply(changes)
        for action in actions:
            match action:
                case LookUp(number=number):
                    door = await self._owner.manager.door(number)
                    self._actions += self._dialogue.looked_up(door.exists, door.pin_required, self._owner.clock())
                    self._news.set()
                case Join():
                    await self._join(action)
                case HangUp():
                    self._owner.gateway.drop(self.call, "Goodbye", "left")

    async def _join(self, wanted: Join) -> None:
        """Into the conference, or back to the question."""
        call, session = self.call, self.call.session
        moved = False

        def make_leg(seat: Seat) -> LegSpec:
            nonlocal moved
            if call.over or session is None or session.leg is None:
                raise CallStateError(f"{call.handle} is over")
            moved, session.seat, call.holder = True, seat, None
            return session.leg

        gateway = self._owner.gateway
        newcomer = Newcomer(
            call.name, "sip", gateway, make_leg, id=self.seat.participant_id, source=call.source, device=call.peer
        )
        try:
            await self._owner.manager.join(wanted.number, newcomer, wanted.pin)
            self.is_waiting = False
            call.on_over = None
        except CallStateError:
            self.is_waiting = False
        except JoinRefused as refused:
            if moved and session is not None and not call.over:
                session.seat, call.holder = self.seat, self
                await self._try_to_apply({})
            self._actions += self._dialogue.refused(refused.code, self._owner.clock())
            self._news.set()

    async def _try_to_apply(self, changes: dict[str, object]) -> None:
        try:
            await self._apply(**changes)
        except MediaError as error:
            logger.error("menu: media could not follow: %s", error)
            if error.legs:
                self._owner.gateway.drop(self.call, "The media path failed", "media_failed")

    async def _apply(self, **changes: object) -> None:
        """Change the description and send it. Raises MediaError."""
        self._spec = self._spec.model_copy(update={**changes, "revision": self._spec.revision + 1})
        await self._owner.media.apply(self._spec)


def replace_legs(spec: ConferenceSpec, legs: tuple[LegSpec, ...]) -> ConferenceSpec:
    """The description with other legs."""
    return spec.model_copy(update={"legs": legs})
