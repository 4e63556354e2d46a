// What is spoken with the server: the words of the HTTP API and of events. This file never touches the DOM, and fetch
// comes in as an argument, so it runs under any JavaScript engine.

/**
 * @typedef {import("./api_types.js").ParticipantState} ParticipantState
 * @typedef {import("./api_types.js").Participant} Participant
 * @typedef {import("./api_types.js").RunningRecording} RunningRecording
 * @typedef {import("./api_types.js").RecordingPart} RecordingPart
 * @typedef {import("./api_types.js").Recording} Recording
 * @typedef {import("./api_types.js").Conference} Conference
 * @typedef {import("./api_types.js").Seating} Seating
 * @typedef {import("./api_types.js").Decoration} Decoration
 * @typedef {import("./api_types.js").Processing} Processing
 * @typedef {import("./api_types.js").Cell} Cell
 * @typedef {import("./api_types.js").Layout} Layout
 * @typedef {import("./api_types.js").LayoutList} LayoutList
 * @typedef {import("./api_types.js").Logo} Logo
 * @typedef {import("./api_types.js").Floor} Floor
 * @typedef {import("./api_types.js").OutgoingCall} OutgoingCall
 * @typedef {import("./api_types.js").ChatMessage} ChatMessage
 * @typedef {import("./api_types.js").Door} Door
 * @typedef {import("./api_types.js").Joined} Joined
 * @typedef {import("./api_types.js").ServerEvent} ServerEvent
 */

export const API_ROOT = "/api/v1";

/** A request that takes longer than this is given up: the user would rather see a failure and a retry. */
export const REQUEST_TIMEOUT_MS = 10_000;

/** The server refused (problem details, RFC 9457), or could not be reached (status 0, code "unreachable"). */
export class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string} detail */
  constructor(status, code, detail) {
    super(detail || code);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.detail = detail;
  }

  /** Worth trying again as it was: the network or the server had trouble, the request itself was not refused. */
  get isTransient() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** The server no longer knows who we are: only joining (or logging in) anew helps. */
  get isForgotten() {
    return this.status === 401 || this.status === 403 || this.status === 404;
  }
}

/** Turn a refused response into an ApiError; bodies that are no problem details are tolerated. */
async function problemOf(/** @type {Response} */ response) {
  let problem = null;
  try {
    problem = await response.json();
  } catch {
    // A proxy's HTML page or an empty body: the status has to do.
  }
  const given = problem && typeof problem === "object" ? problem : {};
  const text = (/** @type {unknown} */ value) => (typeof value === "string" ? value : "");
  return new ApiError(response.status, text(given.code) || `http_${response.status}`, text(given.detail) || text(given.title));
}

/** The HTTP API. Without a token the browser's session cookie speaks for the user. */
export class Api {
  /**
   * @param {{fetch?: typeof fetch, root?: string, token?: string|null, timeout?: number}} [options]
   */
  constructor({ fetch: fetchFunction, root = API_ROOT, token = null, timeout = REQUEST_TIMEOUT_MS } = {}) {
    this.fetch = fetchFunction ?? globalThis.fetch.bind(globalThis);
    this.root = root;
    this.token = token;
    this.timeout = timeout;
  }

