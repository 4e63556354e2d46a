"""What every leg is sent while something is shared, by its streams and by its choice."""

from __future__ import annotations

import pytest

from mcu.media.picture.outlets import Outlet, choose_rungs
from mcu.media.picture.rungs import rung_for_recording
from mcu.media.picture.state import COMMON_VIEW, ContentPlace, Rung, View
from mcu.media.spec import CodecSpec, ConferenceSpec, LegSpec, RecordingSpec
from tests.fakes.media import browser_leg, room_leg, sharing_leg


def conference(*legs: LegSpec, content_from: str | None = "sharer", **changes: object) -> ConferenceSpec:
    everyone = (sharing_leg("sharer"), *legs)
    return ConferenceSpec(id="c", revision=1, legs=everyone, content_from=content_from).model_copy(update=changes)


def served(spec: ConferenceSpec, shared: bool = True) -> dict[Outlet, Rung]:
    by_id = {leg.id: leg for leg in spec.legs}
    return choose_rungs(spec, spec.legs, shared, lambda leg_id, media: getattr(by_id[leg_id], media) is not None)


def browser(leg_id: str, second: bool) -> LegSpec:
    like = sharing_leg(leg_id)
    return browser_leg(leg_id).model_copy(update={"video": like.video, "content": like.content if second else None})


def chosen(leg: LegSpec, choice: str) -> LegSpec:
    return leg.model_copy(update={"content_choice": choice})


def places(rungs: dict[Outlet, Rung], leg: str) -> tuple[ContentPlace, ContentPlace | None]:
    second = rungs.get((leg, "content"))
    return rungs[leg, "video"].view.content, None if second is None else second.view.content


@pytest.mark.parametrize(
    ("leg", "expected"),
    [
        (sharing_leg("a"), (ContentPlace.OUTSIDE, ContentPlace.ALONE)),
        (chosen(sharing_leg("a"), "tile"), (ContentPlace.TILE, None)),
        (chosen(sharing_leg("a"), "swap"), (ContentPlace.SWAPPED, ContentPlace.OUTSIDE)),
        (room_leg("a"), (ContentPlace.INSIDE, None)),
        (chosen(room_leg("a"), "tile"), (ContentPlace.TILE, None)),
        (chosen(room_leg("a"), "swap"), (ContentPlace.INSIDE, None)),
        (browser("a", second=False), (ContentPlace.INSIDE, None)),
        (browser("a", second=True), (ContentPlace.OUTSIDE, ContentPlace.ALONE)),
        (chosen(browser("a", second=True), "tile"), (ContentPlace.TILE, None)),
        (chosen(browser("a", second=True), "swap"), (ContentPlace.SWAPPED, ContentPlace.OUTSIDE)),
    ],
)
def test_what_is_shared_comes_as_the_leg_can_and_chooses(
    leg: LegSpec, expected: tuple[ContentPlace, ContentPlace | None]
) -> None:
    assert places(served(conference(leg)), "a") == expected


@pytest.mark.parametrize("choice", ["auto", "tile", "swap"])
def test_while_nothing_is_shared_a_choice_changes_nothing(choice: str) -> None:
    rungs = served(conference(chosen(sharing_leg("a"), choice), content_from=None), shared=False)
    assert rungs["a", "video"].view == COMMON_VIEW
    assert ("a", "content") not in rungs


@pytest.mark.parametrize("choice", ["auto", "tile", "swap"])
def test_whoever_shares_does_not_get_it_back(choice: str) -> None:
    spec = conference(content_from="a", legs=(chosen(sharing_leg("a"), choice), room_leg("b")))
    rungs = served(spec)
    assert places(rungs, "a") == (ContentPlace.OUTSIDE, None)
    assert places(rungs, "b") == (ContentPlace.INSIDE, None)


def test_a_browser_shares_like_a_room() -> None:
    spec = conference(content_from="b", legs=(browser("b", second=True), sharing_leg("a"), room_leg("c")))
    rungs = served(spec)
    assert places(rungs, "b") == (ContentPlace.OUTSIDE, None)
    assert places(rungs, "a") == (ContentPlace.OUTSIDE, ContentPlace.ALONE)
    assert places(rungs, "c") == (ContentPlace.INSIDE, None)


def test_swapped_slides_keep_their_size_and_people_give_way() -> None:
    """A call of 768 kbit/s: the slides get two thirds of it, in whichever picture they are."""
    plain = sharing_leg("plain").model_copy(update={"picture_bitrate": 768_000})
    swapped = chosen(sharing_leg("swapped").model_copy(update={"picture_bitrate": 768_000}), "swap")
    rungs = served(conference(plain, swapped))
    slides, people = rungs["swapped", "video"], rungs["swapped", "content"]
    assert (slides.width, slides.height, slides.frame_rate) == (1920, 1080, 5)
    assert (slides.bitrate, people.bitrate) == (512_000, 256_000)
    assert rungs["plain", "content"].bitrate == slides.bitrate
    assert slides.canvas == rungs["plain", "content"].canvas  # one canvas shows the slides to both


def test_slides_as_the_main_picture_of_a_room_with_an_old_codec_use_its_ladder() -> None:
    old = CodecSpec(name="H261", payload_type=31, clock_rate=90_000)
    leg = sharing_leg("a")
    assert leg.video is not None
    video = leg.video.model_copy(update={"send_codec": old, "receive_codecs": (old,)})
    rungs = served(conference(chosen(leg.model_copy(update={"video": video}), "swap")))
    assert (rungs["a", "video"].codec, rungs["a", "video"].width) == ("H261", 704)
    assert rungs["a", "video"].view == View(content=ContentPlace.SWAPPED)


def test_legs_with_equal_needs_share_an_encoder_also_in_their_choice() -> None:
    legs = [chosen(sharing_leg(name), choice) for choice in ("tile", "swap") for name in (f"{choice}1", f"{choice}2")]
    rungs = served(conference(*legs))
    assert rungs["tile1", "video"] == rungs["tile2", "video"]
    assert rungs["swap1", "video"] == rungs["swap2", "video"]
    assert rungs["swap1", "content"] == rungs["swap2", "content"]


def test_the_recording_shows_what_is_shared() -> None:
    spec = conference(sharing_leg("a"))
    rung = rung_for_recording(spec, RecordingSpec(id="r", directory="r"))
    assert rung.view.content is ContentPlace.INSIDE


def test_a_leg_that_takes_no_picture_yet_costs_nothing() -> None:
    assert choose_rungs(conference(room_leg("a")), [room_leg("a")], True, lambda leg, media: False) == {}


def test_who_leads_a_view_has_a_picture_of_its_own_and_nobody_else() -> None:
    spec = conference(room_leg("a"), room_leg("b"), room_leg("c").model_copy(update={"layout": "1+7"}))
    legs = {leg.id: leg for leg in spec.legs}

    def rungs(leads: dict[View, str]) -> dict[Outlet, Rung]:
        return choose_rungs(spec, spec.legs, False, lambda leg_id, media: legs[leg_id].video is not None, leads)

    led = rungs({COMMON_VIEW: "a", View("1+7"): "b"})
    assert led["a", "video"].view == View(for_lead=True)
    assert led["b", "video"].view == COMMON_VIEW and led["c", "video"].view == View("1+7")
    assert rungs({View("1+7"): "c"})["c", "video"].view == View("1+7", for_lead=True)
    assert rungs({}) == served(spec, shared=False)
