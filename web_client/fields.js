// Fields that send what is chosen at once, and show what the server says except under the hand that changes them.

import { byId } from "./dom.js";

/** @typedef {HTMLInputElement|HTMLSelectElement} Field */

/** @param {Field} field @returns {string|number|boolean} */
function valueOf(field) {
  if (field.type === "checkbox") return /** @type {HTMLInputElement} */ (field).checked;
  return field.type === "number" || field.type === "range" ? Number(field.value) : field.value;
}

/**
 * Send each change of a field, if the field accepts it; else it goes back to what it showed.
 * @param {string} id
 * @param {(value: any) => unknown} send
 * @param {AbortSignal} [signal] ends it
 */
export function sendsChange(id, send, signal) {
  const field = /** @type {Field} */ (byId(id));
  const changed = () => {
    if (field.reportValidity()) send(valueOf(field));
  };
  field.addEventListener("change", changed, { signal });
}

/** @param {string} id @param {string|number|boolean} value */
export function showValue(id, value) {
  const field = /** @type {Field} */ (byId(id));
  if (typeof value === "boolean") /** @type {HTMLInputElement} */ (field).checked = value;
  else if (document.activeElement !== field) field.value = String(value);
}
