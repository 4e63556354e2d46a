"""Devices by what they say of themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.devices import Device, identify


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("TANDBERG/529 (ce9.15.3)", Device("Cisco", "529", "ce9.15.3")),
        ("Cisco-CUCM12.5", Device("Cisco", "CUCM12.5", "")),
        ("PolycomRealPresenceGroup500/6.2.2", Device("Polycom", "RealPresenceGroup500", "6.2.2")),
        ("Huawei TE40 V100R001C10", Device("Huawei", "TE40", "V100R001C10")),
        ("HUAWEI-TE/1.0", Device("Huawei", "TE", "1.0")),
        ("Yealink VC800 63.32.0.60", Device("Yealink", "VC800", "63.32.0.60")),
        ("LifeSize Room 220/4.11", Device("Lifesize", "Room 220", "4.11")),
        ("KEDACOM H600 V5.2", Device("Kedacom", "H600", "5.2")),
        ("baresip v3.1.0 (x86_64/linux)", Device("baresip", "baresip", "3.1.0")),
        ("Linphone-Desktop/4.4.10 (host) LinphoneCore/5.1", Device("Linphone", "Desktop", "4.4.10")),
        ("Consilium simulated room", Device("Consilium", "simulated room", "")),
        ("Unheard-of 7/1.2", Device("", "Unheard of 7", "1.2")),
        ("monopoly 1.0", Device("", "monopoly", "1.0")),
        ("", Device()),
        (" \t ", Device()),
    ],
)
def test_maker_model_and_version(user_agent: str, device: Device) -> None:
    assert identify(user_agent) == device


@given(st.text(max_size=400))
def test_anything_is_taken(text: str) -> None:
    device = identify(text)
    assert len(device.model) <= 200 and "\n" not in device.model


@given(st.lists(st.sampled_from(["cisco", "İ", "/", "1.2", "v", " ", "poly", "(", "R1", "V100"]), max_size=40))
def test_odd_words_in_any_order_are_taken(words: list[str]) -> None:
    identify("".join(words))
