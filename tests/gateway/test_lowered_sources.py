"""What a room is told that it may send while ports are scarce."""

from __future__ import annotations

import re

import pytest

from mcu.conference.door.capacity import PortBook
from mcu.gateway.call_sessions import within
from mcu.media.spec import ConferenceSpec
from sip.sdp.capabilities import LocalCapabilities, LocalMedia
from sip.sdp.grammar import parse
from sip.sdp.negotiation import answer

OFFER = """v=0
o=- 1 1 IN IP4 192.0.2.1
s=-
c=IN IP4 192.0.2.1
t=0 0
m=audio 4000 RTP/AVP 8
m=video 4002 RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 profile-level-id=42e028;packetization-mode=1
"""


class Meter:
    """A server with so many ports, none of them taken."""

    def __init__(self, ports: float | None) -> None:
        self._ports = ports

    def total(self) -> float | None:
        return self._ports

    def cost(self, spec: ConferenceSpec) -> float:
        return 0.0

    def source(self, width: int, height: int) -> float:
        return width * height / (1920 * 1080) / 4


@pytest.mark.parametrize(
    ("free", "first", "level"),
    [
        (None, True, "28"),
        (5.0, True, "28"),
        (1.25, True, "28"),
        (1.2, True, "1f"),
        (0.62, True, "1f"),
        (0.6, True, "1e"),
        (0.0, True, "1e"),
        (0.25, False, "28"),
        (0.2, False, "1f"),
        (0.1, False, "1e"),
        (0.0, False, "1e"),
    ],
)
def test_the_answer_asks_for_smaller_pictures_the_fewer_ports_are_free(
    free: float | None, first: bool, level: str
) -> None:
    capabilities = within(LocalCapabilities(), PortBook(Meter(free)).largest_source(first=first))
    local = LocalMedia(host="192.0.2.2", audio_port=5000, video_port=5002)
    agreed = answer(parse(OFFER.replace("\n", "\r\n")), capabilities, local, session_id=1, version=1)
    told = re.search(r"profile-level-id=....(..)", str(agreed.description))
    assert told is not None and told[1].lower() == level


def test_a_level_that_is_lower_already_stays() -> None:
    assert within(LocalCapabilities(level=13), (1280, 720)).level == 13
    assert within(LocalCapabilities(level=31), (1920, 1080)).level == 31
