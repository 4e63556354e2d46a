from layouts.seats import seats


def test_people_sit_in_order_of_joining():
    assert seats(4, ["anna", "bo", "chen"]) == ("anna", "bo", "chen", None)


def test_too_many_people_leave_the_last_without_a_seat():
    assert seats(2, ["anna", "bo", "chen"]) == ("anna", "bo")


def test_whoever_spoke_last_and_has_no_seat_gets_the_last_one():
    assert seats(2, ["anna", "bo", "chen"], promoted="chen") == ("anna", "chen")


def test_a_speaker_who_has_a_seat_stays_there():
    assert seats(2, ["anna", "bo", "chen"], promoted="anna") == ("anna", "bo")


def test_a_speaker_who_has_left_changes_nothing():
    assert seats(1, ["anna", "bo"], promoted="gone") == ("anna",)


def test_no_tiles():
    assert seats(0, ["anna"], promoted="anna") == ()
