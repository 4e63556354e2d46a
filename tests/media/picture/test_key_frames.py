from mcu.media.picture.key_frames import KeyFrameGate


def test_the_first_picture_is_a_key_frame():
    assert KeyFrameGate().due(0.0)


def test_without_requests_there_are_no_more():
    gate = KeyFrameGate()
    gate.made(0.0)
    assert not gate.due(1000.0)


def test_requests_are_merged_into_one():
    gate = KeyFrameGate()
    gate.made(0.0)
    for _ in range(5):
        gate.request()
    assert gate.due(1.0)
    gate.made(1.0)
    assert not gate.due(2.0)


def test_a_request_right_after_a_key_frame_waits_but_is_not_forgotten():
    gate = KeyFrameGate()
    gate.made(0.0)
    gate.request()
    assert not gate.due(0.4)
    assert gate.due(0.5)


def test_a_first_request_is_served_at_once():
    gate = KeyFrameGate()
    gate.made(0.0)
    assert not gate.due(3.0)
    gate.request()
    assert gate.due(3.001)


def test_at_an_interval_while_one_is_set():
    gate = KeyFrameGate(2.0)
    gate.made(0.0)
    assert [gate.due(time) for time in (1.9, 2.0)] == [False, True]
    gate.interval = None
    assert not gate.due(2.0)


def made_while_asked(gate: KeyFrameGate, start: float, end: float) -> list[float]:
    """Somebody asks all the time; pictures come 10 times a second."""
    made = []
    for step in range(round(start * 10), round(end * 10)):
        gate.request()
        if gate.due(step / 10):
            gate.made(step / 10)
            made.append(step / 10)
    return made


def test_who_asks_without_end_gets_fewer_and_fewer():
    gate = KeyFrameGate()
    assert made_while_asked(gate, 0.0, 12.0) == [0.0, 0.5, 1.5, 3.5, 5.5, 7.5, 9.5, 11.5]


def test_after_a_while_of_calm_all_is_as_before():
    gate = KeyFrameGate()
    made_while_asked(gate, 0.0, 6.0)
    assert gate.due(30.0)
    gate.made(30.0)
    assert made_while_asked(gate, 30.1, 32.0) == [30.5, 31.5]


def test_a_newcomer_does_not_wait_for_those_who_ask_without_end():
    gate = KeyFrameGate()
    assert made_while_asked(gate, 0.0, 4.0)[-1] == 3.5
    gate.request(newcomer=True)
    assert not gate.due(3.9)
    assert gate.due(4.0)
    gate.made(4.0)
    assert made_while_asked(gate, 4.1, 9.0) == [6.0, 8.0], "who asks on and on gains nothing by it"


def test_newcomers_in_a_row_each_get_theirs():
    gate = KeyFrameGate()
    gate.made(0.0)
    for number in range(1, 8):
        gate.request(newcomer=True)
        assert gate.due(1.5 * number)
        gate.made(1.5 * number)
