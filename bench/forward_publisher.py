"""Who sends in ``bench forward``: a real clip in H.264, paced as a browser does it, with a key frame when asked."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Iterator

from bench.forward_client import Client
from bench.real_clip import real_clip
from consilium.simulated_room.clip import ClipFormat
from mcu.media.rtp.feedback import FullIntraRequest, PictureLossIndication
from mcu.media.rtp.h264 import H264Packetizer
from mcu.media.rtp.rtcp import SenderReport, SourceDescription, parse_compound, serialise_compound

FORMAT = ClipFormat(1920, 1080, 30, 3_000_000, key_interval=10.0)
CLIP = "bigbuckbunny.mp4"
PAYLOAD_TYPE = 102
CLOCK_RATE = 90_000
# Chromium's pacer runs at 2.5 times the target rate, and may be 40 ms ahead of that: pictures leave whole, all of a
# picture's packets within a millisecond; what is beyond, of a key frame, every 5 ms.
PACE = 2.5 * FORMAT.bitrate / 8
MOST_AHEAD = PACE * 0.040
BURST_EVERY = 0.005
REPORT_EVERY = 1.0
# As a camera, it does not catch up on what it has missed for longer, while somebody joined. Seconds.
MOST_BEHIND = 0.1
# Seconds from 1900 to 1970.
NTP_EPOCH = 2_208_988_800


class Publisher:
    """Sends by ``client`` until it is cancelled."""

    def __init__(self, client: Client) -> None:
        pictures = real_clip(CLIP, FORMAT)
        packetizer = H264Packetizer()
        self.client = client
        self.packets = 0
        self._pictures = [packetizer.packetize(picture.data) for picture in pictures]
        self._sequence = self._timestamp = self._octets = 0
        self._key_frame_wanted = False
        self._ahead = self._drained = 0.0

    async def run(self) -> None:
        """Send pictures at their rate."""
        started = due = time.monotonic()
        next_report = started
        number = 0
        while True:
            if self._key_frame_wanted:
                self._key_frame_wanted, number = False, 0
            self._timestamp = int((due - started) * CLOCK_RATE)
            waiting = list(self._packets(self._pictures[number % len(self._pictures)]))
            while waiting:
                burst = self._affordable(waiting, time.monotonic())
                self.client.send(burst)
                waiting = waiting[len(burst) :]
                if waiting:
                    await asyncio.sleep(BURST_EVERY)
                    self._listen()
            self._listen()
            if due >= next_report:
                next_report += REPORT_EVERY
                self._report()
            self.client.look_after(time.monotonic())
            number += 1
            due = max(due + 1 / FORMAT.frame_rate, time.monotonic() - MOST_BEHIND)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def _affordable(self, packets: list[bytes], now: float) -> list[bytes]:
        """Those that the pacer lets out now, in order."""
        self._ahead = max(0.0, self._ahead - PACE * (now - self._drained))
        self._drained = now
        burst = []
        for packet in packets:
            if self._ahead >= MOST_AHEAD:
                break
            self._ahead += len(packet)
            burst.append(packet)
        return burst

    def _packets(self, payloads: tuple[bytes, ...]) -> Iterator[bytes]:
        for index, payload in enumerate(payloads):
            marker = index == len(payloads) - 1
            head = struct.pack(
                "!BBHII",
                0x80,
                PAYLOAD_TYPE | marker << 7,
                self._sequence,
                self._timestamp & 0xFFFFFFFF,
                self.client.ssrc,
            )
            self._sequence = (self._sequence + 1) & 0xFFFF
            self.packets += 1
            self._octets += len(payload)
            yield head + payload

    def _listen(self) -> None:
        self.client.drain()
        for data in self.client.rtcp:
            self._key_frame_wanted |= any(
                isinstance(packet, PictureLossIndication | FullIntraRequest) for packet in parse_compound(data)
            )
        self.client.rtcp.clear()

    def _report(self) -> None:
        ntp = int((time.time() + NTP_EPOCH) * (1 << 32))
        ssrc = self.client.ssrc
        report = SenderReport(ssrc, ntp, self._timestamp & 0xFFFFFFFF, self.packets, self._octets)
        self.client.send_rtcp(serialise_compound([report, SourceDescription(((ssrc, self.client.ufrag),))]))
