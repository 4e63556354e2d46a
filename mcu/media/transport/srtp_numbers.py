"""How far SRTP has come, in the words of the desired state, and which keys that was under. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from mcu.media.spec import HeardNumbers, SdesKeys, SentNumbers

Sources = list[tuple[int, int, int | None, int]]
"""As ``packets.Srtp.sources`` tells them."""


def sent_of(rtp: Sources, rtcp: Sources) -> dict[int, SentNumbers]:
    """What two contexts have protected, or one that is given twice."""
    indices = {ssrc: index for ssrc, _, _, index in rtcp}
    sequences = {ssrc: (rollovers << 16) + highest + 1 for ssrc, rollovers, highest, _ in rtp if highest is not None}
    return {
        ssrc: SentNumbers(sequence=sequences.get(ssrc, 0), rtcp_index=indices.get(ssrc, 0))
        for ssrc in {**sequences, **indices}
    }


def heard_of(rtp: Sources, rtcp: Sources) -> dict[int, HeardNumbers]:
    """What two contexts have received, or one that is given twice."""
    indices = {ssrc: index for ssrc, _, _, index in rtcp}
    found = {
        ssrc: HeardNumbers(rollovers=rollovers, highest=highest, rtcp_index=indices.pop(ssrc, 0))
        for ssrc, rollovers, highest, _ in rtp
    }
    return found | {ssrc: HeardNumbers(rtcp_index=index) for ssrc, index in indices.items()}


def sources_of(sent: Mapping[int, SentNumbers]) -> Sources:
    """What ``Srtp.resume`` is to be told, so that the next packet of each SSRC has the sequence number given."""
    found: Sources = []
    for ssrc, each in sent.items():
        last = each.sequence - 1
        found.append((ssrc, max(last, 0) >> 16, last & 0xFFFF if last >= 0 else None, each.rtcp_index))
    return found


def protection_of(keys: SdesKeys | None) -> str:
    """Tells these keys from others without giving them away; "" for none."""
    if keys is None:
        return ""
    material = "/".join((keys.suite, keys.local, keys.remote, keys.rtcp_local or "", keys.rtcp_remote or ""))
    return hashlib.blake2b(material.encode(), digest_size=8).hexdigest()
