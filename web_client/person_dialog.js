// One participant's place, pictures and sound, on the control page: role, tile, hidden, what it gets as it is, gains, music mode.

import { byId, el, setText, show } from "./dom.js";
import { sendsChange, showValue } from "./fields.js";
import { t } from "./language.js";
import { layoutDrawing, layoutNow } from "./layout_pictures.js";
import { chosenWay, wayShown } from "./usual_choice.js";

/**
 * @typedef {import("./protocol.js").Conference} Conference
 * @typedef {import("./protocol.js").LayoutList} LayoutList
 */

export class PersonDialog {
  /** @param {(id: string, change: object) => Promise<void>} changePerson */
  constructor(changePerson) {
    this.id = "";
    this.dialog = /** @type {HTMLDialogElement} */ (byId("person-dialog"));
    this.pin = /** @type {HTMLSelectElement} */ (byId("person-pin"));
    const send = (/** @type {object} */ change) => changePerson(this.id, change);
    sendsChange("person-role", (role) => send({ role }));
    sendsChange("person-hidden", (hidden) => send({ hidden }));
    sendsChange("person-music", (music) => send({ music }));
    sendsChange("person-pictures", (choice) => send({ forwarded: chosenWay(choice) }));
    sendsChange("person-voices", (choice) => send({ forwarded_sound: chosenWay(choice) }));
    sendsChange("person-pin", (tile) => send({ pin: tile === "" ? null : Number(tile) }));
    for (const name of ["gain", "listen_gain"]) {
      sendsChange(`person-${name}`, (value) => send({ [name]: value }));
      byId(`person-${name}`).addEventListener("input", () => this.drawGain(name));
    }
    this.dialog.addEventListener("close", () => {
      // The button that opened it was made anew meanwhile.
      document.getElementById(`settings-${this.id}`)?.focus();
      this.id = "";
    });
  }

  /** @param {string} id @param {Conference} conference @param {LayoutList} layouts */
  open(id, conference, layouts) {
    this.id = id;
    this.draw(conference, layouts);
    this.dialog.showModal();
  }

  /** @param {Conference|null} conference @param {LayoutList} layouts */
  draw(conference, layouts) {
    if (!this.id) return;
    const person = conference?.participants.find((one) => one.id === this.id);
    if (!conference || !person) {
      this.dialog.close(); // has left meanwhile
      return;
    }
    setText(byId("person-title"), person.name);
    showValue("person-role", person.role ?? "member");
    showValue("person-hidden", person.hidden ?? false);
    showValue("person-music", person.music ?? false);
    show(byId("person-pictures-field"), person.has_slots ?? false);
    showValue("person-pictures", wayShown(person.forwarded, "one"));
    show(byId("person-voices-field"), person.has_voices ?? false);
    showValue("person-voices", wayShown(person.forwarded_sound, "mixed"));
    for (const name of /** @type {const} */ (["gain", "listen_gain"])) {
      showValue(`person-${name}`, person[name] ?? 0);
      this.drawGain(name);
    }
    this.drawTiles(conference, layouts, person.pin ?? null);
  }

  /** @param {string} name */
  drawGain(name) {
    const value = Number(/** @type {HTMLInputElement} */ (byId(`person-${name}`)).value);
    const words = `${value > 0 ? "+" : ""}${value} dB`;
    setText(byId(`person-${name}-value`), words);
    byId(`person-${name}`).setAttribute("aria-valuetext", words);
  }

  /** The tiles of the layout as it is now, numbered as in the drawing. @param {Conference} conference @param {LayoutList} layouts @param {number|null} pin */
  drawTiles(conference, layouts, pin) {
    const layout = layoutNow(layouts.details ?? [], conference.layout, conference);
    const tiles = Math.max(layout?.cells.length ?? conference.participants.length, (pin ?? 0) + 1);
    show(byId("person-tiles"), layout !== null);
    byId("person-tiles").replaceChildren(...(layout ? [layoutDrawing(layout, { numbers: true })] : []));
    if (document.activeElement === this.pin) return;
    const numbers = Array.from({ length: tiles }, (_, index) => index);
    this.pin.replaceChildren(
      el("option", { value: "" }, t("person.no_tile")),
      ...numbers.map((index) => el("option", { value: String(index) }, t("person.tile", { index: index + 1 }))),
    );
    this.pin.value = pin === null ? "" : String(pin);
  }
}
