"""Frames and messages octet by octet, as rooms send them."""

from __future__ import annotations

import pytest

from mcu.media.camera.errors import CameraProtocolError
from mcu.media.camera.h224 import CME, H281, MAX_FRAME, H224Frame
from mcu.media.camera.h281 import (
    Action,
    CameraMessage,
    Capabilities,
    Motion,
    Source,
    parse_capabilities,
    parse_message,
    serialise_capabilities,
    serialise_message,
)
from mcu.media.camera.management import (
    ClientList,
    ClientListCommand,
    ExtraCapabilities,
    ExtraCapabilitiesCommand,
    parse_management,
    serialise_management,
)

START_LEFT = bytes.fromhex("00 71 03 0000 0000 01 c0 01 80 00")


def test_a_start_as_it_goes_over_the_wire():
    frame = H224Frame.parse(START_LEFT)
    assert (frame.client, frame.high_priority, frame.is_whole) == (H281, True, True)
    assert parse_message(frame.data) == CameraMessage(Action.START, Motion(pan=-1), 0.8)
    assert H224Frame(H281, serialise_message(CameraMessage(Action.START, Motion(pan=-1)))).serialise() == START_LEFT


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        ("01 c0 00", CameraMessage(Action.START, Motion(pan=1), 0.8)),
        ("01 30 04", CameraMessage(Action.START, Motion(tilt=1), 0.2)),
        ("02 20", CameraMessage(Action.CONTINUE, Motion(tilt=-1))),
        ("03 0c", CameraMessage(Action.STOP, Motion(zoom=1))),
        ("01 02 00", CameraMessage(Action.START, Motion(focus=-1))),
        ("03 00", CameraMessage(Action.STOP)),
        ("01 fb 00", CameraMessage(Action.START, Motion(1, 1, -1, 1))),
        ("06 30", CameraMessage(Action.STORE_PRESET, number=3)),
        ("07 f0", CameraMessage(Action.ACTIVATE_PRESET, number=15)),
        ("04 21", CameraMessage(Action.SELECT_SOURCE, number=2, mode=1)),
    ],
)
def test_messages(octets, message):
    assert parse_message(bytes.fromhex(octets)) == message
    assert serialise_message(message) == bytes.fromhex(octets)


def test_a_direction_without_its_enabling_bit_means_nothing():
    assert not parse_message(b"\x01\x55\x00").motion


@pytest.mark.parametrize("octets", ["", "01", "00 00", "08 00", "ff"])
def test_what_is_no_message_is_refused(octets):
    with pytest.raises(CameraProtocolError):
        parse_message(bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        ("01 ff", ClientListCommand()),
        ("01 00 01 81", ClientList((H281,), frozenset({H281}))),
        ("01 00 00", ClientList(())),
        ("02 ff 01", ExtraCapabilitiesCommand(H281)),
        ("02 00 81 06 14 f0", ExtraCapabilities(H281, bytes.fromhex("06 14 f0"))),
    ],
)
def test_management(octets, message):
    assert parse_management(bytes.fromhex(octets)) == message
    assert serialise_management(message) == bytes.fromhex(octets)


def test_clients_with_longer_numbers_are_stepped_over():
    listed = parse_management(bytes.fromhex("01 00 03 7f b5 00 00 01 02 7e 05 81"))
    assert listed == ClientList((0x7F, 0x7E, H281), frozenset({H281}))


@pytest.mark.parametrize(
    "octets", ["", "01", "01 00", "01 00 02 81", "01 00 ff", "02 ff", "02 00", "03 00 01", "01 01"]
)
def test_what_is_no_management_is_refused(octets):
    with pytest.raises(CameraProtocolError):
        parse_management(bytes.fromhex(octets))


def test_capabilities():
    octets = bytes.fromhex("06 14 f0 24 20") + b"\x64Microscope\0\x10"
    capabilities = Capabilities(
        6, (Source(), Source(2, False, False, True, False), Source(6, False, False, False, True, name="Microscope"))
    )
    assert parse_capabilities(octets) == capabilities
    assert serialise_capabilities(capabilities) == octets


@pytest.mark.parametrize("octets", ["", "06 14", "06 64 41", "06 64 41 00"])
def test_capabilities_that_break_off_are_refused(octets):
    with pytest.raises(CameraProtocolError):
        parse_capabilities(bytes.fromhex(octets))


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "00 71 03 0000 0000 01",
        "00 71 03 0000 0000 7f b5 00 00",
        "00 72 03 0000 0000 01 c0 01 80 00",
        "00 71 13 0000 0000 01 c0 01 80 00",
    ],
)
def test_what_is_no_frame_is_refused(octets):
    with pytest.raises(CameraProtocolError):
        H224Frame.parse(bytes.fromhex(octets))
    with pytest.raises(CameraProtocolError):
        H224Frame.parse(START_LEFT + bytes(MAX_FRAME))


def test_frames_of_other_clients_keep_their_numbers():
    octets = bytes.fromhex("00 61 03 0000 0000 7e 07 c0 aa")
    frame = H224Frame.parse(octets)
    assert (frame.client, frame.more_client, frame.data, frame.high_priority) == (0x7E, b"\x07", b"\xaa", False)
    assert frame.serialise() == octets


def test_segments_are_told_from_whole_frames():
    assert H224Frame(CME, b"x", begins=False, ends=False).is_whole
    assert not H224Frame(CME, b"x", ends=False).is_whole
    assert not H224Frame(CME, b"x", begins=False, ends=False, segment=1).is_whole
