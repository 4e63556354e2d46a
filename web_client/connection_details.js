// What a person may want to know of the connection: sizes, rates, losses.

import { byId, el, show } from "./dom.js";
import { t } from "./language.js";

const SECOND_MS = 1000;

export class ConnectionDetails {
  /** @param {import("./call.js").Call} call @param {HTMLElement} button opens and closes them */
  constructor(call, button) {
    this.call = call;
    this.button = button;
    this.root = byId("connection-details");
  }

  toggle() {
    show(this.root, this.root.hidden);
    this.button.setAttribute("aria-expanded", String(!this.root.hidden));
    this.draw();
  }

  /** Measure anew, if they are to be seen. */
  async draw() {
    if (this.root.hidden) return;
    const now = await this.call.link?.statistics().catch(() => null);
    if (!now) return;
    const before = this.measured;
    this.measured = { link: this.call.link, bytes: now.bytes, at: performance.now() };
    const seconds = before && before.link === this.call.link ? (this.measured.at - before.at) / SECOND_MS : 0;
    const rate = seconds > 0 && before ? `${Math.round(((now.bytes - before.bytes) * 8) / seconds / 1000)} kbit/s` : "–";
    const all = now.lost + now.received;
    const lines = [
      ["stats.picture", now.width ? `${now.width}×${now.height}, ${Math.round(now.fps)} fps` : "–"],
      ["stats.codec", now.codec || "–"],
      ["stats.rate", rate],
      ["stats.loss", all ? `${((100 * now.lost) / all).toFixed(1)} %` : "–"],
      ["stats.round_trip", now.roundTrip ? `${Math.round(now.roundTrip * 1000)} ms` : "–"],
    ];
    this.root.replaceChildren(...lines.flatMap(([key, value]) => [el("dt", {}, t(key ?? "")), el("dd", {}, value ?? "")]));
  }
}
