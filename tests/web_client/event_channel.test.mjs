import assert from "node:assert/strict";
import { test } from "node:test";
import { EventChannel, backoff, eventsUrl } from "../../web_client/event_channel.js";

test("the wait doubles, is bounded, and is spread", () => {
  assert.deepEqual([0, 1, 2, 3].map((attempt) => backoff(attempt, 1)), [250, 500, 1000, 2000]);
  assert.equal(backoff(50, 1), 5000);
  assert.equal(backoff(5000, 0), 2500);
  assert.equal(backoff(0, 0), 125);
});

test("events are asked for over TLS where the page came over TLS", () => {
  assert.equal(eventsUrl({ protocol: "https:", host: "a:8443" }), "wss://a:8443/api/v1/events");
  assert.equal(eventsUrl({ protocol: "http:", host: "localhost" }), "ws://localhost/api/v1/events");
});

/** A channel whose sockets and timers are in the test's hands. */
function channel(token = "t") {
  const world = { sockets: [], timers: [], events: [], states: [] };
  world.channel = new EventChannel({
    url: "ws://x/",
    token,
    onEvent: (event) => world.events.push(event),
    onState: (open) => world.states.push(open),
    open: () => {
      const socket = { sent: [], closed: false, send: (data) => socket.sent.push(data), close: () => (socket.closed = true) };
      world.sockets.push(socket);
      return socket;
    },
    setTimer: (callback, delay) => world.timers.push({ callback, delay, cancelled: false }) - 1,
    clearTimer: (index) => (world.timers[index].cancelled = true),
    random: () => 1,
  });
  world.channel.start();
  return world;
}
const welcome = { data: JSON.stringify({ type: "welcome", conferences: [] }) };

test("the token is the first message, and the channel is open with the welcome", () => {
  const { sockets, states, events } = channel();
  sockets[0].onopen();
  assert.deepEqual(sockets[0].sent, ['{"token":"t"}']);
  assert.deepEqual(states, []);
  sockets[0].onmessage(welcome);
  assert.deepEqual(states, [true]);
  assert.equal(events.length, 1);
});

test("a user sends no token", () => {
  const { sockets } = channel(null);
  sockets[0].onopen();
  assert.deepEqual(sockets[0].sent, []);
});

test("a lost channel comes back with growing waits, and a welcome resets them", () => {
  const { sockets, timers, states } = channel();
  sockets[0].onclose();
  timers[0].callback();
  sockets[1].onclose();
  assert.deepEqual(timers.map((timer) => timer.delay), [250, 500]);
  timers[1].callback();
  sockets[2].onmessage(welcome);
  sockets[2].onclose();
  assert.equal(timers[2].delay, 250);
  assert.deepEqual(states, [false, false, true, false]);
});

test("a server that accepts and drops at once does not reset the waits", () => {
  const { sockets, timers } = channel();
  for (const index of [0, 1, 2]) {
    sockets[index].onopen();
    sockets[index].onclose();
    timers[index].callback();
  }
  assert.deepEqual(timers.map((timer) => timer.delay), [250, 500, 1000]);
});

test("messages that cannot be understood are passed over", () => {
  const { sockets, events } = channel();
  for (const data of ["", "{", "null", "7", '"x"', "[]", '{"type": 3}']) sockets[0].onmessage({ data });
  assert.deepEqual(events, []);
});

test("a stopped channel is silent and stays closed", () => {
  const { channel: stopped, sockets, timers, states, events } = channel();
  stopped.stop();
  assert.equal(sockets[0].closed, true);
  sockets[0].onclose();
  sockets[0].onmessage(welcome);
  assert.deepEqual([timers, states, events], [[], [], []]);
});

test("stopping from within the news of a loss leaves no timer", () => {
  const world = channel();
  world.channel.onState = () => world.channel.stop();
  world.sockets[0].onclose();
  assert.equal(world.timers.length, 0);
});

test("hurrying skips the wait", () => {
  const { channel: hurried, sockets, timers } = channel();
  hurried.hurry();
  assert.equal(sockets.length, 1);
  sockets[0].onclose();
  hurried.hurry();
  assert.equal(sockets.length, 2);
  assert.equal(timers[0].cancelled, true);
});
