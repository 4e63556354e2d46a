"""Short runs of the fuzz targets for session descriptions, over nonsense and over damaged real offers."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import fuzz_browser_offer, fuzz_sdp

_TESTS = Path(__file__).parent.parent
_ROOMS = [path.read_bytes() for path in sorted((_TESTS / "sip" / "sdp" / "offers").glob("*.sdp"))]
_BROWSERS = [path.read_bytes() for path in sorted((_TESTS / "webrtc" / "offers").glob("*.sdp"))]

_WORDS = st.sampled_from(
    b"v=0|m=audio 4000 RTP/AVP 0 8 96|m=video 4002 RTP/AVPF 96 97|a=rtpmap:96 opus/48000/2|a=rtpmap:97 H264/90000|"
    b"a=fmtp:97 profile-level-id=42e01f;packetization-mode=1;max-fs=8160|a=fmtp:97 max-fps=0;max-mbps=99999999999|"
    b"c=IN IP4 0.0.0.0|c=IN IP6 ::1|c=IN IP4 host|b=AS:0|b=TIAS:1|b=CT:99999999999999999999|a=sendonly|a=inactive|"
    b"a=rtcp:0|a=rtcp:65536|a=rtcp-mux|a=content:main|a=content:slides|a=rtcp-fb:* nack pli|m=application 0 x *|"
    b"a=rtpmap:96 VP8/90000|a=fmtp:96 max-fs=1;max-fr=1|a=rtpmap:8 telephone-event/8000|m=video 0 RTP/AVP|a=:|a=|b=|"
    b"m=audio 65535 RTP/AVP 0|a=mid:0|a=group:BUNDLE 0 0|m=application 5000 UDP/BFCP *|m=application 9 TCP/BFCP *|"
    b"a=floorctrl:c-s|a=floorctrl:s-only c-only|a=confid:99999999999|a=userid:7|a=floorid:1 mstrm:11|a=floorid:x|"
    b"a=label:11|a=setup:passive|a=bfcpver:1 2".split(b"|")
)


@st.composite
def damaged(draw: st.DrawFn, samples: list[bytes]) -> bytes:
    """A real description with lines removed, repeated or exchanged, and octets overwritten."""
    lines = draw(st.sampled_from(samples)).split(b"\n")
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.integers(0, 3))
        if kind == 0 and len(lines) > 1:
            del lines[place]
        elif kind == 1:
            lines.insert(place, draw(st.sampled_from(lines)))
        elif kind == 2:
            lines.insert(place, draw(_WORDS))
        else:
            line = lines[place]
            at = draw(st.integers(0, len(line)))
            lines[place] = line[:at] + draw(st.binary(max_size=4)) + line[at + draw(st.integers(0, 4)) :]
    return b"\n".join(lines)


_SHORT = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_SHORT
@given(
    st.one_of(st.binary(max_size=200), st.lists(_WORDS, max_size=30).map(lambda lines: b"v=0\n" + b"\n".join(lines)))
)
def test_no_bytes_break_the_negotiation_with_rooms(data: bytes) -> None:
    fuzz_sdp.fuzz_one(data)


@_SHORT
@given(damaged(_ROOMS))
def test_no_damaged_offer_breaks_the_negotiation_with_rooms(data: bytes) -> None:
    fuzz_sdp.fuzz_one(data)


@_SHORT
@given(st.one_of(damaged(_BROWSERS), damaged(_ROOMS)))
def test_no_damaged_offer_breaks_the_answer_to_browsers(data: bytes) -> None:
    fuzz_browser_offer.fuzz_one(data)
