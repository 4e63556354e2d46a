"""The gatekeeper in the gateway: calls go by the plan, within budgets, and both are given back and written down."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from gatekeeper.call_records import CallRecord
from gatekeeper.dialing import AliasDestination, DialSettings
from gatekeeper.explanation import explain
from gatekeeper.inventory import AlarmKind, EndpointState
from gatekeeper.number_plan import Rule
from gatekeeper.stores import MemoryCallRecords, MemoryEndpoints, MemoryPlan
from gatekeeper.zones import Budget, DeviceClass, Zone
from mcu.conference.commands import EndConference
from mcu.conference.door.joining import Seat
from mcu.gateway.call_admission import GAVE_WAY, CallAdmission
from mcu.gateway.call_description import endpoint_id
from mcu.gateway.call_log import MAX_REFUSED, CallLog
from mcu.gateway.call_policy import CallPolicy, PolicyError
from mcu.gateway.plan_operations import dry_run_view
from mcu.gateway.sip_call import SipCall
from mcu.media.facts import LegFlowing, LegSilent, LegStatistics
from mcu.media.spec import LegSpec
from mcu.ports import SYSTEM
from sip.events import CallCancelled, CallEnded, IncomingCall, ReofferAnswered, ReofferReceived, ReofferRefused
from tests.fakes.time import FakeTime
from tests.gateway.world import HOLD, OFFER, SOUND_ONLY, USELESS, GatewayWorld, gateway_world

HERE = Zone(name="here", networks=("192.0.2.0/24",))


@dataclass
class Kept:
    """A gateway with its gatekeeper, and what that keeps."""

    world: GatewayWorld
    admission: CallAdmission
    records: MemoryCallRecords
    endpoints: MemoryEndpoints

    @property
    def used(self) -> tuple[int, int]:
        """Calls and rate of the zone."""
        usage = self.admission.policy.ledger.of_zone("here")
        return usage.calls, usage.rate

    async def set_up(self, **budget: object) -> None:
        await self.admission.policy.put_zone(HERE.model_copy(update={"budget": Budget.model_validate(budget)}))

    async def rule(self, match: str, target: str = "room", value: str = "", **more: object) -> None:
        entry = {
            "id": f"r{match}" if match.isascii() else "named",
            "kind": "exact",
            "match": match,
            "target": target,
            "value": value,
            **more,
        }
        await self.admission.policy.put_rule(Rule.model_validate(entry))

    async def newest(self) -> CallRecord:
        await self.admission.log.save()
        return (await self.records.calls(1))[0]

    def leg(self, participant: str) -> LegSpec:
        """What the media worker was told of a participant last."""
        return next(leg for spec in self.world.media.specs.values() for leg in spec.legs if leg.id == participant)

    def says_bandwidth(self, rate: int) -> bool:
        """Whether the answer that went out last asks for at most this rate of picture (b=TIAS or AS)."""
        sdp = self.world.agent.last.sdp
        assert sdp is not None
        return f"b=TIAS:{rate}" in str(sdp) or f"b=AS:{rate // 1000}" in str(sdp)


@pytest.fixture
async def kept() -> AsyncIterator[Kept]:
    records, endpoints, clock, ids = MemoryCallRecords(), MemoryEndpoints(), FakeTime(), itertools.count(1)
    policy = CallPolicy(MemoryPlan(), DialSettings(), 2_000_000, lambda alias: alias == "4001")
    log = CallLog(endpoints, records, clock.clock, lambda: f"record{next(ids)}", retention=timedelta(days=1))
    admission = CallAdmission(policy, log)
    await policy.load()
    await log.load()
    async with gateway_world(admission=admission) as world:
        world.media.on_fact(log.handle_fact)
        world.time = clock
        yield Kept(world, admission, records, endpoints)


async def test_the_plan_decides_where_a_call_goes(kept: Kept) -> None:
    await kept.rule("急诊", value="2000", important=True)
    await kept.rule("666", "refuse", "Not this number")
    await kept.world.connect("a", uri="sip:%E6%80%A5%E8%AF%8A@192.0.2.1")
    assert [each.number for each in kept.world.manager.conferences()] == ["2000"]
    kept.world.call("b", dialled="666")
    assert (kept.world.agent.last.status, kept.world.agent.last.reason) == (403, "Not this number")
    record = await kept.newest()
    assert (record.reason, record.status, record.dialled) == ("refused", 403, "666")


async def test_who_takes_a_place_in_a_call_of_two_is_counted_and_written_down(kept: Kept) -> None:
    await kept.set_up(total=20_000_000)
    entrance, manager = kept.world.gateway.entrance, kept.world.manager

    async def begin(call: SipCall, event: IncomingCall) -> None:
        await entrance.admit(call, event, lambda newcomer: manager.begin_pair("p2p-x", "", newcomer))

    entrance.connect = lambda event, _: void(kept.world.gateway.tasks.start(begin(entrance.expect(event), event)))
    await kept.world.connect("a", dialled="4001")
    assert kept.used[0] == 1
    await kept.world.connect("b", dialled="consilium", replaces="a")
    assert kept.used[0] == 2
    assert [len(each.participants) for each in manager.conferences()] == [2]
    kept.world.gateway.handle(CallEnded("b", "bye"))
    await kept.world.settle()
    record = await kept.newest()
    assert (record.dialled, record.destination) == ("p2p-x", "room p2p-x")


def void(_: object) -> None:
    """For a handler that gives nothing."""


async def test_calls_to_registered_devices_are_handed_on(kept: Kept) -> None:
    kept.world.call("a", dialled="4001")
    assert kept.world.agent.last.status == 480
    handed: list[tuple[str, AliasDestination]] = []

    def connect(event: IncomingCall, destination: AliasDestination) -> None:
        handed.append((event.call, destination))

    kept.world.gateway.entrance.connect = connect
    kept.world.call("b", dialled="4001")
    assert handed == [("b", AliasDestination("4001"))]


async def test_a_call_is_counted_from_before_its_answer_to_its_end(kept: Kept) -> None:
    await kept.set_up(total=10_000_000)
    await kept.world.connect("a")
    calls, rate = kept.used
    assert calls == 1 and 64_000 < rate <= 2_064_000
    kept.world.gateway.handle(CallEnded("a", "bye"))
    assert kept.used == (0, 0)
    await kept.world.settle()


async def test_a_call_in_a_full_zone_gets_a_smaller_picture_and_then_none(kept: Kept) -> None:
    await kept.set_up(total=3_000_000, least=300_000)
    await kept.world.connect("a")
    left = 3_000_000 - kept.used[1]
    await kept.world.connect("b")
    leg = kept.world.participants()[-1].leg
    assert leg.video is not None and leg.video.max_bitrate <= left - 64_000
    assert kept.says_bandwidth(left - 64_000)
    kept.world.gateway.handle(CallEnded("a", "bye"))
    await kept.world.settle()
    await kept.world.connect("c", dialled="3000")
    taken = kept.world.taken
    kept.world.call("d", dialled="3000")
    await kept.world.settle()
    told = kept.world.agent.last
    assert (told.what, told.status, told.retry_after) == ("reject", 503, 60)
    assert told.warning is not None and told.warning.code == 370 and "zone here" in told.warning.text
    assert kept.used[0] == 2 and kept.world.taken == taken, "a refused call holds neither bandwidth nor ports"
    record = await kept.newest()
    assert record.reason == "refused" and record.status == 503


async def test_sound_alone_fits_where_a_picture_does_not(kept: Kept) -> None:
    await kept.set_up(total=100_000, over="lower", least=10_000)
    await kept.world.connect("a", SOUND_ONLY)
    assert kept.used == (1, 64_000)


async def test_what_a_single_call_may_not_have_is_no_matter_of_waiting(kept: Kept) -> None:
    await kept.set_up(each=60_000)
    kept.world.call("a")
    await kept.world.settle()
    assert (kept.world.agent.last.status, kept.world.agent.last.retry_after) == (488, None)


async def test_important_rooms_have_bandwidth_left(kept: Kept) -> None:
    await kept.set_up(total=5_000_000, reserved=3_000_000, over="refuse")
    await kept.rule("999", value="9000", important=True)
    kept.world.call("a")
    await kept.world.settle()
    assert kept.world.agent.last.status == 503
    await kept.world.connect("b", dialled="999")
    assert (await kept.newest()).important


async def test_the_class_of_a_device_has_a_budget_too(kept: Kept) -> None:
    sort = DeviceClass(name="rooms", products=("ROOM",), budget=Budget(total=2_000_000, over="refuse"))
    await kept.admission.policy.put_class(sort)
    kept.world.call("a")
    await kept.world.settle()
    told = kept.world.agent.last
    assert told.status == 503 and told.warning is not None and "class rooms" in told.warning.text


async def test_bandwidth_comes_back_however_a_call_ends(kept: Kept) -> None:
    world = kept.world
    await kept.set_up(total=50_000_000)
    world.call("cancelled")
    world.gateway.handle(CallCancelled("cancelled"))
    world.call("useless", USELESS)
    world.call("malformed", "m=audio", dialled="1001")
    world.call("nowhere", dialled="x" * 60)
    await world.settle()
    await world.connect("kicked", dialled="1002")
    await world.manager.execute(EndConference("1002"), SYSTEM)
    await world.connect("silent", dialled="1003")
    leg = world.participants()[-1].leg.id
    world.media.report(LegSilent(conference="c", leg=leg, seconds=99.0))
    world.agent.gone.add("gone")
    world.call("gone", dialled="1004")
    await world.settle()
    world.gateway.handle(CallEnded("gone", "lost"))
    await world.settle()
    assert kept.used == (0, 0) and not kept.admission.log.handles()
    await kept.admission.log.save()
    reasons = {record.reason for record in await kept.records.calls(99)}
    assert {"cancelled", "refused", "silent"} <= reasons and reasons & {"ended", "conference_ended"}


async def test_a_new_offer_keeps_what_the_call_has_and_may_get_more(kept: Kept) -> None:
    world = kept.world
    await kept.set_up(total=3_000_000, least=100_000)
    await world.connect("a")
    await world.connect("b")
    small = kept.admission.policy.ledger.picture_of("b")
    world.gateway.handle(ReofferReceived("b", HOLD))
    await world.settle()
    assert world.agent.last.what == "answer_reoffer" and kept.used[0] == 2
    assert kept.admission.policy.ledger.picture_of("b") >= small, "a call on hold comes back"
    world.gateway.handle(CallEnded("a", "bye"))
    world.gateway.handle(ReofferReceived("b", OFFER))
    await world.settle()
    assert kept.admission.policy.ledger.picture_of("b") > small


async def test_calls_of_ours_are_counted_lowered_and_recorded(kept: Kept) -> None:
    await kept.set_up(total=500_000, least=200_000)
    gateway = kept.world.gateway
    session = gateway.sessions.open(Seat("p1", "", ""), "Cart", "192.0.2.1", "192.0.2.44")
    assert session.descriptions.capabilities.send_bitrate == 436_000
    call = SipCall("out", "192.0.2.44", "Cart", session, peer="4001", user_agent="Yealink VC800 1.2")
    gateway.adopt(call)
    session.descriptions.sent(session.descriptions.offer(), is_offer=True)
    session.make_leg(session.descriptions.take_answer(OFFER))
    assert kept.used[0] == 1
    gateway.handle(CallEnded("out", "bye", 200))
    record = await kept.newest()
    assert (record.direction, record.endpoint, record.reason, record.status) == ("out", "4001", "left", None)


async def test_figures_and_alarms_come_from_facts(kept: Kept) -> None:
    world = kept.world
    participant = await world.connect("a")
    (endpoint,) = kept.admission.log.inventory
    assert (endpoint.id, endpoint.name, endpoint.zone) == ("theatre2@192.0.2.9", "手术室 2", "default")
    assert endpoint.codecs == ("PCMA", "H264")

    def statistics(received: int, lost: int) -> LegStatistics:
        return LegStatistics(
            conference="c", leg=participant.id, media="video", packets_received=received, packets_lost=lost,
            bytes_received=received * 1000, jitter_ms=4.0,
        )  # fmt: skip

    def alarms() -> list[AlarmKind]:
        return [alarm.kind for each in kept.admission.log.inventory for alarm in each.alarms]

    world.media.report(statistics(1000, 0))
    world.media.report(statistics(1900, 100))
    world.media.report(LegSilent(conference="c", leg=participant.id, seconds=8.0))
    assert alarms() == [AlarmKind.LOSS, AlarmKind.SILENT]
    world.media.report(LegFlowing(conference="c", leg=participant.id, media="video"))
    assert alarms() == [AlarmKind.LOSS]
    world.time.advance(10)
    (running,) = kept.admission.log.running()
    assert running.video is not None and running.video.rate_received == 1_520_000
    world.gateway.handle(CallEnded("a", "bye"))
    record = await kept.newest()
    assert record.video is not None and record.audio is not None
    assert (record.video.packets_lost, record.video.loss, record.audio.codec_sent) == (100, 0.05, "PCMA")
    assert (record.seconds, record.zone, alarms()) == (10, "default", [])
    (saved,) = await kept.endpoints.endpoints()
    assert kept.admission.log.inventory.state_of(saved, world.time.wall()) is EndpointState.SEEN


async def test_the_pin_is_in_no_record(kept: Kept) -> None:
    kept.world.call("a", dialled="1000*4711")
    await kept.world.settle()
    assert "4711" not in repr(await kept.newest())


async def test_a_call_that_just_ended_is_told_before_it_is_written(kept: Kept) -> None:
    await kept.world.connect("a")
    kept.world.gateway.handle(CallEnded("a", "bye"))
    (told,) = kept.admission.log.unwritten()
    assert told.ended_at is not None and not kept.admission.log.running()
    await kept.admission.log.save()
    assert not kept.admission.log.unwritten() and (await kept.newest()).id == told.id


async def test_scanners_fill_no_records(kept: Kept) -> None:
    for number in range(50):
        kept.world.call(f"scan{number}", dialled="no%20room")
    await kept.admission.log.save()
    assert len(await kept.records.calls(99)) == MAX_REFUSED
    assert not list(kept.admission.log.inventory), "who was let in nowhere is no endpoint"


async def test_entries_that_cannot_be_change_nothing(kept: Kept) -> None:
    policy = kept.admission.policy
    await kept.set_up()
    with pytest.raises(PolicyError, match="no zone"):
        await kept.rule("1", value="2", zones=("nowhere",))
    with pytest.raises(PolicyError, match="belongs to zone here"):
        await policy.put_zone(Zone(name="other", networks=("192.0.2.0/24",)))
    with pytest.raises(PolicyError, match="not closed"):
        await policy.put_rule(Rule.model_validate({"id": "x", "kind": "expression", "match": "(", "target": "access"}))
    await kept.rule("1", value="2", zones=("here",))
    with pytest.raises(PolicyError, match="Rule r1"):
        await policy.remove_zone("here")
    assert await policy.remove_rule("r1") and await policy.remove_zone("here") and not policy.router.plan.rules


def test_endpoints_are_known_by_user_and_host() -> None:
    assert endpoint_id("sip:Theatre2@Clinic.example:5070;transport=tcp") == "theatre2@clinic.example"
    assert endpoint_id("sip:192.0.2.9") == "192.0.2.9"
    assert endpoint_id("4001") == "4001"
    assert endpoint_id("tel:+4930") == "+4930"


async def test_other_calls_give_way_to_an_important_one_and_get_back_what_they_had(kept: Kept) -> None:
    await kept.set_up(total=3_000_000, least=256_000)
    await kept.rule("急诊", value="2000", important=True)
    ordinary = await kept.world.connect("a")
    had = kept.admission.policy.ledger.picture_of("a")
    assert ordinary.leg.video is not None and ordinary.leg.video.max_bitrate >= had
    kept.world.call("urgent", uri="sip:%E6%80%A5%E8%AF%8A@192.0.2.1")
    await kept.world.settle()
    lowered = kept.admission.policy.ledger.picture_of("a")
    assert 256_000 <= lowered < had
    assert kept.used[1] <= 3_000_000
    # What we send comes down at once, and the room is asked to send less.
    leg = kept.leg(ordinary.id)
    assert leg.video is not None and leg.video.max_bitrate == lowered
    offer = kept.world.agent.last
    assert (offer.what, offer.call) == ("reoffer", "a") and kept.says_bandwidth(lowered)
    kept.world.gateway.handle(ReofferAnswered("a", OFFER))
    await kept.world.settle()
    record = next(one for one in kept.admission.log.running() if one.destination == "room 1000")
    assert record.lowered == GAVE_WAY
    # The important call is over.
    kept.world.gateway.handle(CallEnded("urgent", "bye"))
    await kept.world.settle()
    assert kept.admission.policy.ledger.picture_of("a") == had
    assert (kept.world.agent.last.what, kept.world.agent.last.call) == ("reoffer", "a")
    leg = kept.leg(ordinary.id)
    assert leg.video is not None and leg.video.max_bitrate == had
    assert next(one for one in kept.admission.log.running()).lowered == ""


async def test_a_room_that_refuses_to_send_less_still_gets_less_and_is_asked_again(kept: Kept) -> None:
    await kept.set_up(total=3_000_000)
    await kept.rule("2000", value="2000", important=True)
    ordinary = await kept.world.connect("a")
    kept.world.call("urgent", dialled="2000")
    await kept.world.settle()
    kept.world.gateway.handle(ReofferRefused("a", 488, "Not Acceptable Here"))
    leg = kept.leg(ordinary.id)
    assert leg.video is not None and leg.video.max_bitrate == kept.admission.policy.ledger.picture_of("a")
    kept.world.gateway.handle(CallEnded("urgent", "bye"))
    await kept.world.settle()
    assert [told.what for told in kept.world.agent.told if told.call == "a"] == ["accept", "reoffer", "reoffer"]


async def test_where_the_zone_says_so_the_call_that_came_last_ends(kept: Kept) -> None:
    await kept.set_up(total=4_000_000, least=1_500_000, making_room="end")
    await kept.rule("2000", value="2000", important=True)
    await kept.world.connect("a")
    await kept.world.connect("b")
    kept.world.call("urgent", dialled="2000")
    await kept.world.settle()
    ended = [told for told in kept.world.agent.told if told.what == "hang_up"]
    assert [told.call for told in ended] == ["b"] and "important" in str(ended[0].reason)
    await kept.admission.log.save()
    reasons = {record.reason for record in await kept.records.calls(9) if record.ended_at is not None}
    assert reasons == {"made_way"}
    assert kept.used[0] == 2


async def test_calls_to_an_important_room_are_important_whichever_way_they_come(kept: Kept) -> None:
    await kept.set_up(total=3_000_000, reserved=2_500_000)
    await kept.rule("急诊", value="2000", important=True)
    found = kept.admission.policy.try_out("sip:2000@192.0.2.1", "192.0.2.9")
    assert found.routing.is_important
    assert explain(found.routing)[-2:] == ["Calls to room 2000 are important.", "The call goes to room 2000."]
    await kept.world.connect("a", dialled="2000")
    assert (await kept.newest()).important
    assert kept.admission.policy.leads_to_important_room("2000", "192.0.2.9")
    assert not kept.admission.policy.leads_to_important_room("1000", "192.0.2.9")


async def test_a_call_that_comes_into_an_important_room_later_becomes_important(kept: Kept) -> None:
    await kept.set_up(total=2_500_000, reserved=1_000_000)
    await kept.rule("急诊", value="1000", important=True)
    await kept.rule("777", "access")
    await kept.world.connect("a", dialled="1234")
    participant = kept.world.participants()[-1]
    before = kept.admission.policy.ledger.picture_of("a")
    assert before < 1_500_000
    kept.admission.entered(participant.id, "1234")
    assert kept.admission.policy.ledger.picture_of("a") == before
    kept.admission.entered(participant.id, "1000")
    await kept.world.settle()
    assert kept.admission.policy.ledger.picture_of("a") > before
    assert next(iter(kept.admission.log.running())).important
    kept.admission.entered("nobody", "1000")


async def test_a_dry_run_tells_who_would_give_way(kept: Kept) -> None:
    await kept.set_up(total=3_000_000)
    await kept.rule("2000", value="2000", important=True)
    await kept.world.connect("a")
    view = dry_run_view(kept.admission.policy.try_out("sip:2000@192.0.2.1", "192.0.2.9"))
    assert view.important and view.bandwidth is not None
    assert (view.bandwidth.lowered, view.bandwidth.ended, view.bandwidth.shortage) == (1, 0, "")


async def test_a_little_more_bandwidth_is_not_worth_a_new_agreement(kept: Kept) -> None:
    await kept.set_up(total=4_700_000, least=256_000)
    await kept.rule("2000", value="2000", important=True)
    await kept.world.connect("a")
    sound = await kept.world.connect("sound", SOUND_ONLY)
    assert sound.leg.video is None
    kept.world.call("urgent", dialled="2000")
    kept.world.call("second", dialled="2000")
    await kept.world.settle()
    lowered = kept.admission.policy.ledger.picture_of("a")
    told = len([one for one in kept.world.agent.told if one.what == "reoffer"])
    kept.world.gateway.handle(CallEnded("sound", "bye"))  # 64 kbit/s are free
    await kept.world.settle()
    assert kept.admission.policy.ledger.picture_of("a") == lowered
    assert len([one for one in kept.world.agent.told if one.what == "reoffer"]) == told
