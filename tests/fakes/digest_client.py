"""A digest client for tests, written from RFC 7616 and apart from the code under test."""

from __future__ import annotations

import hashlib
import re


class DigestClient:
    """Answers challenges as one device; counts its nonces."""

    def __init__(self, user: str, password: str, algorithm: str = "MD5") -> None:
        self.user = user
        self.password = password
        self.algorithm = algorithm
        self._counts: dict[str, int] = {}

    def _hash(self, text: str) -> str:
        return hashlib.new(self.algorithm.replace("-", "").lower(), text.encode()).hexdigest()

    def answer(
        self, challenges: list[str] | tuple[str, ...], method: str, uri: str = "sip:h", *, qop: bool = True
    ) -> str:
        """Authorization for the challenge with the client's algorithm."""
        chosen = next(text for text in challenges if f"algorithm={self.algorithm}," in text)
        values = dict(re.findall(r'(\w+)="?([^",]*)"?', chosen))
        return self.authorization(values["realm"], values["nonce"], method, uri, qop=qop)

    def authorization(self, realm: str, nonce: str, method: str, uri: str = "sip:h", *, qop: bool = True) -> str:
        """Authorization for a nonce."""
        ha1, ha2 = self._hash(f"{self.user}:{realm}:{self.password}"), self._hash(f"{method}:{uri}")
        common = f'Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
        common += f"algorithm={self.algorithm}, "
        if not qop:
            return common + f'response="{self._hash(f"{ha1}:{nonce}:{ha2}")}"'
        self._counts[nonce] = self._counts.get(nonce, 0) + 1
        count = f"{self._counts[nonce]:08x}"
        response = self._hash(f"{ha1}:{nonce}:{count}:abc:auth:{ha2}")
        return common + f'response="{response}", qop=auth, nc={count}, cnonce="abc"'
