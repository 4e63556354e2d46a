// The page at "/recordings": a list of recordings, and a player for one of them (#id).

import { confirmed } from "./confirm.js";
import { byId, el, icon, setText, show } from "./dom.js";
import { errorText } from "./errors.js";
import { formatDate, formatDuration, formatSize, onLanguage, startLanguage, t } from "./language.js";
import { Notices } from "./notices.js";
import { Player } from "./player.js";
import { Api, ApiError } from "./protocol.js";
import { SessionGate } from "./session.js";

/** A recording that grows is looked at again this often. */
const REFRESH_MS = 10_000;

/** @typedef {import("./protocol.js").Recording} Recording */

class RecordingsPage {
  constructor() {
    this.api = new Api();
    this.gate = new SessionGate(this.api, { onOpen: () => this.open(), onShut: () => this.shut() });
    this.notices = new Notices(byId("notices"));
    this.player = new Player(
      /** @type {HTMLVideoElement} */ (byId("player")),
      (trouble) => this.showTrouble(trouble),
    );
    this.filter = /** @type {HTMLInputElement} */ (byId("filter"));
    /** @type {Recording[]} */
    this.recordings = [];
    this.loaded = false;
    /** @type {unknown} */
    this.failure = null;
    this.playing = "";
    this.filter.addEventListener("input", () => this.drawList());
    byId("delete-button").addEventListener("click", () => this.remove());
    byId("back").addEventListener("click", (event) => {
      event.preventDefault();
      location.hash = "";
    });
    addEventListener("hashchange", () => this.draw());
    onLanguage(() => this.gate.isOpen && this.draw());
  }

  open() {
    this.refresh();
    clearInterval(this.timer);
    this.timer = setInterval(() => {
      if (!document.hidden && this.recordings.some((recording) => recording.state === "recording")) this.refresh();
    }, REFRESH_MS);
  }

  shut() {
    clearInterval(this.timer);
    this.player.stop();
    this.playing = "";
    this.recordings = [];
    this.loaded = false;
  }

  async refresh() {
    try {
      this.recordings = (await this.api.recordings()).recordings;
      this.failure = null;
    } catch (error) {
      if (this.gate.hasEnded(error)) return;
      this.failure = error;
    }
    this.loaded = true;
    this.draw();
  }

  get chosen() {
    let id = "";
    try {
      id = decodeURIComponent(location.hash.slice(1));
    } catch {
      return null; // a mangled link leads to the list
    }
    return this.recordings.find((recording) => recording.id === id) ?? null;
  }

  // --- drawing

  draw() {
    const { chosen } = this;
    show(byId("list-view"), chosen === null);
    show(byId("player-view"), chosen !== null);
    if (chosen) this.drawPlayer(chosen);
    else this.leavePlayer();
    this.drawList();
  }

  drawList() {
    const wanted = this.filter.value.trim().toLowerCase();
    const shown = this.recordings.filter((recording) =>
      [recording.title, recording.number, formatDate(recording.started_at)].some((text) => text.toLowerCase().includes(wanted)),
    );
    byId("recordings").dataset.state = this.loaded ? "ready" : "loading";
    byId("recordings").replaceChildren(...shown.map((recording) => this.card(recording)));
    show(byId("list-error"), this.failure !== null);
    setText(byId("list-error"), this.failure === null ? "" : errorText(this.failure));
    show(byId("list-empty"), this.loaded && this.failure === null && shown.length === 0);
    setText(byId("list-empty"), t(this.recordings.length === 0 ? "recordings.none" : "recordings.none_found"));
    show(this.filter, this.recordings.length > 0);
  }

  /** @param {Recording} recording */
  card(recording) {
    const picture = el("img", {
      src: this.api.recordingUrl(recording.id, "thumbnail.jpg"),
      alt: "",
      loading: "lazy",
      error: (event) => event.target.remove(),
    });
    const state = stateText(recording);
    return el(
      "li",
      { "data-recording": recording.id, "data-state": recording.state },
      el(
        "a",
        { href: `#${encodeURIComponent(recording.id)}`, class: "recording-card" },
        el(
          "span",
          { class: "thumbnail" },
          icon("play"),
          picture,
          state ? el("span", { class: "badge state" }, state) : null,
          el("span", { class: "badge duration" }, el("span", { class: "unseen" }, t("recordings.duration")), formatDuration(recording.duration)),
        ),
        el("span", { class: "recording-title" }, titleOf(recording)),
        el("span", { class: "muted" }, [formatDate(recording.started_at), roomText(recording)].filter(Boolean).join(" · ")),
      ),
    );
  }

  /** @param {Recording} recording */
  drawPlayer(recording) {
    setText(byId("recording-title"), titleOf(recording));
    document.title = `${titleOf(recording)} – Consilium`;
    setText(
      byId("recording-facts"),
      [formatDate(recording.started_at), formatDuration(recording.duration), formatSize(recording.size), roomText(recording), stateText(recording)]
        .filter(Boolean)
        .join(" · "),
    );
    byId("downloads").replaceChildren(...recording.parts.map((part) => this.download(recording, part)));
    show(byId("delete-button"), recording.state !== "recording");
    if (this.playing === recording.id) return;
    this.playing = recording.id;
    show(byId("player-error"), false);
    if (recording.parts.length === 0) {
      this.player.stop();
      this.showTrouble("player.empty");
    } else {
      this.player.play(this.api.recordingUrl(recording.id, "playlist.m3u8"), this.api.recordingUrl(recording.id, "thumbnail.jpg"));
    }
    byId("recording-title").focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  /** @param {Recording} recording @param {import("./protocol.js").RecordingPart} part */
  download(recording, part) {
    const name = recording.parts.length > 1 ? t("recordings.part", { number: part.number }) : t("recordings.whole");
    return el(
      "li",
      {},
      el(
        "a",
        { class: "button", href: `${this.api.recordingUrl(recording.id, part.address)}?download=1`, download: true },
        icon("download"),
        el("span", {}, name),
        el("span", { class: "muted" }, [formatDuration(part.duration), `${part.width}×${part.height}`, formatSize(part.size)].join(" · ")),
      ),
    );
  }

  leavePlayer() {
    document.title = `${t("recordings.title")} – Consilium`;
    if (!this.playing) return;
    this.playing = "";
    this.player.stop();
  }

  showTrouble(/** @type {string} */ key) {
    show(byId("player-error"), true);
    setText(byId("player-error"), t(key));
  }

  // --- deleting

  async remove() {
    const { chosen } = this;
    if (!chosen) return;
    const sure = await confirmed({
      title: t("recordings.delete_title"),
      text: t("recordings.delete_text", { title: titleOf(chosen), date: formatDate(chosen.started_at) }),
      button: t("recordings.delete"),
    });
    if (!sure) return;
    try {
      await this.api.deleteRecording(chosen.id);
    } catch (error) {
      const gone = error instanceof ApiError && error.status === 404;
      if (this.gate.hasEnded(error)) return;
      if (!gone) {
        this.notices.say(errorText(error));
        return;
      }
    }
    location.hash = "";
    this.notices.say(t("recordings.deleted"));
    await this.refresh();
  }
}

/** @param {Recording} recording */
function titleOf(recording) {
  return recording.title || t("call.room", { number: recording.number });
}

/** The room, where it is not the title already. @param {Recording} recording */
function roomText(recording) {
  return recording.title ? t("call.room", { number: recording.number }) : "";
}

/** @param {Recording} recording */
function stateText(recording) {
  return recording.state === "finished" ? "" : t(`recordings.state_${recording.state}`);
}

startLanguage();
new RecordingsPage().gate.start();
