import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, ApiError } from "../../web_client/protocol.js";

function answering(status, body, headers = { "Content-Type": "application/json" }) {
  const seen = [];
  const fetch = async (url, options) => {
    seen.push({ url, ...options });
    return new Response(status === 204 ? null : body, { status, headers });
  };
  return { fetch, seen };
}

test("a request carries the token, the body as JSON, and the number escaped", async () => {
  const { fetch, seen } = answering(201, JSON.stringify({ token: "t" }));
  const joined = await new Api({ fetch, token: "secret" }).join("10/00", { name: "李明", sdp: "v=0" });
  assert.deepEqual(joined, { token: "t" });
  assert.equal(seen[0].url, "/api/v1/conferences/10%2F00/join");
  assert.equal(seen[0].headers.Authorization, "Bearer secret");
  assert.equal(seen[0].headers["Content-Type"], "application/json");
  assert.deepEqual(JSON.parse(seen[0].body), { name: "李明", sdp: "v=0" });
});

test("without a token the session cookie speaks, and nothing is put in the header", async () => {
  const { fetch, seen } = answering(200, "{}");
  await new Api({ fetch }).conferences();
  assert.equal("Authorization" in seen[0].headers, false);
  assert.equal(seen[0].credentials, "same-origin");
});

test("leaving in passing outlives the page", async () => {
  const { fetch, seen } = answering(204, null);
  assert.equal(await new Api({ fetch, token: "t" }).removeParticipant("p 1", { keepalive: true }), null);
  assert.equal(seen[0].keepalive, true);
  assert.equal(seen[0].signal, undefined);
  assert.equal(seen[0].url, "/api/v1/participants/p%201");
});

test("problem details become an ApiError with their code", async () => {
  const { fetch } = answering(403, JSON.stringify({ title: "Wrong PIN", detail: "No.", code: "wrong_pin", status: 403 }));
  await assert.rejects(new Api({ fetch }).join("1", {}), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.code, error.detail], [403, "wrong_pin", "No."]);
    return true;
  });
});

for (const body of ["<html>502</html>", "", "[]", "null", "3", '{"code": 7, "detail": {}}']) {
  test(`a refusal that is no problem details is an ApiError all the same: ${body || "nothing"}`, async () => {
    const { fetch } = answering(502, body);
    await assert.rejects(new Api({ fetch }).session(), (error) => {
      assert.deepEqual([error.name, error.status, error.code, error.isTransient], ["ApiError", 502, "http_502", true]);
      return true;
    });
  });
}

test("an unreachable server and an answer that is no JSON are transient", async () => {
  const fetch = async () => {
    throw new TypeError("Failed to fetch");
  };
  await assert.rejects(new Api({ fetch }).session(), { status: 0, code: "unreachable", isTransient: true });
  await assert.rejects(new Api(answering(200, "<html>")).session(), { status: 0, code: "unreachable" });
});

test("a refusal that says we are unknown is told from one that says no", () => {
  assert.equal(new ApiError(404, "x", "").isForgotten, true);
  assert.equal(new ApiError(401, "x", "").isForgotten, true);
  assert.equal(new ApiError(409, "locked", "").isForgotten, false);
  assert.equal(new ApiError(409, "locked", "").isTransient, false);
  assert.equal(new ApiError(429, "x", "").isTransient, true);
});
