// Others' pictures each on its own, the own one beside them.

import { byId, el, icon, setText, show } from "./dom.js";
import { galleryPeople, gridFor } from "./gallery_people.js";
import { t } from "./language.js";
import { SLOTS } from "./media_link.js";

/** @typedef {import("./protocol.js").Participant} Participant */

/**
 * A tile: a picture, or initials where there is none, and a name over it. data-participant is who is in it,
 * data-speaking tells that this one speaks.
 */
class Tile {
  constructor() {
    this.video = /** @type {HTMLVideoElement} */ (el("video", { autoplay: true, playsinline: true, muted: true }));
    this.video.muted = true; // the attribute alone does not mute what a script has made
    this.initial = el("span", { class: "initial", "aria-hidden": "true" });
    this.name = el("span", { class: "name" });
    this.sign = el("span", { class: "sign microphone-off" }, icon("microphone-off"));
    this.pin = el("button", { type: "button", class: "pin", hidden: true, "aria-pressed": "false" }, icon("pin"));
    this.root = el("li", { class: "tile", hidden: true }, this.initial, this.video, el("p", {}, this.sign, this.name), this.pin);
  }

  /** @param {MediaStream|null} stream */
  async play(stream) {
    if (this.video.srcObject !== stream) this.video.srcObject = stream;
    try {
      await this.video.play();
    } catch {
      // It is muted, so nothing forbids it: a stream that was replaced while it started is no trouble.
    }
  }

  /** @param {Participant|null} person @param {{picture: boolean, isSelf?: boolean}} how */
  draw(person, { picture, isSelf = false }) {
    show(this.root, person !== null);
    if (!person) {
      this.root.removeAttribute("data-participant");
      return;
    }
    const { root } = this;
    root.dataset.participant = person.id;
    root.dataset.speaking = String(person.speaking && !person.microphone_muted);
    show(this.video, picture);
    setText(this.initial, [...person.name.trim()][0]?.toUpperCase() ?? "?");
    setText(this.name, isSelf ? t("gallery.self") : person.name);
    const silent = person.microphone_muted || !person.has_audio;
    show(this.sign, silent);
    root.setAttribute("aria-label", silent ? t("gallery.muted", { name: person.name }) : person.name);
  }

  /** @param {string|null} pinned who is kept large */
  drawPin(pinned) {
    const isPinned = pinned !== null && this.root.dataset.participant === pinned;
    this.root.classList.toggle("pinned", isPinned);
    this.pin.setAttribute("aria-pressed", String(isPinned));
    this.pin.title = t(isPinned ? "gallery.unpin" : "gallery.pin", { name: this.name.textContent ?? "" });
    this.pin.setAttribute("aria-label", this.pin.title);
  }
}

/**
 * #stage tells by data-gallery whether pictures come each on its own ("shown"), and by data-main whether the composed
 * picture is to be seen ("shown"): it plays all sound in either case.
 */
export class Gallery {
  /**
   * @param {import("./call.js").Call} call
   * @param {(id: string|null) => void} pin keep somebody large, or nobody
   */
  constructor(call, pin) {
    this.call = call;
    this.stage = byId("stage");
    this.root = byId("gallery");
    this.slots = Array.from({ length: SLOTS }, () => new Tile());
    for (const tile of this.slots) {
      show(tile.pin, true);
      tile.pin.addEventListener("click", () => {
        const id = tile.root.dataset.participant ?? null;
        pin(id === this.call.self?.watch ? null : id);
      });
    }
    this.own = new Tile();
    this.own.root.classList.add("own");
    /** @type {Tile[]} */
    this.faceless = [];
    this.root.replaceChildren(...this.slots.map((tile) => tile.root), this.own.root);
    this.count = 0;
    /** @type {string|null} */
    this.pinned = null;
    /** Whether the composed picture is to be waited for. */
    this.needsMain = true;
    this.resized = new ResizeObserver(() => this.arrange());
    this.resized.observe(this.root);
  }

  /** The slots of a new link. @param {import("./media_link.js").MediaLink|null} link */
  take(link) {
    this.slots.forEach((tile, index) => tile.play(link?.slots[index]?.stream ?? null));
  }

  /** Who is to be seen in which slot. @returns {Map<string, Element>} */
  seen() {
    /** @type {Map<string, Element>} */
    const found = new Map();
    if (this.root.hidden) return found;
    for (const { root } of this.slots) if (!root.hidden && root.dataset.participant) found.set(root.dataset.participant, root);
    return found;
  }

  draw() {
    const { conference, self } = this.call;
    const people = galleryPeople(conference, self, this.call.slots);
    this.needsMain = people.main;
    this.stage.dataset.gallery = people.shown ? "shown" : "none";
    this.stage.dataset.main = people.main ? "shown" : "none";
    byId("remote-video").setAttribute("aria-hidden", String(!people.main));
    show(this.root, people.shown);
    this.slots.forEach((tile, index) => tile.draw(people.slots[index] ?? null, { picture: true }));
    this.pinned = people.slots.find((one) => one !== null && one.id === self?.watch)?.id ?? null;
    for (const tile of this.slots) tile.drawPin(this.pinned);
    this.drawFaceless(people.faceless);
    this.drawOwn(people.shown && !self?.hide_self ? self : null);
    this.count = [...this.root.children].filter((tile) => !(/** @type {HTMLElement} */ (tile).hidden)).length;
    this.arrange();
  }

  /** @param {Participant[]} people */
  drawFaceless(people) {
    while (this.faceless.length < people.length) {
      const tile = new Tile();
      this.faceless.push(tile);
      this.own.root.before(tile.root);
    }
    this.faceless.forEach((tile, index) => tile.draw(people[index] ?? null, { picture: false }));
  }

  /** @param {Participant|null} self */
  drawOwn(self) {
    const track = self ? this.call.devices.tracks.video : null;
    const shown = /** @type {MediaStream|null} */ (this.own.video.srcObject)?.getVideoTracks()[0] ?? null;
    if (shown !== track) this.own.play(track ? new MediaStream([track]) : null);
    this.own.draw(self, { picture: track !== null && self?.camera_muted === false, isSelf: true });
  }

  /** As large as so many tiles can be here. */
  arrange() {
    const { clientWidth, clientHeight } = this.root;
    if (!clientWidth || !clientHeight) return;
    const { place, columns, rows } = gridFor(this.count, this.pinned !== null, clientWidth, clientHeight);
    this.root.dataset.pinned = place;
    this.root.style.setProperty("--columns", String(columns));
    this.root.style.setProperty("--rows", String(rows));
  }

  close() {
    this.resized.disconnect();
    for (const tile of [...this.slots, this.own]) tile.video.srcObject = null;
    this.root.replaceChildren();
    show(this.root, false);
    this.stage.dataset.gallery = "none";
    this.stage.dataset.main = "shown";
  }
}