  /**
   * @param {string} method
   * @param {string} path below the API root
   * @param {object} [body] sent as JSON, a file as it is
   * @param {{keepalive?: boolean}} [options] keepalive: the request outlives the page
   * @returns {Promise<any>} the JSON answer, or null when there is none
   */
  async request(method, path, body, { keepalive = false } = {}) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json" };
    // The JSON content type is also the server's proof that no foreign form sent this.
    if (method !== "GET") headers["Content-Type"] = body instanceof Blob ? body.type : "application/json";
    if (this.token !== null) headers.Authorization = `Bearer ${this.token}`;
    let response;
    try {
      response = await this.fetch(this.root + path, {
        method,
        headers,
        body: body === undefined || body instanceof Blob ? body : JSON.stringify(body),
        credentials: "same-origin",
        cache: "no-store",
        keepalive,
        signal: keepalive ? undefined : AbortSignal.timeout(this.timeout),
      });
    } catch (error) {
      throw new ApiError(0, "unreachable", String(error));
    }
    if (!response.ok) throw await problemOf(response);
    if (response.status === 204) return null;
    const text = await response.text();
    if (!text) return null;
    try {
      return JSON.parse(text);
    } catch {
      throw new ApiError(0, "unreachable", "the answer is not JSON");
    }
  }

  // --- joining and the own leg

  /** @returns {Promise<Door>} */
  door(/** @type {string} */ number) {
    return this.request("GET", `/conferences/${encodeURIComponent(number)}/door`);
  }

  /**
   * @param {string} number
   * @param {{name: string, pin?: string, sdp: string, device?: string}} newcomer
   * @returns {Promise<Joined>}
   */
  join(number, newcomer) {
    return this.request("POST", `/conferences/${encodeURIComponent(number)}/join`, newcomer);
  }

  /** @returns {Promise<{sdp: string}>} */
  replaceMedia(/** @type {string} */ participantId, /** @type {string} */ sdp) {
    return this.request("PUT", `/participants/${encodeURIComponent(participantId)}/media`, { sdp });
  }

  /** How large the page shows whom. @param {string} participantId @param {import("./tile_sizes.js").Tiles} tiles */
  showTiles(participantId, tiles) {
    return this.request("PUT", `/participants/${encodeURIComponent(participantId)}/tiles`, tiles);
  }

  /** @param {string} participantId @param {object} change @returns {Promise<Participant>} */
  changeParticipant(participantId, change) {
    return this.request("PATCH", `/participants/${encodeURIComponent(participantId)}`, change);
  }

  /** Move a room's camera, or use one of its presets. @param {string} participantId @param {object} move */
  moveCamera(participantId, move) {
    return this.request("POST", `/participants/${encodeURIComponent(participantId)}/camera`, move);
  }

  /** Leave, or remove somebody. @param {string} participantId @param {{keepalive?: boolean}} [options] */
  removeParticipant(participantId, options) {
    return this.request("DELETE", `/participants/${encodeURIComponent(participantId)}`, undefined, options);
  }

  /** Ask to share a second picture: granted at once, or queued. @returns {Promise<Floor>} */
  takeFloor(/** @type {string} */ participantId) {
    return this.request("POST", `/participants/${encodeURIComponent(participantId)}/floor`, {});
  }

  /** @returns {Promise<Floor>} */
  releaseFloor(/** @type {string} */ participantId) {
    return this.request("DELETE", `/participants/${encodeURIComponent(participantId)}/floor`);
  }

  // --- steering

  /** Take the floor from whoever shares. @returns {Promise<Floor>} */
  revokeFloor(/** @type {string} */ number) {
    return this.request("DELETE", `/conferences/${encodeURIComponent(number)}/floor`);
  }

  session() {
    return this.request("GET", "/session");
  }

  logIn(/** @type {string} */ name, /** @type {string} */ password) {
    return this.request("POST", "/session", { name, password });
  }

  logOut() {
    return this.request("DELETE", "/session");
  }

  /** All other sessions of the account end. @param {string} oldPassword @param {string} newPassword */
  changePassword(oldPassword, newPassword) {
    return this.request("PUT", "/session/password", { old_password: oldPassword, new_password: newPassword });
  }

  /** @returns {Promise<{conferences: Conference[]}>} */
  conferences() {
    return this.request("GET", "/conferences");
  }

  /** @returns {Promise<Conference>} */
  conference(/** @type {string} */ number) {
    return this.request("GET", `/conferences/${encodeURIComponent(number)}`);
  }

  /** Make a permanent room. @param {{number: string, title?: string, pin?: string}} room @returns {Promise<Conference>} */
  createConference(room) {
    return this.request("POST", "/conferences", room);
  }

  /** @param {string} number @param {object} change */
  changeConference(number, change) {
    return this.request("PATCH", `/conferences/${encodeURIComponent(number)}`, change);
  }

  /** End what runs there; the room stays, unless it is to be forgotten as well. @param {string} number @param {boolean} forget */
  endConference(number, forget) {
    return this.request("DELETE", `/conferences/${encodeURIComponent(number)}${forget ? "?forget=true" : ""}`);
  }

  startRecording(/** @type {string} */ number) {
    return this.request("POST", `/conferences/${encodeURIComponent(number)}/recording`, {});
  }

  stopRecording(/** @type {string} */ number) {
    return this.request("DELETE", `/conferences/${encodeURIComponent(number)}/recording`);
  }

  // --- calls out, and chat

  /** @param {string} number @param {string[]} targets @param {number} retries @returns {Promise<{calls: OutgoingCall[]}>} */
  placeCalls(number, targets, retries) {
    return this.request("POST", `/conferences/${encodeURIComponent(number)}/calls`, { targets, retries });
  }

  /** Give up a call, or forget one that failed. @param {string} number @param {string} id */
  cancelCall(number, id) {
    return this.request("DELETE", `/conferences/${encodeURIComponent(number)}/calls/${encodeURIComponent(id)}`);
  }

  /** @param {string} number @returns {Promise<{messages: ChatMessage[]}>} oldest first */
  chat(number) {
    return this.request("GET", `/conferences/${encodeURIComponent(number)}/chat`);
  }

  /** @param {string} number @param {string} text @returns {Promise<ChatMessage>} */
  say(number, text) {
    return this.request("POST", `/conferences/${encodeURIComponent(number)}/chat`, { text });
  }

  /** @returns {Promise<LayoutList>} */
  layouts() {
    return this.request("GET", "/layouts");
  }

  /** @param {{name: string, cells: Cell[]}} layout @returns {Promise<Layout>} */
  addLayout(layout) {
    return this.request("POST", "/layouts", layout);
  }

  removeLayout(/** @type {string} */ name) {
    return this.request("DELETE", `/layouts/${encodeURIComponent(name)}`);
  }

  /** @returns {Promise<{logos: Logo[]}>} */
  logos() {
    return this.request("GET", "/logos");
  }

  /** @param {Blob} file a PNG @returns {Promise<Logo>} */
  addLogo(file) {
    return this.request("POST", "/logos", file);
  }

  removeLogo(/** @type {string} */ id) {
    return this.request("DELETE", `/logos/${encodeURIComponent(id)}`);
  }

  // --- recordings

  /** @returns {Promise<{recordings: Recording[]}>} newest first */
  recordings() {
    return this.request("GET", "/recordings");
  }

  deleteRecording(/** @type {string} */ id) {
    return this.request("DELETE", `/recordings/${encodeURIComponent(id)}`);
  }

  recordingUrl(/** @type {string} */ id, /** @type {string} */ file) {
    return `${this.root}/recordings/${encodeURIComponent(id)}/${file}`;
  }
}
