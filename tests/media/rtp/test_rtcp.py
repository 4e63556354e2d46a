"""RTCP: reports, feedback, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.media.rtp.rtcp import (
    MAX_COMPOUND_PACKETS,
    FullIntraRequest,
    GenericNack,
    Goodbye,
    LegacyIntraRequest,
    PictureLossIndication,
    ReceiverEstimatedMaximumBitrate,
    ReceiverReport,
    ReportBlock,
    RtcpError,
    SenderReport,
    SourceDescription,
    parse_compound,
    serialise_compound,
)

u32 = st.integers(0, 0xFFFFFFFF)
blocks = st.lists(
    st.builds(ReportBlock, u32, st.integers(0, 255), st.integers(-0x800000, 0x7FFFFF), u32, u32, u32, u32), max_size=31
).map(tuple)
packets = st.one_of(
    st.builds(SenderReport, u32, st.integers(0, 2**64 - 1), u32, u32, u32, blocks),
    st.builds(ReceiverReport, u32, blocks),
    st.builds(SourceDescription, st.lists(st.tuples(u32, st.text(max_size=20)), max_size=5).map(tuple)),
    st.builds(Goodbye, st.lists(u32, max_size=31).map(tuple), st.text(max_size=20)),
    st.builds(PictureLossIndication, u32, u32),
    st.builds(FullIntraRequest, u32, st.lists(st.tuples(u32, st.integers(0, 255)), max_size=5).map(tuple)),
    st.builds(LegacyIntraRequest, u32),
    st.builds(ReceiverEstimatedMaximumBitrate, u32, st.integers(0, 0x3FFFF), st.lists(u32, max_size=5).map(tuple)),
)


@given(st.lists(packets, min_size=1, max_size=6))
def test_compounds_survive_a_round_trip(compound: list) -> None:
    assert parse_compound(serialise_compound(compound)) == compound


@given(st.integers(0, 0xFFFF), st.sets(st.integers(0, 400), min_size=1, max_size=60))
def test_nacks_name_just_the_lost_packets(first: int, offsets: set[int]) -> None:
    lost = tuple((first + offset) & 0xFFFF for offset in sorted(offsets))
    assert parse_compound(GenericNack(1, 2, lost).serialise()) == [GenericNack(1, 2, lost)]


def test_a_nack_of_more_packets_than_are_kept_is_cut() -> None:
    (nack,) = parse_compound(GenericNack(1, 2, tuple(range(5000))).serialise())
    assert isinstance(nack, GenericNack)
    assert nack.lost == tuple(range(len(nack.lost))) and 512 <= len(nack.lost) < 512 + 17


def test_neighbouring_losses_share_an_item() -> None:
    assert GenericNack(1, 2, (10, 11, 26)).serialise().hex() == "81cd00030000000100000002000a8001"


def test_feedback_is_laid_out_as_the_rfcs_say() -> None:
    assert PictureLossIndication(1, 2).serialise().hex() == "81ce00020000000100000002"
    assert FullIntraRequest(1, ((2, 7),)).serialise().hex() == "84ce000400000001000000000000000207000000"
    assert LegacyIntraRequest(2).serialise().hex() == "80c0000100000002"
    remb = ReceiverEstimatedMaximumBitrate(1, 2_000_000, (2,)).serialise()
    assert remb[4:16] == bytes(3) + b"\x01" + bytes(4) + b"REMB" and remb[16] == 1 and remb[20:] == b"\x00\x00\x00\x02"
    assert abs(parse_compound(remb)[0].bitrate - 2_000_000) < 16


def test_unknown_types_and_forms_are_skipped() -> None:
    app = bytes.fromhex("80cc000200000001") + b"name"
    transport_wide = bytes.fromhex("8fcd000200000001" + "00000002")
    assert parse_compound(app + transport_wide + LegacyIntraRequest(3).serialise()) == [LegacyIntraRequest(3)]


def test_padding_at_the_end_is_taken_off() -> None:
    assert parse_compound(bytes.fromhex("a0c9000200000005" + "00000004")) == [ReceiverReport(5)]


def test_a_cname_is_found_among_other_items() -> None:
    items = bytes([2, 3]) + b"Bob" + bytes([1, 4]) + b"a@b " + bytes([6, 1]) + b"x" + b"\x00"
    items += bytes(-len(items) % 4)
    data = bytes.fromhex("81ca") + ((4 + len(items)) // 4).to_bytes(2, "big") + b"\x00\x00\x00\x09" + items
    assert parse_compound(data) == [SourceDescription(((9, "a@b "),))]


@pytest.mark.parametrize(
    "data",
    [
        "",
        "80c8",
        "40c90001" + "00000001",  # version 1
        "80c90002" + "00000001",  # longer than the datagram
        "80c80001" + "00000001",  # sender report without sender info
        "81c90001" + "00000001",  # a block announced, none there
        "81ca0001" + "00000001" + "81ca0000",  # chunk without room
        "82cb0001" + "00000001",  # two sources announced, one there
        "81ce0001" + "00000001",  # feedback without media SSRC
        "8fce0004" + "00000001" + "00000000" + "52454d42" + "05000001",  # REMB without its SSRCs
        "a0c90001" + "00000009",  # padding longer than the packet
        "80c90001" + "00000001" + "80",  # rest of a header
    ],
)
def test_malformed_datagrams_are_refused(data: str) -> None:
    with pytest.raises(RtcpError):
        parse_compound(bytes.fromhex(data))


def test_a_datagram_of_very_many_packets_is_refused() -> None:
    with pytest.raises(RtcpError):
        parse_compound(bytes.fromhex("80cb0000") * (MAX_COMPOUND_PACKETS + 1))


def test_loss_beyond_24_bits_is_clamped() -> None:
    (report,) = parse_compound(ReceiverReport(1, (ReportBlock(2, 0, 1 << 30, 0, 0),)).serialise())
    assert report.reports[0].packets_lost == 0x7FFFFF
