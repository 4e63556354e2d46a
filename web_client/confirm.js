// "Are you sure?" for what cannot be undone.

import { el } from "./dom.js";
import { t } from "./language.js";

/**
 * @param {{title: string, text: string, button: string}} question in the page's language; button names what will be done
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, button }) {
  const cancel = el("button", { value: "", class: "cancel" }, t("dialog.cancel"));
  const dialog = /** @type {HTMLDialogElement} */ (
    el(
      "dialog",
      { class: "confirm", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
      el(
        "form",
        { method: "dialog" },
        el("h2", { id: "confirm-title" }, title),
        el("p", { id: "confirm-text" }, text),
        el("div", { class: "dialog-buttons" }, cancel, el("button", { value: "yes", class: "danger", id: "confirm-button" }, button)),
      ),
    )
  );
  document.body.append(dialog);
  dialog.showModal();
  cancel.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
