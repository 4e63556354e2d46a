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
