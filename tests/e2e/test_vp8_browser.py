"""A browser that has no H.264 joins all the same: VP8 both ways."""

from __future__ import annotations

import asyncio
from pathlib import Path

from consilium.simulated_room.clip import ClipFormat, load_clip
from consilium.simulated_room.room import RoomSettings, SimulatedRoom
from tests.e2e.checks import assert_tiles_show, until_holds
from tests.e2e.material import Source
from tests.peers.chromium import Chromium, look, wait_for_picture
from tests.peers.server import ServerProcess

# As in a browser that was built without the codec: it is neither offered nor wished for.
WITHOUT_H264 = """
const original = RTCRtpTransceiver.prototype.setCodecPreferences;
RTCRtpTransceiver.prototype.setCodecPreferences = function (codecs) {
  return original.call(this, codecs.filter((codec) => codec.mimeType !== 'video/H264'));
};
"""

_CODECS = """
async () => {
  const link = window.usedConnection;
  const report = [...(await link.getStats()).values()];
  const names = new Map(report.filter((s) => s.type === 'codec').map((s) => [s.id, s.mimeType]));
  return ['inbound-rtp', 'outbound-rtp'].map(
    (type) => report.filter((s) => s.type === type && s.kind === 'video').map((s) => names.get(s.codecId)));
}
"""

_REMEMBER_CONNECTION = """
const Original = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
  constructor(...options) { super(...options); window.usedConnection = this; }
};
"""


async def test_a_browser_without_h264_sees_and_is_seen(
    tmp_path: Path, server: ServerProcess, sources: list[Source]
) -> None:
    first, second, _ = sources
    clip = await asyncio.to_thread(load_clip, first.clip, ClipFormat(), 10.0)
    room = SimulatedRoom(RoomSettings(name="Room"), clip)
    async with Chromium(second.camera, second.sound) as chromium:
        try:
            await room.call(server.sip_uri("1000"))
            page = await chromium.page()
            await page.add_init_script(WITHOUT_H264 + _REMEMBER_CONNECTION)
            await page.goto(f"{server.url}/?room=1000&name=Guest")
            await page.click("#join-button")
            await wait_for_picture(page)

            async def sees_both_by_vp8_alone() -> None:
                used = await page.evaluate(_CODECS)
                assert [set(names) for names in used] == [{"video/VP8"}, {"video/VP8"}]
                assert_tiles_show(await look(page), [first, second], sources)

            await until_holds(sees_both_by_vp8_alone)
        finally:
            await room.hang_up()
