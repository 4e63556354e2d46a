"""Slots for pictures of others, several encodings of one's own, and repetitions of what is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mcu.webrtc.answer import BrowserAnswer, BrowserLocal, PictureSources, answer_browser_offer
from sip.sdp.grammar import SessionDescription, parse

OFFER = (Path(__file__).parent / "offers" / "chromium_slots.sdp").read_text()
HERE = BrowserLocal(
    ufrag="ours",
    password="password-of-ours-which-is-long",
    fingerprint=("sha-256", ":".join(["AB"] * 32)),
    candidates=(("192.0.2.7", 50000),),
    audio_ssrc=1001,
    video=PictureSources(1002, 2002),
    content=PictureSources(1003, 2003),
    slots=tuple(PictureSources(1010 + index, 2010 + index) for index in range(9)),
    cname="consilium",
)
ENCODINGS = "a=simulcast:send q;h;f"


def answered(offer: str, local: BrowserLocal = HERE) -> tuple[BrowserAnswer, SessionDescription]:
    answer = answer_browser_offer(offer, local)
    return answer, parse(answer.sdp)


def test_every_slot_is_sent_to_with_a_source_and_a_stream_of_its_own() -> None:
    answer, description = answered(OFFER)

    assert answer.video is not None and answer.content is not None
    assert [slot.ssrc for slot in answer.slots] == list(range(1010, 1019))
    assert [slot.rtx_ssrc for slot in answer.slots] == list(range(2010, 2019))
    assert [slot.mid for slot in answer.slots] == [str(mid) for mid in range(3, 12)]
    assert all(slot.send and not slot.receive and not slot.rids for slot in answer.slots)
    assert all(slot.feedback == {"nack", "pli", "fir", "remb"} for slot in answer.slots)
    assert description.value("group") == "BUNDLE 0 1 2 3 4 5 6 7 8 9 10 11"
    for number, media in enumerate(description.media[3:]):
        assert media.has("sendonly") and not media.has("simulcast")
        assert media.value("msid") == f"consilium-slot-{number} slot-{number}"
        assert media.value("ssrc-group") == f"FID {1010 + number} {2010 + number}"
        assert [value.split()[0] for value in media.values("ssrc")] == [str(1010 + number), str(2010 + number)]


def test_the_limit_of_a_zone_stands_on_every_picture_line() -> None:
    """Chromium takes the word of the last line for the whole connection."""
    _, description = answered(OFFER, replace(HERE, picture_rate=400_000))
    told = [[(one.kind, one.value) for one in media.bandwidths] for media in description.media]
    pictures = [media.media == "video" for media in description.media]
    assert pictures.count(True) == 11
    assert told == [[("AS", 421), ("TIAS", 400_000)] if picture else [] for picture in pictures]
    assert not any(media.bandwidths for media in answered(OFFER)[1].media)


def test_a_server_without_slots_refuses_them_and_no_more_are_taken_than_there_are() -> None:
    none, description = answered(OFFER, replace(HERE, slots=()))
    two, _ = answered(OFFER, replace(HERE, slots=HERE.slots[:2]))

    assert none.slots == () and none.video is not None
    assert [media.port for media in description.media[3:]] == [0] * 9
    assert [slot.mid for slot in two.slots] == ["3", "4"]


def more(count: int) -> str:
    """The offer with one more picture, and sound so many times more, which the browser only receives."""
    parts = OFFER.split("m=")
    sound = parts[1].replace("a=sendrecv", "a=recvonly")
    added = [parts[-1].replace("a=mid:11", "a=mid:12")]
    added += [sound.replace("a=mid:0", f"a=mid:{13 + number}") for number in range(count)]
    mids = " ".join(str(mid) for mid in range(13 + count))
    return "m=".join([*parts, *added]).replace("a=group:BUNDLE 0 1 2 3 4 5 6 7 8 9 10 11", f"a=group:BUNDLE {mids}")


def test_after_the_slots_comes_a_place_for_what_is_shared_and_sound_for_voices() -> None:
    local = replace(HERE, shared=PictureSources(1019, 2019), voices=(1030, 1031))

    answer, description = answered(more(3), local)

    assert answer.shared is not None and len(answer.slots) == 9
    assert (answer.shared.ssrc, answer.shared.rtx_ssrc, answer.shared.mid) == (1019, 2019, "12")
    assert [(voice.ssrc, voice.mid, voice.receive) for voice in answer.voices] == [
        (1030, "13", False),
        (1031, "14", False),
    ]
    assert answer.voices[0].redundancy == 63 and answer.voices[0].dtmf_payload_type is None
    assert description.media[12].value("msid") == "consilium-shared shared"
    assert description.media[14].value("msid") == "consilium-slot-1 voice-1"  # one stream with the slot's picture
    assert description.media[14].has("sendonly") and description.media[15].port == 0


def test_who_offers_no_more_gets_what_is_shared_and_voices_mixed() -> None:
    answer, _ = answered(OFFER, replace(HERE, shared=PictureSources(1019, 2019), voices=(1030,)))
    none, description = answered(more(1))

    assert answer.shared is None and answer.voices == ()
    assert none.shared is None and none.voices == ()
    assert [media.port for media in description.media[12:]] == [0, 0]


def test_a_third_picture_that_is_sent_to_us_is_no_slot() -> None:
    parts = OFFER.split("m=video ")
    parts[3] = parts[3].replace("a=recvonly", "a=sendrecv")

    answer, description = answered("m=video ".join(parts))

    assert [slot.mid for slot in answer.slots] == [str(mid) for mid in range(4, 12)]
    assert description.media[3].port == 0


def test_the_encodings_of_the_main_picture_are_taken_in_the_order_of_the_offer() -> None:
    answer, description = answered(OFFER)

    assert answer.video is not None and answer.content is not None
    assert answer.video.rids == ("q", "h", "f")
    assert (answer.video.rid_id, answer.video.repaired_rid_id, answer.video.mid_id) == (10, 11, 4)
    main = description.media[1]
    assert list(main.values("rid")) == ["q recv", "h recv", "f recv"]
    assert main.value("simulcast") == "recv q;h;f"
    assert answer.content.rids == () and answer.content.rid_id is None
    assert not any("rtp-stream-id" in value for value in description.media[2].values("extmap"))


def test_what_a_browser_shares_is_taken_in_its_encodings_too() -> None:
    parts = OFFER.split("m=video ")
    parts[2] = parts[1].replace("a=mid:1\n", "a=mid:2\n").replace("q;h;f", "s;l")
    parts[2] = parts[2].replace("a=rid:q send", "a=rid:s send").replace("a=rid:h send", "a=rid:l send")

    answer, description = answered("m=video ".join(parts))
    one, _ = answered("m=video ".join(parts), replace(HERE, simulcast=False))

    assert answer.content is not None and answer.video is not None and one.content is not None
    assert answer.content.rids == ("s", "l") and answer.content.mid == "2"
    assert (answer.content.rid_id, answer.content.repaired_rid_id) == (
        answer.video.rid_id,
        answer.video.repaired_rid_id,
    )
    assert description.media[2].value("simulcast") == "recv s;l"
    assert one.content.rids == ()


@pytest.mark.parametrize(
    ("encodings", "taken"),
    [
        ("a=simulcast:send ~q,h;f", ("q", "f")),
        ("a=simulcast:recv x send h;f", ("h", "f")),
        ("a=simulcast:send f", ()),
        ("a=simulcast:send q;x;q", ()),
        ("a=simulcast:recv q;h;f", ()),
        ("a=simulcast:", ()),
    ],
)
def test_alternatives_and_pauses_and_nonsense_in_what_is_offered(encodings: str, taken: tuple[str, ...]) -> None:
    answer, description = answered(OFFER.replace(ENCODINGS, encodings))

    assert answer.video is not None and answer.video.rids == taken
    assert description.media[1].has("simulcast") is bool(taken)


def test_no_encodings_without_what_tells_them_apart_or_where_the_browser_sends_none() -> None:
    without = OFFER.replace("urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", "urn:x")
    for offer, local in (
        (without, HERE),
        (OFFER.replace("a=sendrecv", "a=recvonly"), HERE),
        (OFFER, replace(HERE, simulcast=False)),
    ):
        answer, description = answered(offer, local)
        assert answer.video is not None
        assert answer.video.rids == () and answer.video.rid_id is None
        assert not description.media[1].has("simulcast")


def test_what_is_lost_is_repeated_both_ways_on_main_picture_content_and_slots() -> None:
    answer, description = answered(OFFER)

    assert answer.video is not None and answer.content is not None
    for spec, media in zip((answer.video, answer.content, *answer.slots), description.media[1:], strict=True):
        assert spec.repeats == {96: 97, 108: 109}
        assert media.formats == ("108", "109", "96", "97")
        assert "109 apt=108" in list(media.values("fmtp"))
        assert "109 rtx/90000" in list(media.values("rtpmap"))
    assert (answer.video.rtx_ssrc, answer.content.rtx_ssrc) == (2002, 2003)
    assert {codec.name for codec in answer.video.receive_codecs} == {"H264", "VP8"}


def test_nothing_is_repeated_where_we_or_the_browser_cannot() -> None:
    ours, _ = answered(OFFER, replace(HERE, video=PictureSources(1002)))
    theirs, description = answered(OFFER.replace("rtx/90000", "x/90000"))
    nonsense, _ = answered(OFFER.replace("apt=108", "apt=1080").replace("apt=96", "apt=x"))

    for answer in (ours, theirs, nonsense):
        assert answer.video is not None
        assert answer.video.repeats == {} and answer.video.rtx_ssrc is None
    assert not any(media.has("ssrc-group") for media in description.media)


def test_a_number_means_one_header_extension_in_the_whole_bundle() -> None:
    parts = OFFER.split("m=video ")
    mid, time = "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid", "a=extmap:2 http://www.webrtc.org/"
    assert mid in parts[3] and time in parts[3]
    parts[3] = parts[3].replace(mid, "a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:mid").replace(time, "a=x:")

    answer, _ = answered("m=video ".join(parts))

    assert answer.slots[0].mid_id is None
    assert answer.slots[1].mid_id == 4
