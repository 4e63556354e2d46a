"""The four transaction machines of RFC 3261 §17 with the corrections of RFC 6026, as tables.

A table maps (state, stimulus) to the next state, the actions to take and the timers to start. A pair that is not in
the table is ignored: that is what the RFC wants of absorbed retransmissions and of timers whose state has passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto


class State(Enum):
    """States of all four machines; a machine uses those of its figure in the RFC."""

    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


class Stimulus(Enum):
    """What drives a machine. PROVISIONAL … FAILURE are received by clients and sent by servers."""

    START = auto()
    REQUEST = auto()
    ACK = auto()
    PROVISIONAL = auto()
    SUCCESS = auto()
    FAILURE = auto()
    UNREACHABLE = auto()
    RETRANSMIT_TIMER = auto()  # A, E, G
    TIMEOUT_TIMER = auto()  # B, F, H
    LINGER_TIMER = auto()  # D, I, J, K, L, M
    PATIENCE_TIMER = auto()  # C


class Action(Enum):
    """What a machine does on a transition."""

    SEND = auto()
    """Send the message that came with the stimulus and keep it for retransmission."""
    RESEND = auto()
    """Send the kept message again."""
    ACKNOWLEDGE = auto()
    """Send the ACK for a failure response (RFC 3261 §17.1.1.3)."""
    PASS_UP = auto()
    """Hand the received message to the user."""
    REPORT_TIMEOUT = auto()
    REPORT_UNREACHABLE = auto()


class TimerName(Enum):
    """Timers by the letters of RFC 3261 Table 4."""

    A = Stimulus.RETRANSMIT_TIMER, "client INVITE retransmission"
    B = Stimulus.TIMEOUT_TIMER, "client INVITE timeout"
    C = Stimulus.PATIENCE_TIMER, "client INVITE without final response"
    D = Stimulus.LINGER_TIMER, "wait for retransmitted failure responses"
    E = Stimulus.RETRANSMIT_TIMER, "client request retransmission"
    F = Stimulus.TIMEOUT_TIMER, "client request timeout"
    G = Stimulus.RETRANSMIT_TIMER, "server INVITE response retransmission"
    H = Stimulus.TIMEOUT_TIMER, "wait for ACK"
    I = Stimulus.LINGER_TIMER, "wait for retransmitted ACKs"  # noqa: E741 - its name in the RFC
    J = Stimulus.LINGER_TIMER, "wait for retransmitted requests"
    K = Stimulus.LINGER_TIMER, "wait for retransmitted responses"
    L = Stimulus.LINGER_TIMER, "wait for retransmitted INVITEs after 2xx (RFC 6026)"
    M = Stimulus.LINGER_TIMER, "wait for retransmitted and forked 2xx (RFC 6026)"

    @property
    def stimulus(self) -> Stimulus:
        """What the machine is told when this timer fires."""
        return self.value[0]


@dataclass(frozen=True)
class Step:
    """A transition."""

    state: State
    actions: tuple[Action, ...] = ()
    timers: tuple[TimerName, ...] = ()


Table = Mapping[tuple[State, Stimulus], Step]

_S, _I, _A, _T = State, Stimulus, Action, TimerName

# RFC 3261 Figure 5, RFC 6026 §8.4. Timer C is a proxy's in the RFC (§16.6); without it a peer that vanishes after its
# 100 would leave a transaction behind for ever.
INVITE_CLIENT: Table = {
    (_S.CALLING, _I.START): Step(_S.CALLING, (_A.SEND,), (_T.A, _T.B)),
    (_S.CALLING, _I.RETRANSMIT_TIMER): Step(_S.CALLING, (_A.RESEND,), (_T.A,)),
    (_S.CALLING, _I.TIMEOUT_TIMER): Step(_S.TERMINATED, (_A.REPORT_TIMEOUT,)),
    (_S.CALLING, _I.UNREACHABLE): Step(_S.TERMINATED, (_A.REPORT_UNREACHABLE,)),
    (_S.CALLING, _I.PROVISIONAL): Step(_S.PROCEEDING, (_A.PASS_UP,), (_T.C,)),
    (_S.CALLING, _I.SUCCESS): Step(_S.ACCEPTED, (_A.PASS_UP,), (_T.M,)),
    (_S.CALLING, _I.FAILURE): Step(_S.COMPLETED, (_A.ACKNOWLEDGE, _A.PASS_UP), (_T.D,)),
    (_S.PROCEEDING, _I.PROVISIONAL): Step(_S.PROCEEDING, (_A.PASS_UP,), (_T.C,)),
    (_S.PROCEEDING, _I.PATIENCE_TIMER): Step(_S.TERMINATED, (_A.REPORT_TIMEOUT,)),
    (_S.PROCEEDING, _I.SUCCESS): Step(_S.ACCEPTED, (_A.PASS_UP,), (_T.M,)),
    (_S.PROCEEDING, _I.FAILURE): Step(_S.COMPLETED, (_A.ACKNOWLEDGE, _A.PASS_UP), (_T.D,)),
    (_S.PROCEEDING, _I.UNREACHABLE): Step(_S.TERMINATED, (_A.REPORT_UNREACHABLE,)),
    (_S.ACCEPTED, _I.SUCCESS): Step(_S.ACCEPTED, (_A.PASS_UP,)),
    (_S.ACCEPTED, _I.LINGER_TIMER): Step(_S.TERMINATED),
    (_S.COMPLETED, _I.FAILURE): Step(_S.COMPLETED, (_A.ACKNOWLEDGE,)),
    (_S.COMPLETED, _I.LINGER_TIMER): Step(_S.TERMINATED),
}

# RFC 3261 Figure 6
REQUEST_CLIENT: Table = {
    (_S.TRYING, _I.START): Step(_S.TRYING, (_A.SEND,), (_T.E, _T.F)),
    (_S.TRYING, _I.RETRANSMIT_TIMER): Step(_S.TRYING, (_A.RESEND,), (_T.E,)),
    (_S.TRYING, _I.TIMEOUT_TIMER): Step(_S.TERMINATED, (_A.REPORT_TIMEOUT,)),
    (_S.TRYING, _I.UNREACHABLE): Step(_S.TERMINATED, (_A.REPORT_UNREACHABLE,)),
    (_S.TRYING, _I.PROVISIONAL): Step(_S.PROCEEDING, (_A.PASS_UP,)),
    (_S.TRYING, _I.SUCCESS): Step(_S.COMPLETED, (_A.PASS_UP,), (_T.K,)),
    (_S.TRYING, _I.FAILURE): Step(_S.COMPLETED, (_A.PASS_UP,), (_T.K,)),
    (_S.PROCEEDING, _I.RETRANSMIT_TIMER): Step(_S.PROCEEDING, (_A.RESEND,), (_T.E,)),
    (_S.PROCEEDING, _I.TIMEOUT_TIMER): Step(_S.TERMINATED, (_A.REPORT_TIMEOUT,)),
    (_S.PROCEEDING, _I.UNREACHABLE): Step(_S.TERMINATED, (_A.REPORT_UNREACHABLE,)),
    (_S.PROCEEDING, _I.PROVISIONAL): Step(_S.PROCEEDING, (_A.PASS_UP,)),
    (_S.PROCEEDING, _I.SUCCESS): Step(_S.COMPLETED, (_A.PASS_UP,), (_T.K,)),
    (_S.PROCEEDING, _I.FAILURE): Step(_S.COMPLETED, (_A.PASS_UP,), (_T.K,)),
    (_S.COMPLETED, _I.LINGER_TIMER): Step(_S.TERMINATED),
}

# RFC 3261 Figure 7, RFC 6026 §8.5. A transport error does not end it: the peer retransmits, perhaps from elsewhere.
INVITE_SERVER: Table = {
    (_S.PROCEEDING, _I.REQUEST): Step(_S.PROCEEDING, (_A.RESEND,)),
    (_S.PROCEEDING, _I.PROVISIONAL): Step(_S.PROCEEDING, (_A.SEND,)),
    (_S.PROCEEDING, _I.SUCCESS): Step(_S.ACCEPTED, (_A.SEND,), (_T.L,)),
    (_S.PROCEEDING, _I.FAILURE): Step(_S.COMPLETED, (_A.SEND,), (_T.G, _T.H)),
    (_S.ACCEPTED, _I.SUCCESS): Step(_S.ACCEPTED, (_A.SEND,)),
    (_S.ACCEPTED, _I.ACK): Step(_S.ACCEPTED, (_A.PASS_UP,)),
    (_S.ACCEPTED, _I.LINGER_TIMER): Step(_S.TERMINATED),
    (_S.COMPLETED, _I.REQUEST): Step(_S.COMPLETED, (_A.RESEND,)),
    (_S.COMPLETED, _I.RETRANSMIT_TIMER): Step(_S.COMPLETED, (_A.RESEND,), (_T.G,)),
    (_S.COMPLETED, _I.TIMEOUT_TIMER): Step(_S.TERMINATED),
    (_S.COMPLETED, _I.ACK): Step(_S.CONFIRMED, (), (_T.I,)),
    (_S.CONFIRMED, _I.LINGER_TIMER): Step(_S.TERMINATED),
}

# RFC 3261 Figure 8
REQUEST_SERVER: Table = {
    (_S.TRYING, _I.PROVISIONAL): Step(_S.PROCEEDING, (_A.SEND,)),
    (_S.TRYING, _I.SUCCESS): Step(_S.COMPLETED, (_A.SEND,), (_T.J,)),
    (_S.TRYING, _I.FAILURE): Step(_S.COMPLETED, (_A.SEND,), (_T.J,)),
    (_S.PROCEEDING, _I.REQUEST): Step(_S.PROCEEDING, (_A.RESEND,)),
    (_S.PROCEEDING, _I.PROVISIONAL): Step(_S.PROCEEDING, (_A.SEND,)),
    (_S.PROCEEDING, _I.SUCCESS): Step(_S.COMPLETED, (_A.SEND,), (_T.J,)),
    (_S.PROCEEDING, _I.FAILURE): Step(_S.COMPLETED, (_A.SEND,), (_T.J,)),
    (_S.COMPLETED, _I.REQUEST): Step(_S.COMPLETED, (_A.RESEND,)),
    (_S.COMPLETED, _I.LINGER_TIMER): Step(_S.TERMINATED),
}
