// What is drawn over a room's picture: texts, clock, logo, names and signs.

import { byId, el, show } from "./dom.js";
import { sendsChange, showValue } from "./fields.js";
import { t } from "./language.js";
import { ApiError } from "./protocol.js";

/**
 * @typedef {import("./protocol.js").Decoration} Decoration
 * @typedef {import("./protocol.js").Logo} Logo
 */

/** The server's answers to what is no picture that it draws. */
const UNUSABLE = [413, 415, 422];

const CORNERS = ["top_left", "top_right", "bottom_left", "bottom_right"];

const FIELDS = /** @type {const} */ (["banner", "caption", "scroll", "watermark", "clock", "clock_corner", "logo_corner", "names", "signs", "speaker_frame"]);

export class DecorationPanel {
  /**
   * @param {(change: object) => Promise<void>} change
   * @param {import("./protocol.js").Api} api
   * @param {(error: unknown) => void} failed
   */
  constructor(change, api, failed) {
    this.change = change;
    this.api = api;
    this.failed = failed;
    /** @type {Logo[]} */
    this.logos = [];
    this.logo = /** @type {HTMLSelectElement} */ (byId("decoration-logo"));
    this.file = /** @type {HTMLInputElement} */ (byId("logo-file"));
    for (const name of FIELDS) sendsChange(`decoration-${name}`, (value) => change({ decoration: { [name]: value } }));
    sendsChange("decoration-logo", (value) => change({ decoration: { logo: value || null } }));
    sendsChange("decoration-crop", (value) => change({ decoration: { fill: value ? "crop" : "fit" } }));
    sendsChange("decoration-time_zone", (value) => change({ decoration: { time_zone: value || null } }));
    byId("logo-remove").addEventListener("click", () => this.remove());
    byId("logo-upload").addEventListener("click", () => this.file.click());
    this.file.addEventListener("change", () => this.upload());
  }

  async learn() {
    this.logos = (await this.api.logos()).logos;
  }

  /** Keep a picture of one's own, and show it at once. */
  async upload() {
    const file = this.file.files?.[0];
    this.file.value = "";
    if (!file) return;
    try {
      const logo = await this.api.addLogo(file);
      await this.learn();
      await this.change({ decoration: { logo: logo.id } });
    } catch (error) {
      const { status = 0 } = /** @type {{status?: number}} */ (error);
      this.failed(UNUSABLE.includes(status) ? new ApiError(status, "bad_logo", "") : error);
    }
  }

  /** Forget the logo that is shown here; one that another room shows stays. */
  async remove() {
    const id = this.logo.value;
    if (!id) return;
    try {
      await this.change({ decoration: { logo: null } });
      await this.api.removeLogo(id);
    } catch (error) {
      this.failed(error);
    }
    await this.learn();
    await this.change({}); // drawn anew
  }

  /** @param {Decoration} decoration */
  draw(decoration) {
    this.drawCorners();
    for (const name of FIELDS) showValue(`decoration-${name}`, decoration[name]);
    showValue("decoration-crop", decoration.fill === "crop");
    if (document.activeElement !== this.logo) {
      this.logo.replaceChildren(
        el("option", { value: "" }, t("picture.no_logo")),
        ...this.logos.map((logo, index) => el("option", { value: logo.id }, t("picture.logo_number", { index: index + 1, width: logo.width, height: logo.height }))),
      );
      this.logo.value = decoration.logo ?? "";
    }
    show(byId("logo-remove"), decoration.logo !== null);
    this.drawTimeZones(decoration.time_zone);
    const preview = /** @type {HTMLImageElement} */ (byId("logo-preview"));
    show(preview, decoration.logo !== null);
    const source = decoration.logo ? `/api/v1/logos/${encodeURIComponent(decoration.logo)}` : "";
    if (source && preview.getAttribute("src") !== source) preview.setAttribute("src", source);
    show(/** @type {HTMLElement} */ (byId("decoration-logo_corner").closest("label")), decoration.logo !== null);
    for (const id of ["decoration-clock_corner", "decoration-time_zone"]) show(/** @type {HTMLElement} */ (byId(id).closest("label")), decoration.clock);
    show(/** @type {HTMLElement} */ (byId("decoration-scroll").closest("label")), decoration.caption !== "");
  }

  /** All that the browser knows, in its order, and the one chosen whether it knows it or not. @param {string|null} chosen */
  drawTimeZones(chosen) {
    const select = /** @type {HTMLSelectElement} */ (byId("decoration-time_zone"));
    if (document.activeElement === select) return;
    const known = Intl.supportedValuesOf?.("timeZone") ?? [];
    const names = chosen === null || known.includes(chosen) ? known : [chosen, ...known];
    const marked = `${document.documentElement.lang} ${names.length}`;
    if (select.dataset.shows !== marked) {
      select.dataset.shows = marked;
      select.replaceChildren(el("option", { value: "" }, t("picture.time_zone_server")), ...names.map((name) => el("option", { value: name }, name.replaceAll("_", " "))));
    }
    select.value = chosen ?? "";
  }

  drawCorners() {
    for (const id of ["decoration-logo_corner", "decoration-clock_corner"]) {
      const select = /** @type {HTMLSelectElement} */ (byId(id));
      if (document.activeElement === select) continue;
      select.replaceChildren(...CORNERS.map((corner) => el("option", { value: corner }, t(`corner.${corner}`))));
    }
  }
}
