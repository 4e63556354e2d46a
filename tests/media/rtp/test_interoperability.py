"""Our bytes read by another implementation (aiortc), and its bytes read by ours."""

from __future__ import annotations

import random

import aiortc.rtp
import pytest
from aiortc.codecs.h264 import H264Encoder, H264PayloadDescriptor
from aiortc.codecs.vpx import VpxPayloadDescriptor

from mcu.media.rtp.h264 import H264Depacketizer, H264Packetizer, nal_units
from mcu.media.rtp.packet import RtpPacket
from mcu.media.rtp.rtcp import (
    FullIntraRequest,
    GenericNack,
    Goodbye,
    PictureLossIndication,
    ReceiverEstimatedMaximumBitrate,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    parse_compound,
    serialise_compound,
)
from mcu.media.rtp.vp8 import Vp8Packetizer
from tests.media.rtp.link import START_CODE, access_unit, noise

BLOCK = ReportBlock(3, 64, -5, 70_000, 12, 34, 56)
COMPOUND = [
    SenderReport(1, 0xE0000000_80000000, 90_000, 10, 1000, (BLOCK,)),
    ReceiverReport(1, (BLOCK,)),
    SourceDescription(((1, "a@b"),)),
    GenericNack(1, 3, (10, 11, 30, 65535)),
    PictureLossIndication(1, 3),
    FullIntraRequest(1, ((3, 9),)),
    ReceiverEstimatedMaximumBitrate(1, 2_000_000 // 16 * 16, (3,)),
    Goodbye((1,)),
]


def test_our_rtcp_is_read_and_written_alike() -> None:
    data = serialise_compound(COMPOUND)
    theirs = aiortc.rtp.RtcpPacket.parse(data)
    assert len(theirs) == len(COMPOUND)
    assert theirs[0].sender_info.rtp_timestamp == 90_000
    assert theirs[0].reports[0].packets_lost == -5
    assert theirs[2].chunks[0].items == [(1, b"a@b")]
    assert theirs[3].lost == [10, 11, 30, 65535]
    assert aiortc.rtp.unpack_remb_fci(theirs[6].fci) == (COMPOUND[6].bitrate, [3])
    again = b"".join(bytes(packet) for packet in theirs)
    assert parse_compound(again) == COMPOUND


def test_our_rtp_is_read_alike() -> None:
    extensions = aiortc.rtp.HeaderExtensionsMap()
    extensions.configure(
        aiortc.RTCRtpParameters(
            headerExtensions=[
                aiortc.RTCRtpHeaderExtensionParameters(
                    id=3, uri="http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
                ),
                aiortc.RTCRtpHeaderExtensionParameters(id=4, uri="urn:ietf:params:rtp-hdrext:sdes:mid"),
            ]
        )
    )
    ours = RtpPacket(96, 7, 8, 9, b"payload", True, (1, 2), {3: b"\x01\x02\x03", 4: b"v"}, 4)
    theirs = aiortc.rtp.RtpPacket.parse(ours.serialise(), extensions)
    assert (theirs.sequence_number, theirs.timestamp, theirs.ssrc, theirs.csrc) == (7, 8, 9, [1, 2])
    assert (theirs.payload, theirs.marker, theirs.extensions.mid) == (b"payload", 1, "v")
    assert theirs.extensions.abs_send_time == 0x010203
    assert RtpPacket.parse(theirs.serialize(extensions)) == ours


@pytest.mark.parametrize("size", [100, 1300, 20_000])
def test_h264_payloads_are_cut_and_joined_alike(size: int) -> None:
    data = access_unit(random.Random(size), size, True)
    theirs = b"".join(H264PayloadDescriptor.parse(payload)[1] for payload in H264Packetizer(1).packetize(data))
    assert theirs == data
    depacketizer = H264Depacketizer()
    for payload in H264Encoder._packetize(nal_units(data)):
        depacketizer.push(payload)
    assert depacketizer.take() == (data, True)
    assert data.startswith(START_CODE)


def test_vp8_payloads_are_read_alike() -> None:
    data = noise(random.Random(1), 5000)
    joined = b""
    for number, payload in enumerate(Vp8Packetizer(picture_id=300).packetize(data)):
        descriptor, rest = VpxPayloadDescriptor.parse(payload)
        assert (descriptor.picture_id, descriptor.partition_start, descriptor.partition_id) == (300, int(not number), 0)
        joined += rest
    assert joined == data
