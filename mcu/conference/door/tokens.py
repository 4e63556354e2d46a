"""Tokens by which a joined participant shows who it is: random, kept only as hashes, void once it has left."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_BYTES = 32
"""256 bits: not to be guessed, whatever the number of tries."""


def new_token() -> str:
    """A fresh random token, safe in URLs and headers."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """What is kept of a token. SHA-256 is enough: nobody can try out 2**256 tokens."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class ParticipantTokens:
    """The tokens of those who are in a conference now. They live as long as the process, as participants do.

    Looking a token up by its hash gives nothing away by time: an attacker cannot steer the hash.
    """

    def __init__(self) -> None:
        self._participants: dict[str, str] = {}
        self._hashes: dict[str, str] = {}

    def issue(self, participant_id: str) -> str:
        """A token for the participant; an earlier one becomes void."""
        self.revoke(participant_id)
        token = new_token()
        hashed = token_hash(token)
        self._participants[hashed] = participant_id
        self._hashes[participant_id] = hashed
        return token

    def participant_id(self, token: str) -> str | None:
        """Whose token this is, or None."""
        return self._participants.get(token_hash(token))

    def revoke(self, participant_id: str) -> None:
        """Make the participant's token void, if there is one."""
        hashed = self._hashes.pop(participant_id, None)
        if hashed is not None:
            del self._participants[hashed]
