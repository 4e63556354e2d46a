"""Requests judged by their digests: equal answers, replay, lock-out, and which algorithms are offered to whom."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

import pytest

from gatekeeper.authentication import ALGORITHMS, Authenticator, Locked, Outcome, Proven, Unproven
from gatekeeper.challenging import Challenging, Client
from gatekeeper.digest import Algorithm
from gatekeeper.nonces import Nonces
from gatekeeper.protection import Protection
from gatekeeper.users import SipUser, UserTable, make_user
from sip.flow import Flow
from tests.fakes.digest_client import DigestClient

NOW = 1_800_000_000.0
FLOW = Flow("udp", ("198.51.100.7", 5060), ("192.0.2.1", 5060))


def client(call_id: str = "call", cseq: int = 1, *authorizations: str, user_agent: str = "Room 1.0") -> Client:
    return Client(FLOW, user_agent, call_id, cseq, authorizations)


class Door:
    """An authenticator with the accounts alice (password right) and bob (known by MD5 only)."""

    def __init__(self) -> None:
        self.users = UserTable()
        alice = make_user("alice", "consilium", "right")
        bob = replace(make_user("bob", "consilium", "right"), sha256="")
        self.users.replace("local", [alice, bob])
        self.nonces = Nonces(b"key", random.Random(1).randbytes, NOW)
        self.protection = Protection()
        self.door = Authenticator("consilium", self.users, self.nonces, self.protection, b"key")
        self.now = NOW + 1

    def knock(self, *authorizations: str, method: str = "REGISTER", device: str = "", cseq: int = 1) -> Outcome:
        asking = client("call", cseq, *authorizations)
        return self.door.authenticate(method, asking, self.now, lambda account: device)

    def challenges(self) -> tuple[str, ...]:
        outcome = self.knock()
        assert isinstance(outcome, Unproven)
        return outcome.challenges


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("qop", [True, False])
def test_the_right_password_proves_the_account(algorithm: str, qop: bool) -> None:
    door = Door()
    authorization = DigestClient("alice", "right", algorithm).answer(door.challenges(), "REGISTER", qop=qop)
    assert door.knock(authorization) == Proven("alice")


def test_a_response_for_another_method_proves_nothing() -> None:
    door = Door()
    authorization = DigestClient("alice", "right").answer(door.challenges(), "INVITE")
    assert isinstance(door.knock(authorization), Unproven)


def test_unknown_accounts_get_the_answers_of_wrong_passwords() -> None:
    answers = []
    for user, password in (("alice", "wrong"), ("nobody", "wrong"), ("bob", "wrong")):
        door = Door()
        device = DigestClient(user, password, "SHA-256")
        outcomes = []
        for _ in range(7):
            outcome = door.knock(device.authorization("consilium", door.nonces.make(door.now), "REGISTER"))
            outcomes.append((type(outcome), "stale" in str(getattr(outcome, "challenges", ""))))
        answers.append(outcomes)
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][-1][0] is Locked


def test_unknown_accounts_cost_the_work_of_wrong_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[int] = []

    class Counting:
        @staticmethod
        def sha256(data: bytes) -> object:
            hashed.append(len(data))
            return hashlib.sha256(data)

    doors = [(Door(), user) for user in ("alice", "ghost")]
    monkeypatch.setattr("gatekeeper.digest.hashlib", Counting)
    work = []
    for door, user in doors:
        authorization = DigestClient(user, "wrong", "SHA-256").answer(door.challenges(), "REGISTER")
        hashed.clear()
        door.knock(authorization)
        work.append(list(hashed))
    assert work[0] == work[1] and len(work[0]) == 2


def test_an_account_without_the_hash_cannot_be_opened_by_the_decoy() -> None:
    door = Door()
    device = DigestClient("bob", "right", "SHA-256")
    assert isinstance(door.knock(device.answer(door.challenges(), "REGISTER")), Unproven)
    assert door.knock(DigestClient("bob", "right").answer(door.challenges(), "REGISTER")) == Proven("bob")


def test_a_request_that_is_sent_again_by_somebody_else_is_stale() -> None:
    door = Door()
    authorization = DigestClient("alice", "right").answer(door.challenges(), "REGISTER")
    assert isinstance(door.knock(authorization), Proven)
    again = door.knock(authorization)
    assert isinstance(again, Unproven) and "stale=TRUE" in again.challenges[0]


def test_a_device_goes_on_with_its_nonce() -> None:
    door = Door()
    device = DigestClient("alice", "right")
    nonce = door.nonces.make(door.now)
    for _ in range(5):
        assert isinstance(door.knock(device.authorization("consilium", nonce, "REGISTER")), Proven)


def test_an_old_nonce_is_stale_and_no_failure() -> None:
    door = Door()
    device = DigestClient("alice", "right")
    nonce = door.nonces.make(door.now)
    door.now += 400
    for _ in range(20):
        outcome = door.knock(device.authorization("consilium", nonce, "REGISTER"))
        assert isinstance(outcome, Unproven) and "stale=TRUE" in outcome.challenges[0]
    assert isinstance(door.knock(device.answer(door.challenges(), "REGISTER")), Proven)


def test_a_foreign_nonce_is_challenged_afresh() -> None:
    outcome = Door().knock(DigestClient("alice", "right").authorization("consilium", "abc", "REGISTER"))
    assert isinstance(outcome, Unproven) and "stale" not in outcome.challenges[0]


def test_a_known_device_is_let_in_while_guessers_behind_its_address_are_locked() -> None:
    door = Door()
    guesser, device = DigestClient("alice", "wrong"), DigestClient("alice", "right")
    for _ in range(6):
        outcome = door.knock(guesser.authorization("consilium", door.nonces.make(door.now), "REGISTER"))
    assert isinstance(outcome, Locked) and 0 < outcome.retry_after <= 30
    authorization = device.authorization("consilium", door.nonces.make(door.now), "REGISTER")
    assert door.knock(authorization, device="its Call-ID") == Proven("alice")


def test_credentials_for_other_realms_are_passed_over() -> None:
    door = Door()
    challenges = door.challenges()
    proxy = DigestClient("x", "y").authorization("proxy", "n", "REGISTER")
    mine = DigestClient("alice", "right").answer(challenges, "REGISTER")
    assert door.knock("nonsense", proxy, mine) == Proven("alice")
    assert isinstance(door.knock(proxy), Unproven)


def test_of_two_digests_the_stronger_one_counts() -> None:
    door = Door()
    challenges = door.challenges()
    weak = DigestClient("alice", "wrong").answer(challenges, "REGISTER")
    strong = DigestClient("alice", "right", "SHA-256").answer(challenges, "REGISTER")
    assert door.knock(weak, strong) == Proven("alice")


def test_case_of_a_name_makes_no_difference_to_the_account() -> None:
    door = Door()
    door.users.replace("local", [SipUser("alice", "consilium", make_user("a", "r", "p").md5, "")])
    assert door.users.find("ALICE") is not None


BOTH, SIMPLE = ALGORITHMS, (Algorithm.MD5,)


def test_who_gives_up_at_sha_256_is_offered_md5_alone_the_next_time() -> None:
    challenging = Challenging(BOTH)
    assert challenging.offer(client(cseq=1)) == BOTH
    assert challenging.offer(client(cseq=1)) == BOTH  # the same request again: the answer was lost
    assert challenging.offer(client(cseq=2)) == SIMPLE
    assert challenging.offer(client("another call")) == SIMPLE
    assert challenging.offer(client("another kind", user_agent="Room 2.0")) == BOTH


def test_who_answers_is_offered_both_again() -> None:
    challenging = Challenging(BOTH)
    for cseq in range(1, 20, 2):
        assert challenging.offer(client(cseq=cseq)) == BOTH
        challenging.answered(client("call", cseq + 1, "Digest …"))


def test_known_simple_clients_never_see_sha_256_unless_md5_is_off() -> None:
    for agent in ("baresip v1.0.0 (x86_64/linux)", ""):
        simple = client(user_agent=agent)
        assert Challenging(BOTH).offer(simple) == SIMPLE
        assert Challenging((Algorithm.SHA_256,)).offer(simple) == (Algorithm.SHA_256,)
