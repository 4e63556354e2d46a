// Changing the own password.

import { el, setText, show } from "./dom.js";
import { errorText } from "./errors.js";
import { t } from "./language.js";
import { ApiError } from "./protocol.js";

const FIELDS = /** @type {const} */ ([
  ["old", "password.old", "current-password"],
  ["new", "password.new", "new-password"],
  ["again", "password.again", "new-password"],
]);

/**
 * @param {import("./protocol.js").Api} api
 * @param {string} account whose password it is; password managers want to know
 * @returns {Promise<boolean>} whether it was changed
 */
export function changePassword(api, account) {
  const [old, fresh, again] = FIELDS.map(([name, , autocomplete]) =>
    /** @type {HTMLInputElement} */ (el("input", { id: `password-${name}`, type: "password", autocomplete, maxlength: "256", required: true })),
  );
  if (!old || !fresh || !again) throw new Error("three fields are needed");
  const error = el("p", { id: "password-error", class: "error", role: "alert", hidden: true });
  const button = /** @type {HTMLButtonElement} */ (el("button", { id: "password-button", class: "primary", type: "submit" }, t("password.change")));

  /** @param {string} text @param {HTMLInputElement} field */
  const complain = (text, field) => {
    setText(error, text);
    show(error, true);
    field.select();
  };
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const empty = [old, fresh, again].find((field) => field.value === "");
    if (empty) return empty.focus();
    if (fresh.value !== again.value) return complain(t("password.different"), again);
    button.disabled = true;
    try {
      await api.changePassword(old.value, fresh.value);
      dialog.close("changed");
    } catch (refusal) {
      const code = refusal instanceof ApiError ? refusal.code : "";
      if (code === "wrong_credentials") complain(t("password.wrong"), old);
      else if (code === "weak_password") complain(t("password.weak"), fresh);
      else complain(errorText(refusal), old);
    } finally {
      button.disabled = false;
    }
  };

  const dialog = /** @type {HTMLDialogElement} */ (
    el(
      "dialog",
      { "aria-labelledby": "password-title" },
      el(
        "form",
        { novalidate: true, submit },
        el("h2", { id: "password-title" }, t("password.change")),
        el("input", { type: "text", autocomplete: "username", value: account, hidden: true }),
        ...FIELDS.flatMap(([name, key], index) => [el("label", { for: `password-${name}` }, t(key)), [old, fresh, again][index] ?? null]),
        el("p", { class: "hint" }, t("password.hint")),
        error,
        el(
          "div",
          { class: "dialog-buttons" },
          el("button", { type: "button", click: () => dialog.close("") }, t("dialog.cancel")),
          button,
        ),
      ),
    )
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "changed");
    });
  });
}
