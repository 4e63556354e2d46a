"""What only a browser's leg has: pictures and sound that go on as they are, and word of each packet's arrival."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mcu.media.congestion import probing
from mcu.media.demultiplexer import Media
from mcu.media.forwarding.leg_part import LegForwarding
from mcu.media.leg_beginnings import LegBeginnings
from mcu.media.leg_congestion import LegCongestion, Part, counted_extension
from mcu.media.leg_listener import PictureMedia
from mcu.media.leg_rates import receive_bitrate
from mcu.media.leg_transport import BrowserLegTransport
from mcu.media.rtp.clock import NtpClock
from mcu.media.rtp.session import RtpStream
from mcu.media.spec import LegSpec


def make_forwarding(
    transport: BrowserLegTransport,
    spec: LegSpec,
    beginnings: LegBeginnings,
    clock: NtpClock,
    *,
    on_delivery: Callable[[PictureMedia], None],
    on_begun: Callable[[PictureMedia], None],
    on_due: Callable[[float], None],
    now: float,
) -> LegForwarding:
    """The leg's part in forwarding, which goes on with the pictures that a predecessor has found."""
    port, peer = transport.port
    made = LegForwarding(
        port,
        peer,
        spec,
        send_rtcp=lambda packets: transport.send_rtcp("video", packets),
        on_delivery=on_delivery,
        on_begun=on_begun,
        first_sequence=lambda ssrc: beginnings.beginning("video", ssrc).sequence & 0xFFFF,
        clock=clock,
        maximum_bitrate=receive_bitrate(spec),
        resumed=beginnings.numbering.inherited,
        on_due=on_due,
    )
    for picture in beginnings.numbering.pictures:
        for ssrc in (picture.ssrc, picture.rtx_ssrc):
            transport.know(ssrc, picture.media)
        made.sources.resume(picture, now)
    return made


def make_congestion(
    transport: BrowserLegTransport,
    spec: LegSpec,
    first_number: int,
    streams: Mapping[Media, RtpStream],
    forwarding: LegForwarding,
    *,
    clock: Callable[[], float],
    changed: Callable[[], None],
) -> LegCongestion | None:
    """Where the browser counts packets; the first gets ``first_number``."""
    if counted_extension(spec) is None:
        return None
    port, peer = transport.port

    def octets() -> dict[Part, int]:
        now = clock()
        found: dict[Part, int] = {media: stream.statistics(now).bytes_sent for media, stream in streams.items()}
        found["slots"] = forwarding.outlets.statistics()[1] + forwarding.voices.statistics()[1]
        return found

    def probe(rate: float) -> None:
        for media, stream in streams.items():
            if media != "audio" and (packets := stream.probe(probing.OCTETS, clock())):
                transport.probe(packets, rate)
                return

    return LegCongestion(
        port,
        peer,
        spec,
        first_number,
        send_rtcp=lambda packets: transport.send_rtcp("video", packets),
        octets=octets,
        follow=transport.follow,
        probe=probe,
        changed=changed,
    )
