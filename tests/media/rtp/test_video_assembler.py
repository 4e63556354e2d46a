"""From packets in order to pictures that a decoder can use."""

from __future__ import annotations

from mcu.media.rtp.errors import PayloadError
from mcu.media.rtp.h264 import H264Depacketizer
from mcu.media.rtp.video_assembler import MAX_WAIT_FOR_KEY_FRAME, SHORT_WAIT_FOR_KEY_FRAME, VideoAssembler
from mcu.media.rtp.vp8 import Vp8Depacketizer
from tests.media.rtp.link import PPS, SPS, START_CODE

IDR = b"\x65\x88\x84"
SLICE = b"\x41\x9a\x01"
SECOND_SLICE = b"\x41\x1a\x01"


class Made:
    def __init__(self, conceal: bool = False) -> None:
        self.errors: list[PayloadError] = []
        self.assembler = VideoAssembler(
            {99: H264Depacketizer(), 96: Vp8Depacketizer()}, self.errors.append, 0.0, conceal=conceal
        )

    def push(self, timestamp: int, *payloads: bytes, marker: bool = True, now: float = 0.0) -> None:
        for index, payload in enumerate(payloads):
            self.assembler.push(timestamp, marker and index == len(payloads) - 1, 99, payload, now)

    def taken(self) -> list[tuple[bytes, ...]]:
        pictures = [tuple(picture.data.split(START_CODE)[1:]) for picture in self.assembler.pictures]
        self.assembler.pictures.clear()
        return pictures


def test_a_picture_ends_at_its_marker() -> None:
    made = Made()
    made.push(0, SPS, PPS, IDR)
    assert made.taken() == [(SPS, PPS, IDR)]
    made.push(3000, SLICE, SECOND_SLICE)
    assert made.taken() == [(SLICE, SECOND_SLICE)]


def test_a_picture_ends_where_the_timestamp_changes() -> None:
    made = Made()
    made.push(0, SPS, PPS, IDR, marker=False)
    assert made.taken() == []
    made.push(3000, SLICE, marker=False)
    assert made.taken() == [(SPS, PPS, IDR)]


def test_before_the_first_key_frame_nothing_is_passed_on_and_one_is_asked_for() -> None:
    made = Made()
    made.push(0, SLICE)
    assert made.taken() == []
    assert made.assembler.needs_key_frame
    made.push(3000, SPS, PPS, IDR)
    assert len(made.taken()) == 1
    assert not made.assembler.needs_key_frame
    assert made.assembler.refreshed


def test_a_stream_that_begins_with_a_key_frame_asks_for_none() -> None:
    made = Made()
    made.push(0, SPS, PPS, IDR, marker=False)
    assert not made.assembler.needs_key_frame


def test_after_a_gap_pictures_are_dropped_until_a_whole_key_frame() -> None:
    made = Made()
    made.push(0, SPS, PPS, IDR)
    made.push(3000, SLICE, marker=False)
    made.assembler.gap(0.1)
    assert made.assembler.needs_key_frame
    made.push(3000, SECOND_SLICE)
    made.push(6000, SLICE)
    made.push(9000, IDR[:1] + b"\x08\x84")  # a later slice of an IDR picture whose first one was lost
    assert len(made.taken()) == 2  # the first picture, and that one: nothing said that it was not whole
    made.assembler.gap(0.2)
    made.push(12000, IDR[:1] + b"\x08\x84")
    assert made.taken() == []
    assert made.assembler.key_frame_lost
    made.push(15000, IDR)
    assert made.taken() == [(SPS, PPS, IDR)]


def test_a_recovery_point_serves_as_a_beginning() -> None:
    made = Made()
    made.push(0, b"\x06\x06\x01\x84\x80", SLICE)
    assert len(made.taken()) == 1
    assert made.assembler.refreshed


def test_patience_with_a_peer_that_does_not_answer_ends() -> None:
    made = Made()
    made.push(0, SPS, PPS, IDR)
    made.assembler.gap(1.0)
    made.push(3000, SLICE, now=1.0 + MAX_WAIT_FOR_KEY_FRAME - 0.1)
    assert len(made.taken()) == 1
    made.push(6000, SLICE, now=1.0 + MAX_WAIT_FOR_KEY_FRAME)
    assert made.taken() == [(SLICE,)]
    made.assembler.gap(5.0)
    made.push(9000, SLICE, now=5.01 + SHORT_WAIT_FOR_KEY_FRAME)
    assert made.taken() == [(SLICE,)]


def test_a_malformed_payload_costs_its_picture_and_is_told() -> None:
    made = Made()
    made.push(0, SPS, PPS, IDR)
    made.push(3000, SLICE, b"\x79abc")
    assert len(made.errors) == 1
    assert len(made.taken()) == 1
    assert made.assembler.needs_key_frame


def test_padding_packets_are_passed_over() -> None:
    made = Made()
    made.push(0, SPS, PPS, IDR)
    made.push(0, b"", marker=False)
    made.push(3000, SLICE)
    assert len(made.taken()) == 2


def test_a_change_of_codec_is_followed() -> None:
    made = Made()
    made.push(0, SPS, PPS, IDR)
    made.assembler.push(3000, True, 96, b"\x10\x00vp8", 0.1)
    assert [picture.data for picture in made.assembler.pictures][1] == b"\x00vp8"


def test_a_sender_that_cannot_repeat_is_shown_damaged_from_the_loss_to_the_next_key_frame() -> None:
    made = Made(conceal=True)
    made.push(0, SPS, PPS, IDR)
    made.push(3000, SLICE, marker=False)
    made.assembler.gap(0.1)
    made.push(6000, SLICE)
    made.push(9000, SPS, PPS, IDR)
    made.push(12000, SLICE)
    pictures = made.assembler.pictures
    assert [picture.damaged for picture in pictures] == [False, True, True, False, False]
    assert [picture.timestamp for picture in pictures] == [0, 3000, 6000, 9000, 12000]


def test_a_key_frame_is_asked_for_while_damage_is_shown() -> None:
    made = Made(conceal=True)
    made.push(0, SPS, PPS, IDR)
    made.assembler.gap(0.1)
    made.push(3000, SLICE)
    wanted = made.assembler.needs_key_frame
    made.push(6000, SPS, PPS, IDR)
    assert (wanted, made.assembler.needs_key_frame) == (True, False)


def test_what_came_of_a_fragmented_slice_is_kept_and_what_follows_the_hole_is_not() -> None:
    made = Made(conceal=True)
    made.push(0, SPS, PPS, IDR)
    made.push(3000, b"\x5c\x81\x9afirst", marker=False)  # FU-A
    made.assembler.gap(0.1)
    made.push(3000, b"\x5c\x41last")
    assert made.taken() == [(SPS, PPS, IDR), (b"\x41\x9afirst",)]


def test_a_key_frame_in_part_is_shown_and_the_next_one_asked_for() -> None:
    made = Made(conceal=True)
    made.push(0, SPS, PPS, IDR)
    made.push(3000, SPS, PPS, IDR, marker=False)
    made.assembler.gap(0.1)
    made.push(6000, SLICE)
    assert [picture.damaged for picture in made.assembler.pictures] == [False, True, True]
    assert made.assembler.key_frame_lost and made.assembler.needs_key_frame


def test_before_the_first_key_frame_no_damage_is_shown() -> None:
    made = Made(conceal=True)
    made.push(0, SPS, PPS, IDR, marker=False)
    made.assembler.gap(0.1)
    made.push(3000, SLICE)
    assert made.taken() == []
    assert made.assembler.needs_key_frame
