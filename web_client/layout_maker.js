// Layouts of one's own: tiles chosen corner by corner on a grid, seen as they become, kept and removed.

import { byId, el, icon, setText, show } from "./dom.js";
import { errorText } from "./errors.js";
import { onLanguage, t } from "./language.js";
import { layoutDrawing } from "./layout_pictures.js";

/** Fields of the grid each way: halves, thirds, quarters and sixths come out even. */
export const SIDE = 12;

/**
 * @typedef {import("./protocol.js").Layout} Layout
 * @typedef {{left: number, top: number, right: number, bottom: number}} Area in fields, right and bottom included
 */

/** The area between two fields. @param {number} one @param {number} other @returns {Area} */
export function areaBetween(one, other) {
  const [columns, rows] = [[one % SIDE, other % SIDE], [Math.floor(one / SIDE), Math.floor(other / SIDE)]];
  return { left: Math.min(...columns), right: Math.max(...columns), top: Math.min(...rows), bottom: Math.max(...rows) };
}

/** @param {Area} one @param {Area} other */
export function overlap(one, other) {
  return one.left <= other.right && other.left <= one.right && one.top <= other.bottom && other.top <= one.bottom;
}

/** As the server wants it. @param {Area} area */
export function cellOf({ left, top, right, bottom }) {
  return { left: left / SIDE, top: top / SIDE, width: (right - left + 1) / SIDE, height: (bottom - top + 1) / SIDE };
}

export class LayoutMaker {
  /**
   * @param {import("./protocol.js").Api} api
   * @param {() => Promise<void>} changed told when there is another layout, or one less
   */
  constructor(api, changed) {
    this.api = api;
    this.changed = changed;
    /** @type {Area[]} */
    this.areas = [];
    /** @type {number|null} the first corner of the next tile */
    this.corner = null;
    /** @type {Layout[]} */
    this.own = [];
    this.dialog = /** @type {HTMLDialogElement} */ (byId("layout-dialog"));
    this.name = /** @type {HTMLInputElement} */ (byId("layout-name"));
    this.fields = Array.from({ length: SIDE * SIDE }, (_, index) => this.field(index));
    byId("layout-grid").replaceChildren(...this.fields);
    byId("layout-grid").addEventListener("keydown", (event) => this.keyPressed(event));
    byId("layout-make").addEventListener("click", () => this.open());
    byId("layout-undo").addEventListener("click", () => this.undo());
    byId("layout-keep").addEventListener("click", () => this.keep());
    this.name.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // it would close the dialog
      this.keep();
    });
    onLanguage(() => this.draw());
  }

  /** @param {number} index */
  field(index) {
    return /** @type {HTMLButtonElement} */ (
      el("button", { type: "button", class: "layout-field", tabindex: index === 0 ? "0" : "-1", click: () => this.press(index) })
    );
  }

  open() {
    this.areas = [];
    this.corner = null;
    this.name.value = "";
    this.complain("");
    this.draw();
    this.dialog.showModal();
  }

  /** One corner of a tile, then the opposite one. @param {number} index */
  press(index) {
    this.complain("");
    if (this.corner === null) {
      this.corner = index;
    } else {
      const area = areaBetween(this.corner, index);
      this.corner = null;
      if (this.areas.some((other) => overlap(area, other))) this.complain(t("layout.overlaps"));
      else this.areas.push(area);
    }
    this.draw();
  }

  undo() {
    if (this.corner !== null) this.corner = null;
    else this.areas.pop();
    this.draw();
  }

  async keep() {
    const name = this.name.value.trim();
    if (!name || !this.areas.length) {
      this.complain(t(name ? "layout.no_tiles" : "layout.no_name"));
      return;
    }
    await this.ask(() => this.api.addLayout({ name, cells: this.areas.map(cellOf) }), () => {
      this.areas = [];
      this.name.value = "";
    });
  }

  /** @param {() => Promise<unknown>} request @param {() => void} [done] */
  async ask(request, done) {
    try {
      await request();
      this.complain("");
      done?.();
      await this.changed();
    } catch (error) {
      this.complain(errorText(error));
    }
    this.draw();
  }

  /** @param {string} words */
  complain(words) {
    setText(byId("layout-error"), words);
    show(byId("layout-error"), words !== "");
  }

  /** One field can be reached by the tab key, the others by arrows. @param {KeyboardEvent} event */
  keyPressed(event) {
    const at = this.fields.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const [column, row] = [at % SIDE, Math.floor(at / SIDE)];
    const steps = { ArrowRight: column < SIDE - 1 ? 1 : 0, ArrowLeft: column > 0 ? -1 : 0, ArrowDown: row < SIDE - 1 ? SIDE : 0, ArrowUp: row > 0 ? -SIDE : 0 };
    if (at < 0 || !(event.key in steps)) return;
    event.preventDefault();
    const next = this.fields[at + steps[/** @type {keyof typeof steps} */ (event.key)]];
    for (const one of this.fields) one.tabIndex = one === next ? 0 : -1;
    next?.focus();
  }

  draw() {
    this.fields.forEach((field, index) => {
      const here = areaBetween(index, index);
      const tile = this.areas.findIndex((area) => overlap(area, here));
      field.dataset.state = index === this.corner ? "corner" : tile >= 0 ? "tile" : "";
      const words = t("layout.field", { column: here.left + 1, row: here.top + 1 });
      field.setAttribute("aria-label", tile >= 0 ? `${words}: ${t("person.tile", { index: tile + 1 })}` : words);
    });
    byId("layout-preview").replaceChildren(layoutDrawing({ name: "", custom: true, cells: this.areas.map(cellOf) }, { numbers: true }));
    byId("own-layouts").replaceChildren(
      ...this.own.map((layout) => {
        const words = t("layout.remove", { name: layout.name });
        return el(
          "li",
          {},
          layoutDrawing(layout),
          el("span", { class: "name" }, layout.name),
          el("button", { type: "button", class: "small danger-quiet", title: words, "aria-label": words, click: () => this.ask(() => this.api.removeLayout(layout.name)) }, icon("trash")),
        );
      }),
    );
    show(byId("own-layouts"), this.own.length > 0);
  }
}
