"""Session descriptions of the clients of ``bench forward``: H.264 pictures only."""

from __future__ import annotations

from bench.forward_client import Client, Server
from bench.forward_publisher import PAYLOAD_TYPE

_HEAD = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
_CODEC = [
    f"a=rtpmap:{PAYLOAD_TYPE} H264/90000",
    f"a=fmtp:{PAYLOAD_TYPE} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    *(f"a=rtcp-fb:{PAYLOAD_TYPE} {kind}" for kind in ("nack", "nack pli", "ccm fir")),
]


def offer_of(client: Client, *directions: str) -> str:
    """An m-line for each direction (of ``sendonly``, ``recvonly``, ``inactive``), all in one bundle."""
    lines = [*_HEAD, "a=group:BUNDLE " + " ".join(str(mid) for mid in range(len(directions)))]
    for mid, direction in enumerate(directions):
        lines += [f"m=video 9 UDP/TLS/RTP/SAVPF {PAYLOAD_TYPE}", "c=IN IP4 0.0.0.0", f"a=mid:{mid}", f"a={direction}"]
        lines += [*_CODEC, *_transport(client)]
        if direction == "sendonly":
            lines.append(f"a=ssrc:{client.ssrc} cname:{client.ufrag}")
    return "\r\n".join(lines) + "\r\n"


def answer_of(client: Client, offer: str) -> str:
    """Take the one stream that is offered."""
    kept = ("m=", "a=mid", "a=rtpmap", "a=fmtp", "a=rtcp-fb")
    media = [line for line in offer.splitlines() if line.startswith(kept)]
    mid = next(line for line in media if line.startswith("a=mid:")).removeprefix("a=mid:")
    lines = [*_HEAD, f"a=group:BUNDLE {mid}", media[0], "c=IN IP4 0.0.0.0", "a=recvonly", *media[1:]]
    return "\r\n".join([*lines, *_transport(client)]) + "\r\n"


def answered_server(sdp: str, host: str) -> Server:
    """Where the server is, out of its description: its candidate on this host."""
    found: dict[str, str] = {}
    candidates = []
    for line in sdp.splitlines():
        name, _, value = line.partition(":")
        found.setdefault(name, value)
        if name == "a=candidate":
            candidates.append(value.split())
    candidate = next(one for one in candidates if one[4] == host)
    algorithm, _, value = found["a=fingerprint"].partition(" ")
    return Server((candidate[4], int(candidate[5])), found["a=ice-ufrag"], found["a=ice-pwd"], (algorithm, value))


def _transport(client: Client) -> list[str]:
    host, port = client.address
    return [
        f"a=ice-ufrag:{client.ufrag}",
        f"a=ice-pwd:{client.password}",
        f"a=fingerprint:{client.fingerprint[0]} {client.fingerprint[1]}",
        "a=setup:active",
        "a=rtcp-mux",
        f"a=candidate:1 1 udp 2130706431 {host} {port} typ host",
        "a=end-of-candidates",
    ]
