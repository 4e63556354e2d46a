"""Calls in the menu, over a fake media worker: from the answer to the conference, and every way out."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest

from gatekeeper.dialing import DialSettings
from mcu.conference.commands import LockConference
from mcu.conference.door.hashing import Cost, Hasher
from mcu.conference.door.rooms import Room
from mcu.gateway.menu import MenuGateway, MenuSettings
from mcu.media.facts import DigitPressed, LegFailed
from mcu.media.spec import ConferenceSpec
from mcu.ports import SYSTEM, MediaError
from sip.events import CallCancelled, CallConfirmed, CallEnded, InfoReceived, ReofferReceived
from tests.gateway.world import HOLD, OFFER, GatewayWorld, gateway_world

PROMPTS = Path("/prompts")


class MenuWorld:
    """A gateway with a menu."""

    def __init__(self, base: GatewayWorld) -> None:
        self.base = base
        ids = itertools.count(1)
        settings = MenuSettings(PROMPTS, maximum=2, new_number=lambda: "246810")
        self.menu = MenuGateway(
            base.gateway, base.manager, base.media, settings, base.time.monotonic, lambda: f"m{next(ids)}"
        )
        base.gateway.entrance.dialing = DialSettings(menu=True)

    async def dial(self, handle: str = "call-1", offer: str | None = OFFER) -> None:
        self.base.call(handle, offer, uri="sip:192.0.2.1")
        await self.turn()

    async def turn(self) -> None:
        for _ in range(60):
            await asyncio.sleep(0)

    async def press(self, keys: str, way: Literal["event", "tone"] = "event") -> None:
        for key in keys:
            if (spec := self.waiting) is not None:
                fact = DigitPressed(conference=spec.id, leg=spec.legs[0].id, digit=key, way=way)
                self.base.media.report(fact)
            await self.turn()
        await self.base.settle()
        await self.turn()

    @property
    def waiting(self) -> ConferenceSpec | None:
        """The description of the menu's leg."""
        return next((spec for spec in self.base.media.specs.values() if spec.id.startswith("menu-")), None)

    @property
    def page(self) -> tuple[str, str]:
        spec = self.waiting
        assert spec is not None and spec.page is not None
        return spec.page.title, spec.page.code

    @property
    def said(self) -> list[str]:
        spec = self.waiting
        if spec is None or spec.announcement is None:
            return []
        return [str(Path(name).relative_to(PROMPTS)) for name in spec.announcement.files]


@pytest.fixture
async def world() -> AsyncIterator[MenuWorld]:
    async with gateway_world() as base:
        menu = MenuWorld(base)
        yield menu
        await menu.menu.close()


async def test_the_caller_sees_and_hears_the_question(world: MenuWorld) -> None:
    await world.dial()
    assert world.base.agent.last.what == "accept"
    assert world.page == ("请输入会议号", "")
    assert world.said == ["zh/enter_number.wav", "en/enter_number.wav"]
    assert world.base.participants() == []
    await world.press("12")
    assert world.page == ("请输入会议号", "1 2")
    assert world.said == []


async def test_the_leg_comes_into_the_conference_as_it_is(world: MenuWorld) -> None:
    await world.dial()
    spec = world.waiting
    assert spec is not None
    await world.press("1000#")
    (participant,) = world.base.participants()
    assert participant.leg == spec.legs[0]
    assert world.waiting is None and world.menu._menus == {}
    assert world.base.media.only.legs[0].transport == spec.legs[0].transport
    assert [told.what for told in world.base.agent.told] == ["accept"]
    world.base.gateway.handle(ReofferReceived("call-1", HOLD))
    await world.base.settle()
    assert world.base.agent.last.what == "answer_reoffer" and world.base.participants()[0].leg.held
    world.base.gateway.handle(CallEnded("call-1", "the other side hung up"))
    await world.base.settle()
    assert world.base.participants() == [] and world.base.taken == 0


async def test_a_pin_is_needed_where_the_room_has_one(world: MenuWorld) -> None:
    hasher = Hasher(Cost(log_n=4))
    await world.base.rooms.add(Room("1000", pin_hash=await hasher.hash("4711")))
    hasher.close()
    await world.dial()
    await world.press("1000#")
    assert world.page[0] == "请输入密码"
    await world.press("1111#")
    await wait_until(lambda: bool(world.said))
    assert world.page == ("请输入密码", "") and world.said[0] == "zh/wrong_pin.wav"
    await world.press("4711#")
    await wait_until(lambda: bool(world.base.participants()))


