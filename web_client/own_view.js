// What I see in a call: everybody, one person, another layout; with or without myself; and the camera of whom I see.

import { cameraPad } from "./camera_pad.js";
import { byId, show } from "./dom.js";
import { sendsChange, showValue } from "./fields.js";
import { t } from "./language.js";
import { layoutDrawing, layoutNow } from "./layout_pictures.js";
import { LayoutPicker } from "./layout_picker.js";
import { chosenWay, wayShown } from "./usual_choice.js";
import { fillViews, seenAlone, viewChange } from "./view_choice.js";

/** @typedef {import("./protocol.js").Participant} Participant */

/** What everybody sees, as it was before anything was chosen. */
const COMMON = { layout: null, watch: null, seating: null, hide_self: false, content_choice: "auto", forwarded: null };

export class OwnView {
  /**
   * @param {import("./call.js").Call} call
   * @param {import("./notices.js").Notices} notices
   * @param {AbortSignal} signal ends all listening
   */
  constructor(call, notices, signal) {
    this.call = call;
    this.notices = notices;
    this.select = /** @type {HTMLSelectElement} */ (byId("view-select"));
    this.dialog = /** @type {HTMLDialogElement} */ (byId("view-dialog"));
    this.select.addEventListener("change", () => this.chooseInList(), { signal });
    this.select.addEventListener("blur", () => this.draw(), { signal });
    byId("view-more").addEventListener("click", () => this.open(), { signal });
    signal.addEventListener("abort", () => this.dialog.close());
    this.picker = new LayoutPicker(byId("view-layouts"), (layout) => this.change({ layout }), signal);
    sendsChange("view-hide-self", (hide) => this.change({ hide_self: hide }), signal);
    sendsChange("view-content", (choice) => this.change({ content_choice: choice }), signal);
    sendsChange("view-seating", (mode) => this.change({ seating: mode ? { mode } : null }), signal);
    sendsChange("view-pictures", (choice) => this.change({ forwarded: chosenWay(choice) }), signal);
    byId("view-common").addEventListener("click", () => this.change(COMMON), { signal });
  }

  open() {
    this.drawDialog();
    this.dialog.showModal();
  }

  async chooseInList() {
    const { value } = this.select;
    this.select.blur();
    await this.change(viewChange(value));
  }

  /** @param {object} wanted */
  async change(wanted) {
    try {
      await this.call.api.changeParticipant(this.call.participantId, wanted);
    } catch (error) {
      console.warn("the view could not be chosen", error);
      this.notices.say(t("view.refused"));
    }
    this.draw();
  }

  draw() {
    const { conference, self } = this.call;
    if (!conference || !self) return;
    // Not under the hand that chooses.
    if (document.activeElement !== this.select) fillViews(this.select, self, conference, this.call.layouts.layouts);
    this.drawCamera(seenAlone(self, conference));
    if (this.dialog.open) this.drawDialog();
  }

  drawDialog() {
    const { conference, self } = this.call;
    if (!conference || !self) return;
    const { details = [] } = this.call.layouts;
    const chosen = self.watch ? null : (self.layout ?? conference.layout);
    this.picker.draw(details, chosen);
    byId("view-now").replaceChildren(layoutDrawing(layoutNow(details, chosen, conference)));
    show(byId("view-pictures-field"), self.has_slots ?? false);
    showValue("view-pictures", wayShown(self.forwarded, "one"));
    showValue("view-hide-self", self.hide_self ?? false);
    showValue("view-content", self.content_choice ?? "auto");
    showValue("view-seating", self.seating?.mode ?? "");
  }

  /** Keys for the camera of whom one sees alone, where it can be moved. @param {Participant|null} seen */
  drawCamera(seen) {
    const place = byId("view-camera");
    const wanted = seen?.camera_control ? `${seen.id} ${seen.name} ${seen.camera_presets} ${document.documentElement.lang}` : "";
    if (place.dataset.shows === wanted) return; // made anew only when it must be: the keyboard's place stays
    place.dataset.shows = wanted;
    show(place, wanted !== "");
    place.replaceChildren(...(seen && wanted ? [cameraPad(seen, (move) => this.moveCamera(seen.id, move))] : []));
  }

  /** @param {string} id @param {object} move */
  async moveCamera(id, move) {
    try {
      await this.call.api.moveCamera(id, move);
    } catch (error) {
      console.warn("the camera could not be moved", error);
      this.notices.say(t("camera.refused"));
    }
  }
}
