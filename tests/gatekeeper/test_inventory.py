"""What is known of endpoints, and what is wrong with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gatekeeper.inventory import (
    SAVE_EVERY,
    AlarmKind,
    Endpoint,
    EndpointState,
    Inventory,
    Registration,
    Sighting,
)

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def alarms(inventory: Inventory, name: str = "4001") -> list[AlarmKind]:
    endpoint = inventory.get(name)
    assert endpoint is not None
    return [alarm.kind for alarm in endpoint.alarms]


def state(inventory: Inventory, now: datetime, name: str = "4001") -> EndpointState:
    endpoint = inventory.get(name)
    assert endpoint is not None
    return inventory.state_of(endpoint, now)


def binding(account: str = "4001", minutes: float = 60, **more: str) -> Registration:
    return Registration(account, at(minutes), **more)


def test_a_device_is_known_by_what_it_shows_and_nothing_is_lost_by_showing_less() -> None:
    inventory = Inventory()
    inventory.saw("a@h", Sighting(name="Cart", user_agent="Yealink VC800 63.1", codecs=("H264",), zone="ward"), NOON)
    inventory.saw("a@h", Sighting(address="192.0.2.7"), at(1))
    found = inventory.get("a@h")
    assert found is not None
    assert (found.maker, found.model, found.version, found.codecs) == ("Yealink", "VC800", "63.1", ("H264",))
    assert (found.name, found.address, found.zone) == ("Cart", "192.0.2.7", "ward")
    assert (found.first_seen, found.last_seen) == (NOON, at(1)) and state(inventory, at(1), "a@h") is EndpointState.SEEN
    inventory.saw("a@h", Sighting(user_agent="Yealink VC800 64.0"), at(2))
    updated = inventory.get("a@h")
    assert updated is not None and updated.version == "64.0"


def test_registrations_come_run_out_with_an_alarm_and_come_back() -> None:
    inventory = Inventory()
    inventory.registrations([binding(minutes=10), binding("4002", 60)], NOON)
    assert state(inventory, NOON) is EndpointState.REGISTERED
    inventory.registrations([binding("4002", 60)], at(11))
    assert state(inventory, at(11)) is EndpointState.UNREGISTERED and alarms(inventory) == [AlarmKind.UNREGISTERED]
    inventory.registrations([binding("4002", 60)], at(12))
    (alarm,) = inventory.get("4001").alarms  # type: ignore[union-attr]
    assert alarm.since == at(11)
    inventory.registrations([binding(minutes=30), binding("4002", 60)], at(13))
    assert state(inventory, at(13)) is EndpointState.REGISTERED and alarms(inventory) == []


def test_signing_off_is_no_fault() -> None:
    inventory = Inventory()
    inventory.registrations([binding(minutes=60)], NOON)
    inventory.registrations([], at(5))
    assert state(inventory, at(5)) is EndpointState.SEEN and alarms(inventory) == []


def test_of_several_contacts_the_one_that_lasts_longest_counts() -> None:
    inventory = Inventory()
    inventory.registrations([binding(minutes=5, contact="sip:a"), binding(minutes=50, contact="sip:b")], NOON)
    found = inventory.get("4001")
    assert found is not None and found.contact == "sip:b" and found.registered_until == at(50)


def test_a_new_name_of_the_account_shows_without_a_new_registration() -> None:
    inventory = Inventory()
    inventory.registrations([binding(name="Theatre 2")], NOON)
    inventory.registrations([binding(name="手术室 2", zone="ward")], at(1))
    found = inventory.get("4001")
    assert found is not None and (found.name, found.zone, found.last_seen) == ("手术室 2", "ward", NOON)


def test_loss_is_an_alarm_that_does_not_flicker_and_ends_with_the_call() -> None:
    inventory = Inventory()
    inventory.saw("4001", Sighting(), NOON)
    inventory.call_began("4001", NOON)
    assert state(inventory, NOON) is EndpointState.IN_CALL
    inventory.loss("4001", 960, 40, at(1))
    assert alarms(inventory) == [AlarmKind.LOSS]
    inventory.loss("4001", 980, 20, at(2))
    assert alarms(inventory) == [AlarmKind.LOSS], "between the two limits it stays"
    inventory.loss("4001", 995, 5, at(3))
    assert alarms(inventory) == []
    inventory.loss("4001", 10, 10, at(4))
    assert alarms(inventory) == [], "a few packets say nothing"
    inventory.loss("4001", 500, 500, at(5))
    inventory.call_ended("4001", at(6))
    assert alarms(inventory) == [] and state(inventory, at(6)) is EndpointState.SEEN


def test_silence_is_an_alarm_until_packets_come() -> None:
    inventory = Inventory()
    inventory.saw("4001", Sighting(), NOON)
    inventory.silent("4001", 3, NOON)
    assert alarms(inventory) == []
    inventory.silent("4001", 6, NOON)
    inventory.silent("4001", 12, at(0.1))
    (alarm,) = inventory.get("4001").alarms  # type: ignore[union-attr]
    assert (alarm.kind, alarm.since, alarm.figure) == (AlarmKind.SILENT, NOON, 12)
    inventory.flowing("4001", at(1))
    assert alarms(inventory) == []


def test_two_calls_of_one_device_are_counted() -> None:
    inventory = Inventory()
    inventory.saw("4001", Sighting(), NOON)
    for _ in range(2):
        inventory.call_began("4001", NOON)
    inventory.call_ended("4001", NOON)
    assert state(inventory, NOON) is EndpointState.IN_CALL
    inventory.call_ended("4001", NOON)
    inventory.call_ended("4001", NOON)
    assert state(inventory, NOON) is EndpointState.SEEN
    found = inventory.get("4001")
    assert found is not None and found.calls == 2


def test_what_changed_is_handed_out_once_and_mere_sightings_seldom() -> None:
    inventory = Inventory()
    inventory.saw("a", Sighting(name="A"), NOON)
    assert [each.id for each in inventory.take_changed()] == ["a"]
    inventory.saw("a", Sighting(name="A"), at(0.1))
    assert inventory.take_changed() == []
    inventory.saw("a", Sighting(name="A"), NOON + SAVE_EVERY)
    assert [each.id for each in inventory.take_changed()] == ["a"]
    assert inventory.forget("a") and not inventory.forget("a")
    assert inventory.take_changed() == [] and inventory.take_forgotten() == ["a"] and inventory.take_forgotten() == []


def test_the_number_of_endpoints_is_bounded_and_the_longest_unseen_go_first() -> None:
    inventory = Inventory(most=20)
    inventory.registrations([binding("registered", 600)], NOON)
    inventory.saw("talking", Sighting(), NOON)
    inventory.call_began("talking", NOON)
    for number in range(500):
        inventory.saw(f"scanner{number}@h", Sighting(), at(1 + number))
    assert len(inventory) <= 20
    assert inventory.get("registered") and inventory.get("talking") and inventory.get("scanner499@h")


def test_what_a_device_says_is_cut() -> None:
    inventory = Inventory()
    found = inventory.saw("a", Sighting(name="x" * 9999, user_agent="y" * 9999, codecs=("c",) * 99), NOON)
    assert len(found.name) == 256 and len(found.user_agent) == 256 and len(found.codecs) == 32


def test_it_goes_on_from_what_was_kept() -> None:
    kept = Endpoint(id="4001", first_seen=NOON, last_seen=NOON, registered_until=at(5))
    inventory = Inventory([kept])
    assert state(inventory, at(1)) is EndpointState.REGISTERED
    inventory.registrations([], at(6))
    assert alarms(inventory) == [AlarmKind.UNREGISTERED]