async def wait_until(true: object) -> None:
    """Hashing is done in a thread: its end can only be waited for."""
    assert callable(true)
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.01)


async def test_a_new_conference(world: MenuWorld) -> None:
    await world.dial()
    await world.press("*")
    assert world.page == ("您的会议号", "2 4 6 8 1 0")
    assert world.said[:3] == ["zh/your_number.wav", "zh/digit_2.wav", "zh/digit_4.wav"]
    await world.press("#")
    assert [conference.number for conference in world.base.manager.conferences()] == ["246810"]


async def test_digits_by_info_count_once_with_those_by_telephone_event(world: MenuWorld) -> None:
    await world.dial()
    await world.press("1")
    world.base.gateway.handle(InfoReceived("call-1", "application/dtmf-relay", b"Signal=1\r\nDuration=160\r\n"))
    await world.turn()
    assert world.page[1] == "1"
    world.base.gateway.handle(InfoReceived("call-1", "application/dtmf", b"2"))
    await world.turn()
    assert world.page[1] == "1 2"


async def test_a_conference_that_is_locked_leads_back_to_the_question(world: MenuWorld) -> None:
    await world.base.connect("other", dialled="1000")
    await world.base.manager.execute(LockConference("1000", True), SYSTEM)
    await world.dial()
    await world.press("1000#")
    assert world.page == ("请输入会议号", "") and world.said[0] == "zh/no_entry.wav"
    assert len(world.base.participants()) == 1


async def test_a_leg_that_cannot_move_goes_on_in_the_menu(world: MenuWorld) -> None:
    await world.dial()
    for key in "1000":
        await world.press(key)
    apply = world.base.media.apply

    async def refuse(spec: ConferenceSpec) -> None:
        if not spec.id.startswith("menu-"):
            raise MediaError("no worker", {})
        await apply(spec)

    world.base.media.apply = refuse  # type: ignore[method-assign]
    await world.press("#")
    assert world.page[0] == "请输入会议号" and world.base.participants() == []
    world.base.media.apply = apply  # type: ignore[method-assign]
    await world.press("1000#")
    assert len(world.base.participants()) == 1


@pytest.mark.parametrize("end", [CallEnded("call-1", "the other side hung up"), CallCancelled("call-1")])
async def test_who_hangs_up_in_the_menu_leaves_nothing(world: MenuWorld, end: CallEnded | CallCancelled) -> None:
    await world.dial()
    await world.press("10")
    world.base.gateway.handle(end)
    await world.turn()
    assert world.waiting is None and world.menu._menus == {} and world.base.taken == 0


async def test_a_caller_may_hold_and_offer_late(world: MenuWorld) -> None:
    await world.dial(offer=None)
    assert world.waiting is not None and world.waiting.legs[0].audio is None
    world.base.gateway.handle(CallConfirmed("call-1", OFFER))
    await world.turn()
    assert world.waiting.legs[0].audio is not None
    world.base.gateway.handle(ReofferReceived("call-1", HOLD))
    await world.turn()
    assert world.waiting.legs[0].held


async def test_a_failed_leg_ends_the_call(world: MenuWorld) -> None:
    await world.dial()
    spec = world.waiting
    assert spec is not None
    world.base.media.report(LegFailed(conference=spec.id, leg=spec.legs[0].id, reason="port taken"))
    await world.turn()
    assert world.base.agent.last.what == "hang_up" and world.base.taken == 0


async def test_the_menu_is_full_at_some_time(world: MenuWorld) -> None:
    for handle in ("call-1", "call-2", "call-3"):
        await world.dial(handle)
    assert (world.base.agent.last.what, world.base.agent.last.status) == ("reject", 486)
    assert world.base.agent.last.retry_after == 30


async def test_without_media_the_call_is_refused(world: MenuWorld) -> None:
    world.base.media.refuse = MediaError("no worker")
    await world.dial()
    assert (world.base.agent.last.what, world.base.agent.last.status) == ("reject", 503)
    assert world.menu._menus == {} and world.base.taken == 0
