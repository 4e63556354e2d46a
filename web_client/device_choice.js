// The lists in which a device is chosen; used by the preview and in the call.

import { el } from "./dom.js";
import { t } from "./language.js";

/** @typedef {import("./devices.js").Kind} Kind */

/**
 * Fill the lists with what is plugged in, and mark what is in use.
 * @param {Record<Kind, HTMLSelectElement>} selects
 * @param {import("./devices.js").Devices} devices
 */
export async function fillDeviceLists(selects, devices) {
  const found = await devices.list();
  for (const kind of /** @type {Kind[]} */ (["audio", "video"])) {
    const select = selects[kind];
    const used = devices.tracks[kind]?.getSettings().deviceId ?? devices.chosen[kind];
    const options = found[kind].map((device, index) =>
      el("option", { value: device.deviceId }, device.label || t(`device.numbered_${kind}`, { index: index + 1 })),
    );
    if (options.length === 0) {
      const denied = devices.absence[kind] === "denied" || devices.absence[kind] === "insecure";
      options.push(el("option", { value: "" }, t(denied ? "device.denied" : "device.none")));
    }
    select.replaceChildren(...options);
    select.disabled = found[kind].length === 0;
    if (found[kind].some((device) => device.deviceId === used)) select.value = used;
  }
}
