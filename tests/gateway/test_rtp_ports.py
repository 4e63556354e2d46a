"""Pairs of ports: handed out in turn, never twice, and back in the pool afterwards."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.gateway.rtp_ports import NoPortsLeft, RtpPorts, can_bind


def all_free(host: str, port: int) -> bool:
    return True


def test_pairs_begin_with_an_even_port_and_stay_within_the_range() -> None:
    ports = RtpPorts("0.0.0.0", 20001, 20006, all_free)
    assert [ports.take(), ports.take()] == [20002, 20004]
    with pytest.raises(NoPortsLeft, match="all 2 port pairs from 20002 on"):
        ports.take()


def test_a_pair_that_was_given_back_is_the_last_to_be_taken_again() -> None:
    ports = RtpPorts("0.0.0.0", 20000, 20007, all_free)
    first = ports.take()
    ports.give_back(first, 0)
    assert [ports.take() for _ in range(4)] == [20002, 20004, 20006, first]


@pytest.mark.parametrize("taken", [20000, 20001])
def test_a_pair_of_which_another_program_has_one_port_is_passed_over(taken: int) -> None:
    ports = RtpPorts("0.0.0.0", 20000, 20003, lambda host, port: port != taken)
    assert ports.take() == 20002
    with pytest.raises(NoPortsLeft):
        ports.take()


def test_the_machine_is_asked_about_the_address_that_media_are_bound_to() -> None:
    asked: list[tuple[str, int]] = []
    RtpPorts("192.0.2.1", 20000, 20001, lambda host, port: bool(asked.append((host, port)) or True)).take()
    assert asked == [("192.0.2.1", 20000), ("192.0.2.1", 20001)]


@pytest.mark.parametrize(("first", "last"), [(20000, 20000), (20001, 20002), (20002, 20000)])
def test_a_range_without_a_pair_is_refused(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="no pair"):
        RtpPorts("0.0.0.0", first, last)


@given(st.integers(1024, 1040), st.integers(0, 20), st.lists(st.booleans(), max_size=60))
def test_no_pair_is_out_twice(first: int, size: int, steps: list[bool]) -> None:
    last = first + 1 + first % 2 + size
    ports, out = RtpPorts("0.0.0.0", first, last, all_free), []
    for take in steps:
        if not take and out:
            ports.give_back(out.pop(0))
        elif take:
            try:
                port = ports.take()
            except NoPortsLeft:
                assert len(out) == (last + 1 - first - first % 2) // 2
                continue
            assert port % 2 == 0 and first <= port < last and port not in out
            out.append(port)


def test_a_port_is_free_until_somebody_binds_it() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        assert not can_bind("127.0.0.1", other.getsockname()[1])
        port = other.getsockname()[1]
    assert can_bind("127.0.0.1", port)
    assert not can_bind("192.0.2.1", port)  # not this machine's address
