// Keys that move a room's camera from afar.

import { el } from "./dom.js";
import { t } from "./language.js";

/** @typedef {import("./protocol.js").Participant} Participant */

/** One press moves for so long: small enough to aim, large enough to get there. */
const PRESS_SECONDS = 0.4;

/** Presets that are offered while a room has not told how many it has. */
const USUAL_PRESETS = 6;

/** The preset chosen last for each person: lines of the list are made anew all the time. @type {Map<string, string>} */
const chosenPresets = new Map();

/** @type {[string, string, Record<string, number>][]} the sign, the key of its words below "camera.", what it asks for */
const KEYS = [
  ["←", "left", { pan: -1 }],
  ["→", "right", { pan: 1 }],
  ["↑", "up", { tilt: 1 }],
  ["↓", "down", { tilt: -1 }],
  ["＋", "closer", { zoom: 1 }],
  ["－", "wider", { zoom: -1 }],
];

/**
 * @param {Participant} person whose camera it is
 * @param {(move: object) => unknown} move asks for it
 * @returns {HTMLElement}
 */
export function cameraPad(person, move) {
  const presets = /** @type {HTMLSelectElement} */ (
    el("select", {
      id: `preset-${person.id}`,
      "aria-label": t("camera.preset"),
      change: () => chosenPresets.set(person.id, presets.value),
    })
  );
  const count = person.camera_presets || USUAL_PRESETS;
  presets.append(...Array.from({ length: count }, (_, number) => el("option", { value: String(number) }, String(number + 1))));
  presets.value = chosenPresets.get(person.id) ?? "0";
  const chosen = () => Number(presets.value);
  const key = (/** @type {string} */ sign, /** @type {string} */ name, /** @type {() => object} */ request) =>
    el(
      "button",
      {
        type: "button",
        id: `camera-${name}-${person.id}`,
        "data-camera": name,
        title: t(`camera.${name}`, { name: person.name }),
        "aria-label": t(`camera.${name}`, { name: person.name }),
        click: () => move(request()),
      },
      sign,
    );
  return el(
    "span",
    { class: "camera-pad", role: "group", "aria-label": t("camera.label", { name: person.name }) },
    ...KEYS.map(([sign, name, directions]) => key(sign, name, () => ({ action: "move", seconds: PRESS_SECONDS, ...directions }))),
    presets,
    key(t("camera.go"), "activate", () => ({ action: "activate_preset", preset: chosen() })),
    key(t("camera.keep"), "store", () => ({ action: "store_preset", preset: chosen() })),
  );
}
