// Short messages over the picture; screen readers speak them, then they go.

import { el } from "./dom.js";

const SHOWN_MS = 5000;

/** More than this at once would cover the picture. */
const MAXIMUM_SHOWN = 3;

export class Notices {
  /** @param {HTMLElement} root a live region */
  constructor(root) {
    this.root = root;
  }

  /** @param {string} text */
  say(text) {
    const notice = el("p", { class: "notice" }, text);
    this.root.append(notice);
    while (this.root.children.length > MAXIMUM_SHOWN) this.root.firstElementChild?.remove();
    setTimeout(() => notice.remove(), SHOWN_MS);
  }

  clear() {
    this.root.replaceChildren();
  }
}
