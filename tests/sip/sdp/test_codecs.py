"""rtpmap, fmtp and rtcp-fb as values."""

from __future__ import annotations

import pytest

from sip.sdp.codecs import MAX_PARAMETERS, OfferedCodec, format_parameters, read_codecs, read_parameters, whole_number
from sip.sdp.grammar import Attribute, MediaDescription, parse


def media(line: str, *attributes: str) -> MediaDescription:
    return parse("v=0\n" + "\n".join([line, *(f"a={attribute}" for attribute in attributes)])).media[0]


def test_payload_types_come_in_the_order_of_the_line() -> None:
    codecs = read_codecs(
        media(
            "m=audio 4000 RTP/AVP 96 8 101 0",
            "rtpmap:101 TELEPHONE-EVENT/8000",
            "fmtp:101 0-15",
            "rtpmap:96 OPUS/48000/2",
            "fmtp:96 useinbandfec=1; Stereo=1",
        )
    )

    assert codecs == (
        OfferedCodec("opus", 96, 48000, 2, {"useinbandfec": "1", "stereo": "1"}),
        OfferedCodec("PCMA", 8, 8000),
        OfferedCodec("telephone-event", 101, 8000, 1, {"": "0-15"}),
        OfferedCodec("PCMU", 0, 8000),
    )


def test_g722_has_the_clock_of_its_rfc_whatever_is_written() -> None:
    assert read_codecs(media("m=audio 4000 RTP/AVP 9", "rtpmap:9 G722/16000")) == (OfferedCodec("G722", 9, 8000),)


def test_an_rtpmap_goes_before_the_static_meaning() -> None:
    assert read_codecs(media("m=audio 4000 RTP/AVP 8", "rtpmap:8 opus/48000/2"))[0].name == "opus"


@pytest.mark.parametrize(
    ("line", "attributes"),
    [
        ("m=audio 4000 RTP/AVP 96", []),
        ("m=audio 4000 RTP/AVP 128 -1 x ² 1000", ["rtpmap:128 PCMA/8000"]),
        ("m=audio 4000 RTP/AVP", []),
        ("m=audio 4000 RTP/AVP 08", []),
        ("m=audio 4000 RTP/AVP 96", ["rtpmap:96"]),
        ("m=audio 4000 RTP/AVP 96", ["rtpmap:96 opus"]),
        ("m=audio 4000 RTP/AVP 96", ["rtpmap:96 opus/fast"]),
        ("m=audio 4000 RTP/AVP 96", ["rtpmap:96 /8000"]),
        ("m=audio 4000 RTP/AVP 96", ["rtpmap:96 opus/" + "9" * 4000]),
    ],
)
def test_what_has_no_meaning_is_left_out(line: str, attributes: list[str]) -> None:
    assert read_codecs(media(line, *attributes)) == ()


def test_a_payload_type_named_twice_counts_once() -> None:
    codecs = read_codecs(media("m=audio 4000 RTP/AVP 96 96", "rtpmap:96 opus/48000/2", "rtpmap:96 PCMA/8000"))

    assert [codec.name for codec in codecs] == ["opus"]


def test_feedback_is_known_by_payload_type_and_for_all() -> None:
    codecs = read_codecs(
        media(
            "m=video 4000 RTP/AVPF 96 97",
            "rtpmap:96 H264/90000",
            "rtpmap:97 VP8/90000",
            "rtcp-fb:* nack pli",
            "rtcp-fb:96 nack",
            "rtcp-fb:97 ccm fir tmmbr",
            "rtcp-fb:97 goog-remb",
            "rtcp-fb:* trr-int 5000",
            "rtcp-fb:96",
        )
    )

    assert codecs[0].feedback == {"nack", "pli"}
    assert codecs[1].feedback == {"pli", "fir", "remb"}


def test_a_codec_is_written_as_it_was_read() -> None:
    attributes = ["rtpmap:97 H264/90000", "fmtp:97 packetization-mode=1;x=y", "rtcp-fb:97 nack", "rtcp-fb:97 nack pli"]
    (codec,) = read_codecs(media("m=video 4000 RTP/AVP 97", *attributes))

    assert [str(attribute) for attribute in codec.attributes()] == attributes
    assert Attribute("rtcp-fb", "97 nack") not in list(codec.attributes(frozenset()))


def test_the_number_of_parameters_is_bounded() -> None:
    assert len(read_parameters(";".join(f"p{index}=1" for index in range(1000)))) == MAX_PARAMETERS


def test_parameters_are_lenient_about_blanks_and_repetition() -> None:
    parameters = read_parameters(" Mode = 20 ;; cif=1;cif=2;F;J")

    assert parameters == {"mode": "20", "cif": "1", "": "F"}
    assert format_parameters({"": "0-15"}) == "0-15"


@pytest.mark.parametrize(
    ("word", "expected"),
    [("7", 7), ("0", None), ("-1", None), ("", None), ("abc", None), ("9" * 500, None), ("999999", 1000), ("²", None)],
)
def test_numbers_in_parameters_are_bounded(word: str, expected: int | None) -> None:
    assert whole_number({"x": word}, "x", maximum=1000) == expected
