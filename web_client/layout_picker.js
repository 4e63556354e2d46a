// A list of layouts to choose from by their drawings. Arrow keys move in it, Enter or the space bar choose.

import { el } from "./dom.js";
import { t } from "./language.js";
import { GROUPS, groupOf, layoutDrawing, layoutName } from "./layout_pictures.js";

/** @typedef {import("./protocol.js").Layout} Layout */

export class LayoutPicker {
  /**
   * @param {HTMLElement} root
   * @param {(name: string) => void} choose
   * @param {AbortSignal} [signal] ends it
   */
  constructor(root, choose, signal) {
    this.root = root;
    this.choose = choose;
    this.drawn = "";
    root.classList.add("layout-picker");
    root.addEventListener("keydown", (event) => this.keyPressed(event), { signal });
    root.addEventListener("click", (event) => this.clicked(event), { signal });
  }

  /** @param {Layout[]} layouts @param {string|null} chosen */
  draw(layouts, chosen) {
    const wanted = JSON.stringify([layouts.map((layout) => layout.name), document.documentElement.lang]);
    if (wanted !== this.drawn) {
      this.drawn = wanted;
      const groups = GROUPS.map((group) => ({ group, members: layouts.filter((layout) => groupOf(layout) === group) }));
      this.root.replaceChildren(
        ...groups.filter(({ members }) => members.length).flatMap(({ group, members }) => [
          el("h4", { class: "layout-group" }, t(`layout.group_${group}`)),
          el(
            "div",
            { role: "listbox", "aria-label": t(`layout.group_${group}`), class: "layout-options" },
            ...(group === "equal" ? [this.option(null)] : []),
            ...members.map((layout) => this.option(layout)),
          ),
        ]),
      );
    }
    for (const list of this.root.querySelectorAll("[role=listbox]")) this.mark(list, chosen);
  }

  /** @param {Layout|null} layout */
  option(layout) {
    const name = layout?.name ?? "auto";
    return el(
      "div",
      { role: "option", class: "layout-option", "data-layout": name, tabindex: "-1", title: layoutName(name) },
      layoutDrawing(layout),
      el("span", {}, layoutName(name)),
    );
  }

  /** One place of each list can be reached by the tab key. @param {Element} list @param {string|null} chosen */
  mark(list, chosen) {
    const options = [.../** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("[role=option]"))];
    const focused = options.includes(/** @type {HTMLElement} */ (document.activeElement)) ? document.activeElement : null;
    const selected = options.find((option) => option.dataset.layout === chosen);
    for (const option of options) {
      option.setAttribute("aria-selected", String(option === selected));
      option.tabIndex = option === (focused ?? selected ?? options[0]) ? 0 : -1;
    }
  }

  clicked(/** @type {MouseEvent} */ event) {
    const option = /** @type {HTMLElement} */ (event.target).closest("[data-layout]");
    if (option) this.choose(option.getAttribute("data-layout") ?? "");
  }

  keyPressed(/** @type {KeyboardEvent} */ event) {
    const option = /** @type {HTMLElement} */ (event.target).closest("[role=option]");
    const list = option?.closest("[role=listbox]");
    if (!option || !list) return;
    const options = [.../** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("[role=option]"))];
    const at = options.indexOf(/** @type {HTMLElement} */ (option));
    const steps = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: options.length - 1 };
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.choose(option.getAttribute("data-layout") ?? "");
    } else if (event.key in steps) {
      event.preventDefault();
      const next = options[Math.max(0, Math.min(options.length - 1, steps[/** @type {keyof typeof steps} */ (event.key)]))];
      for (const other of options) other.tabIndex = other === next ? 0 : -1;
      next?.focus();
    }
  }
}
