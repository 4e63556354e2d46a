"""Zones of addresses, classes of devices, and what is counted against their budgets."""

from __future__ import annotations

import random

import pytest
from pydantic import ValidationError

from gatekeeper.bandwidth import BandwidthLedger, Granted, Refusing, Usage, Wish
from gatekeeper.zones import Budget, DeviceClass, OverBudget, Zone, ZoneMap


def zone(name: str = "ward", *networks: str, **budget: object) -> Zone:
    return Zone(name=name, networks=networks, budget=Budget.model_validate(budget))


def wish(place: Zone, picture: int = 2000, sound: int = 100, **more: object) -> Wish:
    return Wish(place, more.get("sort"), sound, picture, bool(more.get("important")))  # type: ignore[arg-type]


def test_the_smallest_network_decides() -> None:
    zones = ZoneMap(
        [zone("site", "10.0.0.0/8", "2001:db8::/32"), zone("ward", "10.1.0.0/16"), zone("cart", "10.1.2.3/32")]
    )
    found = {
        address: zones.zone_of(address).name
        for address in ("10.9.9.9", "10.1.9.9", "10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1%eth0", "192.0.2.1", "x", "")
    }
    assert list(found.values()) == ["site", "ward", "cart", "cart", "site", "default", "default", "default"]


def test_the_default_zone_is_always_there_and_may_be_changed() -> None:
    assert ZoneMap().named("default") == Zone(name="default")
    assert ZoneMap([zone("default", total=5)]).zone_of("192.0.2.1").budget.total == 5


def test_zones_that_cannot_be() -> None:
    with pytest.raises(ValidationError, match="does not appear"):
        zone("a", "10.0.0.0/40")
    with pytest.raises(ValidationError, match="reserved"):
        zone(total=5, reserved=6)
    with pytest.raises(ValueError, match="same name"):
        ZoneMap([zone("a"), zone("a")])
    assert zone("a", " 10.1.2.3/8 ").networks == ("10.0.0.0/8",)


def test_the_class_is_found_in_the_user_agent() -> None:
    classes = [DeviceClass(name="b", products=("TE40", "vc800")), DeviceClass(name="a", products=("Cisco",))]
    zones = ZoneMap([], classes)
    sort = zones.class_of("Yealink VC800 63.1")
    assert sort is not None and sort.name == "b"
    assert zones.class_of("Polycom") is None and zones.class_of("") is None


def test_calls_are_lowered_to_what_is_left_and_refused_below_the_least() -> None:
    place, ledger = zone(total=5000, least=500), BandwidthLedger()
    assert ledger.ask("a", wish(place)) == Granted(2000)
    assert ledger.ask("b", wish(place)) == Granted(2000)
    third = ledger.ask("c", wish(place))
    assert third.picture == 700 and third.shortage is not None and third.shortage.left == 800
    with pytest.raises(Refusing, match="zone ward has left 0 kbit/s"):
        ledger.ask("d", wish(place))
    assert ledger.of_zone("ward") == Usage(3, 5000)
    ledger.release("a")
    assert ledger.ask("d", wish(place)).picture == 2000


def test_a_zone_may_refuse_rather_than_lower() -> None:
    place, ledger = zone(total=3000, over="refuse"), BandwidthLedger()
    ledger.ask("a", wish(place))
    with pytest.raises(Refusing) as error:
        ledger.ask("b", wish(place))
    assert not error.value.shortage.is_per_call
    assert ledger.ask("sound", wish(place, picture=0)) == Granted(0)


def test_the_limit_of_each_call_always_lowers_and_says_so() -> None:
    place, ledger = zone(each=1000, least=100, over="refuse"), BandwidthLedger()
    granted = ledger.ask("a", wish(place))
    assert granted.picture == 900 and granted.shortage is not None and granted.shortage.is_per_call
    with pytest.raises(Refusing, match="may take 1 kbit/s"):
        ledger.ask("b", wish(place, sound=1001))


def test_important_calls_have_the_reserve_for_themselves() -> None:
    place, ledger = zone(total=5000, reserved=2200, over="refuse"), BandwidthLedger()
    ledger.ask("a", wish(place))
    with pytest.raises(Refusing):
        ledger.ask("b", wish(place))
    assert ledger.ask("urgent", wish(place, important=True)) == Granted(2000)


def test_zone_and_class_both_count() -> None:
    sort = DeviceClass(name="carts", budget=Budget(total=2500, least=100))
    ledger = BandwidthLedger()
    ledger.ask("a", wish(zone("x", total=9000), sort=sort))
    other = ledger.ask("b", wish(zone("y", total=9000), sort=sort))
    assert other.picture == 300 and other.shortage is not None and other.shortage.name == "carts"
    assert ledger.of_class("carts") == Usage(2, 2500) and ledger.of_zone("y") == Usage(1, 400)


def test_what_was_negotiated_frees_the_rest_and_asking_again_keeps_what_there_is() -> None:
    place, ledger = zone(total=4200, least=100), BandwidthLedger()
    ledger.ask("a", wish(place))
    ledger.settle("a", 100, 500)
    assert ledger.of_zone("ward") == Usage(1, 600) and ledger.picture_of("a") == 500
    ledger.ask("b", wish(place, picture=3400))
    with pytest.raises(Refusing):
        ledger.ask("a", wish(place, sound=5000))
    assert ledger.picture_of("a") == 500, "what a call has is not lost by asking for more"
    assert ledger.ask("a", wish(place)).picture == 600
    ledger.settle("nobody", 1, 1)


