// What everybody in a room sees and hears: who sits where, the layout, what is drawn over it, the sound.

import { DecorationPanel } from "./decoration_panel.js";
import { byId, el, show } from "./dom.js";
import { sendsChange, showValue } from "./fields.js";
import { layoutDrawing, layoutName, layoutNow } from "./layout_pictures.js";
import { LayoutPicker } from "./layout_picker.js";
import { fillBroadcast } from "./view_choice.js";

/**
 * @typedef {import("./protocol.js").Conference} Conference
 * @typedef {import("./protocol.js").LayoutList} LayoutList
 */

/** Which settings each mode has. @type {Record<string, string[]>} */
const SETTINGS = { order: [], voice: ["switch_after", "hold"], polling: ["interval"], lecture: ["lecturer", "interval"] };

export class PicturePanel {
  /**
   * @param {(change: object) => Promise<void>} change
   * @param {import("./protocol.js").Api} api
   * @param {(error: unknown) => void} failed
   */
  constructor(change, api, failed) {
    this.change = change;
    /** @type {LayoutList} */
    this.layouts = { layouts: [] };
    /** @type {Conference|null} */
    this.conference = null;
    this.decoration = new DecorationPanel(change, api, failed);
    this.select = /** @type {HTMLSelectElement} */ (byId("layout-select"));
    this.broadcast = /** @type {HTMLSelectElement} */ (byId("broadcast-select"));
    this.lecturer = /** @type {HTMLSelectElement} */ (byId("seating-lecturer"));
    this.picker = new LayoutPicker(byId("layout-picker"), (layout) => change({ layout }));
    this.select.addEventListener("change", () => change({ layout: this.select.value }));
    this.broadcast.addEventListener("change", () => change({ broadcast: this.broadcast.value || null }));
    this.modes = /** @type {HTMLInputElement[]} */ ([...byId("seating-modes").querySelectorAll("input")]);
    for (const mode of this.modes) mode.addEventListener("change", () => this.choose(mode.value));
    for (const name of ["switch_after", "hold", "interval", "lecturer", "show_without_video"]) {
      sendsChange(`seating-${name}`, (value) => change({ seating: { [name]: value } }));
    }
    for (const name of ["level", "denoise", "tones"]) {
      sendsChange(`processing-${name}`, (value) => change({ processing: { [name]: value } }));
    }
    sendsChange("conference-forwarded", (forwarded) => change({ forwarded }));
    sendsChange("conference-forwarded_sound", (forwarded) => change({ forwarded_sound: forwarded }));
    byId("layout-more").addEventListener("click", () => {
      const picker = byId("layout-picker");
      show(picker, picker.hidden);
      byId("layout-more").setAttribute("aria-expanded", String(!picker.hidden));
    });
  }

  /** A lecture begins with whoever is most likely to give it. @param {string} mode */
  async choose(mode) {
    const { conference } = this;
    const people = conference?.participants ?? [];
    const likely = people.find((one) => one.role === "expert") ?? people.find((one) => one.role === "chair") ?? people[0];
    const lecturer = conference?.seating?.lecturer ?? likely?.id ?? null;
    await this.change({ seating: mode === "lecture" ? { mode, lecturer } : { mode } });
    this.draw(this.conference); // what was refused is not shown as chosen
  }

  /** @param {Conference|null} conference */
  draw(conference) {
    this.conference = conference;
    show(byId("picture"), conference !== null && (conference.active || conference.permanent));
    if (!conference) return;
    this.drawLayout(conference);
    const { seating, processing } = conference;
    show(/** @type {HTMLElement} */ (this.broadcast.closest("label")), conference.active);
    if (document.activeElement !== this.broadcast) fillBroadcast(this.broadcast, conference);
    if (!seating || !processing || !conference.decoration) return;
    for (const mode of this.modes) {
      mode.checked = mode.value === seating.mode;
      mode.disabled = mode.value === "lecture" && conference.participants.length === 0;
    }
    for (const name of ["switch_after", "hold", "interval", "lecturer"]) {
      show(/** @type {HTMLElement} */ (byId(`seating-${name}`).closest("label")), (SETTINGS[seating.mode] ?? []).includes(name));
    }
    if (document.activeElement !== this.lecturer) {
      this.lecturer.replaceChildren(...conference.participants.map((one) => el("option", { value: one.id }, one.name)));
      this.lecturer.value = seating.lecturer ?? "";
    }
    showValue("conference-forwarded", conference.forwarded ?? false);
    showValue("conference-forwarded_sound", conference.forwarded_sound ?? false);
    showValue("seating-switch_after", seating.switch_after);
    showValue("seating-hold", seating.hold);
    showValue("seating-interval", seating.interval);
    showValue("seating-show_without_video", seating.show_without_video);
    for (const [name, value] of Object.entries(processing)) showValue(`processing-${name}`, value);
    this.decoration.draw(conference.decoration);
  }

  /** @param {Conference} conference */
  drawLayout(conference) {
    const { layouts: names, details = [] } = this.layouts;
    this.picker.draw(details, conference.layout);
    const now = layoutNow(details, conference.layout, conference);
    byId("layout-now").replaceChildren(layoutDrawing(now));
    if (document.activeElement === this.select) return; // not under the hand that chooses
    const all = names.includes(conference.layout) ? names : [...names, conference.layout];
    this.select.replaceChildren(...all.map((name) => el("option", { value: name }, layoutName(name))));
    this.select.value = conference.layout;
  }
}
