// How loud I hear a call, and whether my sound is left as it is: in the dialog of devices.

import { byId, setText, show } from "./dom.js";
import { errorText } from "./errors.js";
import { sendsChange, showValue } from "./fields.js";
import { chosenWay, wayShown } from "./usual_choice.js";

export class OwnSound {
  /**
   * @param {import("./call.js").Call} call
   * @param {import("./notices.js").Notices} notices
   * @param {AbortSignal} signal ends all listening
   */
  constructor(call, notices, signal) {
    this.call = call;
    this.notices = notices;
    this.gain = /** @type {HTMLInputElement} */ (byId("own-listen_gain"));
    sendsChange("own-listen_gain", (value) => this.change({ listen_gain: value }), signal);
    sendsChange("own-music", (value) => this.change({ music: value }), signal);
    sendsChange("own-voices", (value) => this.change({ forwarded_sound: chosenWay(value) }), signal);
    this.gain.addEventListener("input", () => this.drawGain(), { signal });
  }

  /** @param {object} wanted */
  async change(wanted) {
    try {
      await this.call.api.changeParticipant(this.call.participantId, wanted);
    } catch (error) {
      this.notices.say(errorText(error));
    }
    this.draw();
  }

  draw() {
    const { self } = this.call;
    if (!self) return;
    showValue("own-listen_gain", self.listen_gain ?? 0);
    showValue("own-music", self.music ?? false);
    show(byId("own-voices-field"), self.has_voices ?? false);
    showValue("own-voices", wayShown(self.forwarded_sound, "mixed"));
    this.drawGain();
  }

  drawGain() {
    const value = Number(this.gain.value);
    const words = `${value > 0 ? "+" : ""}${value} dB`;
    setText(byId("own-listen_gain-value"), words);
    this.gain.setAttribute("aria-valuetext", words);
  }
}
