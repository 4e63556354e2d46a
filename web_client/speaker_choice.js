// Where the sound comes out, in browsers that let a page choose.

import { byId, el, show } from "./dom.js";
import { t } from "./language.js";

const REMEMBERED = "consilium.speaker";

export class SpeakerChoice {
  /** @param {() => HTMLMediaElement[]} players what plays sound now, the main one first */
  constructor(players) {
    this.players = players;
    this.select = /** @type {HTMLSelectElement} */ (byId("call-speaker-select"));
    this.select.onchange = () => this.choose(this.select.value);
  }

  async draw() {
    const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    const speakers = all.filter((device) => device.kind === "audiooutput" && device.deviceId !== "");
    show(byId("speaker-field"), speakers.length > 0 && "setSinkId" in HTMLMediaElement.prototype);
    this.select.replaceChildren(
      ...speakers.map((device) => el("option", { value: device.deviceId }, device.label || t("device.default"))),
    );
    const wanted = localStorage.getItem(REMEMBERED) ?? "default";
    if (speakers.some((device) => device.deviceId === wanted)) this.select.value = wanted;
  }

  async choose(/** @type {string} */ id) {
    localStorage.setItem(REMEMBERED, id);
    try {
      for (const player of this.players()) await player.setSinkId(id);
    } catch (error) {
      console.warn("the speaker cannot be used", error);
    }
  }
}
