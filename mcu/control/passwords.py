"""What a password must be like, and making one."""

from __future__ import annotations

import secrets
import string

MINIMUM_LENGTH = 8
MINIMUM_CLASSES = 3
MAXIMUM_LENGTH = 256
"""Longer ones are refused before they are hashed: hashing time must not be up to strangers."""

_GENERATED_LENGTH = 20
# No characters that are mistaken for each other when read aloud or copied by hand.
_ALPHABETS = ("abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "-+=._")


def password_weakness(password: str, account: str) -> str | None:
    """Why the password will not do (SEC-1), or None.

    The classes are small letters, capitals, digits, and everything else; a letter of a script without capitals
    (Chinese) counts as everything else.
    """
    if len(password) < MINIMUM_LENGTH:
        return f"A password has at least {MINIMUM_LENGTH} characters."
    if len(password) > MAXIMUM_LENGTH:
        return f"A password has at most {MAXIMUM_LENGTH} characters."
    classes = {_character_class(character) for character in password}
    if len(classes) < MINIMUM_CLASSES:
        return f"A password has characters of {MINIMUM_CLASSES} of these: small letters, capitals, digits, others."
    if account.casefold() in password.casefold():
        return "A password does not contain the account's name."
    return None


def _character_class(character: str) -> str:
    if character.islower():
        return "small"
    if character.isupper():
        return "capital"
    if character in string.digits:
        return "digit"
    return "other"


def generate_password() -> str:
    """A random password of about 115 bits with characters of all four classes."""
    everything = "".join(_ALPHABETS)
    characters = [secrets.choice(alphabet) for alphabet in _ALPHABETS]
    characters += [secrets.choice(everything) for _ in range(_GENERATED_LENGTH - len(characters))]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)
