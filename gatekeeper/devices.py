"""Who made a device, and what it is: read from its User-Agent (RFC 3261 section 20.41).

Makers put the words in any order, so the maker is found by a word of its own, and what follows that word up to a number
is the model. What nobody knows is shown as it came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_USER_AGENT = 200
"""Characters that are looked at: some devices list every licence they have."""


@dataclass(frozen=True)
class Device:
    """What a device says of itself; "" for what it does not."""

    maker: str = ""
    model: str = ""
    version: str = ""


# The word that gives a maker away, and how the maker is called.
_MAKERS: Final[tuple[tuple[str, str], ...]] = (
    ("tandberg", "Cisco"),
    ("cisco", "Cisco"),
    ("polycom", "Polycom"),
    ("poly", "Poly"),
    ("realpresence", "Polycom"),
    ("huawei", "Huawei"),
    ("kedacom", "Kedacom"),
    ("zte", "ZTE"),
    ("yealink", "Yealink"),
    ("lifesize", "Lifesize"),
    ("sony", "Sony"),
    ("pcs-", "Sony"),
    ("radvision", "Avaya"),
    ("scopia", "Avaya"),
    ("avaya", "Avaya"),
    ("aver", "AVer"),
    ("logitech", "Logitech"),
    ("grandstream", "Grandstream"),
    ("snom", "Snom"),
    ("aastra", "Mitel"),
    ("mitel", "Mitel"),
    ("fanvil", "Fanvil"),
    ("starleaf", "StarLeaf"),
    ("pexip", "Pexip"),
    ("vidyo", "Vidyo"),
    ("freeswitch", "FreeSWITCH"),
    ("asterisk", "Asterisk"),
    ("kamailio", "Kamailio"),
    ("linphone", "Linphone"),
    ("baresip", "baresip"),
    ("zoiper", "Zoiper"),
    ("microsip", "MicroSIP"),
    ("jitsi", "Jitsi"),
    ("bria", "CounterPath"),
    ("x-lite", "CounterPath"),
    ("sipp", "SIPp"),
    ("consilium", "Consilium"),
)

_VERSION = re.compile(r"(?<![A-Za-z0-9])(?:[Vv]|[a-z]{2})?\d+(?:[._]\w+)+(?:[-+~]\w+)*|(?<![A-Za-z0-9])V\d+R\d+\w*")
_BARE_NUMBER = re.compile(r"(?<=/)[vV]?\d+(?:[-.]\w+)*")
_LETTER_V = re.compile(r"^[vV](?=\d+\.)")
_JUNK = re.compile(r"[\s/,;:()_-]+")
# Words that makers put round the model and that name nothing.
_FILLERS = frozenset({"sip", "ua", "endpoint", "telepresence", "video", "system", "inc", "ltd", "co"})


def identify(user_agent: str) -> Device:
    """The device behind a User-Agent or Server header. Never raises."""
    text = " ".join(user_agent[:MAX_USER_AGENT].split())
    if not text:
        return Device()
    found = _maker(text)
    number = _VERSION.search(text) or _BARE_NUMBER.search(text)
    version = "" if number is None else _LETTER_V.sub("", number[0])
    if found is None:
        before = text if number is None else text[: number.start()]
        return Device("", _JUNK.sub(" ", before).strip() or text, version)
    maker, start, end = found
    # The model stands after the maker's word; where only numbers do, the maker's word is the product.
    rest = text[end:]
    if number is not None and number.start() >= end:
        rest = text[end : number.start()]
    said = _FILLERS | {"", maker.casefold(), text[start:end].casefold()}
    words = [word for word in _JUNK.split(rest) if word.casefold() not in said]
    model = " ".join(words[:4])
    return Device(maker, model or text[start:end].strip("-"), version)


def _maker(text: str) -> tuple[str, int, int] | None:
    """The maker with the place of its word: the first word in the text that is known."""
    small = text.casefold()
    if len(small) != len(text):  # a rare letter that grows in small: places would not fit
        small = text.lower() if len(text.lower()) == len(text) else text
    best: tuple[str, int, int] | None = None
    for word, maker in _MAKERS:
        place = small.find(word)
        # Only whole words' beginnings: "poly" is no part of "monopoly".
        if place < 0 or (place > 0 and small[place - 1].isalnum()):
            continue
        if best is None or place < best[1] or (place == best[1] and place + len(word) > best[2]):
            best = (maker, place, place + len(word))
    return best