def test_a_call_that_is_there_is_counted_whatever_is_left() -> None:
    place, ledger = zone(total=100), BandwidthLedger()
    ledger.book("a", wish(place))
    assert ledger.of_zone("ward").rate == 2100
    with pytest.raises(Refusing):
        ledger.look(wish(place, picture=0))


def test_nothing_is_left_in_the_books_after_any_history() -> None:
    rng = random.Random(7)
    sort = DeviceClass(name="c", budget=Budget(total=8000, over=OverBudget.REFUSE))
    places = [zone("a", total=6000, reserved=500), zone("b", total=3000, over="refuse"), zone("c")]
    ledger = BandwidthLedger()
    for _ in range(3000):
        call = f"call{rng.randrange(12)}"
        action = rng.randrange(4)
        if action == 0:
            ledger.release(call)
        elif action == 1:
            ledger.settle(call, rng.randrange(200), rng.randrange(3000))
        else:
            place = rng.choice(places)
            asked = wish(place, rng.randrange(3000), sort=rng.choice([None, sort]), important=rng.random() < 0.2)
            try:
                granted = ledger.ask(call, asked)
            except Refusing:
                continue
            assert 0 <= granted.picture <= asked.picture
            assert (granted.shortage is None) == (granted.picture == asked.picture)
    for number in range(12):
        ledger.release(f"call{number}")
    assert not ledger.calls and not ledger._usage and not ledger._calls


def test_others_give_way_evenly_to_an_important_call() -> None:
    place, ledger = zone(total=6300, least=500, reserved=0), BandwidthLedger()
    for call, picture in (("a", 2000), ("b", 2000), ("c", 800)):
        ledger.ask(call, wish(place, picture))
    granted = ledger.ask("urgent", wish(place, important=True))
    assert (granted.picture, granted.shortage, granted.ended) == (2000, None, ())
    assert dict(granted.lowered) == {"a": 1550, "b": 1550}, "who has little keeps it"
    assert ledger.of_zone("ward").rate <= 6300 and ledger.picture_of("a") == 1550


def test_important_calls_do_not_give_way_to_each_other() -> None:
    place, ledger = zone(total=4200, least=500), BandwidthLedger()
    ledger.ask("first", wish(place, important=True))
    ledger.ask("a", wish(place))
    second = ledger.ask("second", wish(place, important=True))
    assert (second.picture, second.lowered) == (1400, (("a", 500),))
    assert second.shortage is not None and ledger.picture_of("first") == 2000


def test_nobody_is_lowered_for_a_call_that_cannot_be() -> None:
    place, ledger = zone(total=2500, least=1900), BandwidthLedger()
    ledger.ask("a", wish(place))
    with pytest.raises(Refusing):
        ledger.ask("urgent", wish(place, important=True))
    assert ledger.picture_of("a") == 2000 and ledger.calls == {"a"}


def test_where_it_is_so_agreed_the_calls_that_came_last_end() -> None:
    place, ledger = zone(total=4300, least=1000, making_room="end"), BandwidthLedger()
    for call in ("a", "b", "c"):
        ledger.ask(call, wish(place, 1000))
    ledger.settle("a", 100, 1000)  # which is no later for that
    granted = ledger.ask("urgent", wish(place, important=True))
    assert (granted.picture, granted.ended, granted.lowered) == (2000, ("c",), ())
    assert ledger.calls == {"a", "b", "urgent"}


def test_where_it_is_so_agreed_nobody_gives_way() -> None:
    place, ledger = zone(total=3000, least=100, making_room="never"), BandwidthLedger()
    ledger.ask("a", wish(place))
    granted = ledger.ask("urgent", wish(place, important=True))
    assert (granted.picture, granted.lowered) == (800, ())


def test_a_look_lowers_and_ends_nobody() -> None:
    place, ledger = zone(total=3100, least=1000, making_room="end"), BandwidthLedger()
    ledger.ask("a", wish(place, 1500))
    ledger.ask("b", wish(place, 1000))
    granted = ledger.look(wish(place, important=True))
    assert granted.ended == ("b",) and granted.lowered == (("a", 1000),)
    assert ledger.calls == {"a", "b"} and ledger.of_zone("ward") == Usage(2, 2700)


def test_a_call_and_its_rate_end_in_good_order_after_making_room() -> None:
    sort = DeviceClass(name="c", budget=Budget(total=2200, making_room="end", least=500))
    ledger = BandwidthLedger()
    ledger.ask("a", wish(zone("x", total=9000), 1000, sort=sort))
    ledger.ask("b", wish(zone("y", total=9000), 1000, sort=sort))
    granted = ledger.ask("urgent", wish(zone("z", each=900, least=100), sort=sort, important=True))
    assert dict(granted.lowered) == {"a": 550, "b": 550} and granted.picture == 800
    for call in ("a", "b", "urgent"):
        ledger.release(call)
    assert not ledger._usage and not ledger.calls
