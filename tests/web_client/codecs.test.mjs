import assert from "node:assert/strict";
import { test } from "node:test";
import { audible, forwardable, preferred } from "../../web_client/codecs.js";

const h264 = (mode, profile) => ({ mimeType: "video/H264", sdpFmtpLine: `level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=${profile}` });

test("H.264 mode 1 first, constrained baseline before high, then mode 0, VP8, and the rest as it was", () => {
  const offered = [{ mimeType: "video/VP8" }, { mimeType: "video/rtx" }, { mimeType: "video/VP9" }, h264(0, "42e01f"), h264(1, "64001f"), h264(1, "42e01f")];
  assert.deepEqual(preferred(offered), [offered[5], offered[4], offered[3], offered[0], offered[1], offered[2]]);
});

test("nothing is lost, and a browser without H.264 offers what it has", () => {
  assert.deepEqual(preferred([{ mimeType: "video/AV1" }, { mimeType: "video/VP8" }]).map((codec) => codec.mimeType), ["video/VP8", "video/AV1"]);
  assert.deepEqual(preferred([]), []);
});

test("pictures of others as they are come in what browsers send here, with what makes up for loss", () => {
  const names = ["video/VP8", "video/rtx", "video/VP9", "video/AV1", "video/red", "video/ulpfec", "video/flexfec-03"];
  const offered = [...names.map((mimeType) => ({ mimeType })), h264(0, "42e01f"), h264(1, "64001f"), h264(1, "42e01f")];
  assert.deepEqual(
    forwardable(offered).map((codec) => codec.mimeType),
    ["video/H264", "video/VP8", "video/rtx", "video/flexfec-03"],
  );
});

test("voices of others as they are come in Opus, with earlier frames", () => {
  const offered = ["audio/opus", "audio/red", "audio/G722", "audio/telephone-event"].map((mimeType) => ({ mimeType }));
  assert.deepEqual(audible(offered), offered.slice(0, 2));
});
