// Pages for people with an account: who is logged in, the form when nobody is, logging out.

import { byId, el, setText, show } from "./dom.js";
import { errorText } from "./errors.js";
import { onLanguage, t, translate } from "./language.js";
import { Notices } from "./notices.js";
import { changePassword } from "./password_dialog.js";
import { ApiError } from "./protocol.js";

/**
 * Shows #content to people who are logged in, and a form in #login to all others.
 */
export class SessionGate {
  /**
   * @param {import("./protocol.js").Api} api
   * @param {{onOpen: () => void, onShut: () => void}} page told when somebody is logged in, and when nobody is any more
   */
  constructor(api, page) {
    this.api = api;
    this.page = page;
    this.isOpen = false;
    /** @type {unknown} */
    this.refusal = null;
    this.name = /** @type {HTMLInputElement} */ (el("input", { id: "login-name", name: "username", autocomplete: "username", required: true, maxlength: "64" }));
    this.password = /** @type {HTMLInputElement} */ (
      el("input", { id: "login-password", name: "password", type: "password", autocomplete: "current-password", required: true })
    );
    this.error = el("p", { id: "login-error", class: "error", role: "alert", hidden: true });
    this.button = /** @type {HTMLButtonElement} */ (el("button", { id: "login-button", class: "primary wide", type: "submit", "data-i18n": "login.button" }));
    byId("login").append(this.build());
    translate(byId("login"));
    byId("logout").addEventListener("click", () => this.logOut());
    byId("password").addEventListener("click", async () => {
      const changed = await changePassword(api, byId("user").textContent ?? "");
      if (changed) new Notices(byId("notices")).say(t("password.changed"));
    });
    onLanguage(() => this.draw());
  }

  build() {
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.logIn();
    };
    return el(
      "form",
      { class: "card login", novalidate: true, submit },
      el("h1", { "data-i18n": "login.title" }),
      el("p", { class: "muted", "data-i18n": "login.lead" }),
      el("label", { for: "login-name", "data-i18n": "login.name" }),
      this.name,
      el("label", { for: "login-password", "data-i18n": "login.password" }),
      this.password,
      this.error,
      this.button,
    );
  }

  async start() {
    try {
      this.open(await this.api.session());
    } catch (error) {
      this.refusal = error instanceof ApiError && error.isForgotten ? null : error;
      this.shut();
    }
  }

  async logIn() {
    if (!this.name.value.trim() || !this.password.value) {
      (this.name.value.trim() ? this.password : this.name).focus();
      return;
    }
    this.button.disabled = true;
    this.refusal = null;
    try {
      this.open(await this.api.logIn(this.name.value.trim(), this.password.value));
    } catch (error) {
      this.refusal = error;
      this.password.select();
      this.draw();
    } finally {
      this.button.disabled = false;
    }
  }

  async logOut() {
    try {
      await this.api.logOut();
    } catch (error) {
      if (!(error instanceof ApiError && error.isForgotten)) {
        this.refusal = error; // the cookie may still be good: say that logging out did not work
      }
    }
    this.shut();
  }

  /** For errors of the page's own requests: true when it was a session that has ended, and the form is shown. */
  hasEnded(/** @type {unknown} */ error) {
    if (!(error instanceof ApiError) || error.status !== 401) return false;
    this.refusal = error;
    this.shut();
    return true;
  }

  open(/** @type {{name: string}} */ session) {
    this.password.value = "";
    this.refusal = null;
    setText(byId("user"), session.name);
    this.isOpen = true;
    this.draw();
    this.page.onOpen();
  }

  shut() {
    const wasOpen = this.isOpen;
    this.isOpen = false;
    this.draw();
    if (wasOpen) this.page.onShut();
    this.name.focus();
  }

  draw() {
    document.body.dataset.session = this.isOpen ? "open" : "closed";
    show(byId("content"), this.isOpen);
    show(byId("account"), this.isOpen);
    show(byId("login"), !this.isOpen);
    show(this.error, this.refusal !== null);
    setText(this.error, this.refusal === null ? "" : errorText(this.refusal));
  }
}
