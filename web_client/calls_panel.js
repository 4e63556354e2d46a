// Calls that a conference makes, on the control page: whom to call, and how each call stands.

import { byId, el, icon, setText, show } from "./dom.js";
import { errorText } from "./errors.js";
import { onLanguage, t } from "./language.js";

/** Between addresses of one list. */
const SEPARATORS = /[\s,;，；]+/;

/**
 * @typedef {import("./protocol.js").Conference} Conference
 * @typedef {import("./protocol.js").OutgoingCall} OutgoingCall
 *
 * @typedef {Object} CallActions
 * @property {(targets: string[], retries: number) => Promise<unknown>} place raises ApiError
 * @property {(id: string) => Promise<unknown>} cancel raises ApiError
 */

/** What a person typed as a list of addresses. @param {string} text */
export function targetsOf(text) {
  return [...new Set(text.split(SEPARATORS).filter(Boolean))];
}

export class CallsPanel {
  /** @param {CallActions} actions @param {AbortSignal} [signal] ends listening */
  constructor(actions, signal) {
    this.actions = actions;
    /** @type {Conference|null} */
    this.conference = null;
    /** @type {(() => string)|null} what was wrong, said anew in another language */
    this.complaint = null;
    this.targets = /** @type {HTMLInputElement} */ (byId("call-targets"));
    this.retries = /** @type {HTMLSelectElement} */ (byId("call-retries"));
    byId("call-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.place();
    });
    onLanguage(() => this.draw(this.conference), signal);
  }

  async place() {
    const targets = targetsOf(this.targets.value);
    if (targets.length === 0) return this.targets.focus();
    const button = /** @type {HTMLButtonElement} */ (byId("call-button"));
    button.disabled = true;
    try {
      await this.actions.place(targets, Number(this.retries.value));
      this.complaint = null;
      this.targets.value = "";
    } catch (error) {
      this.complaint = () => errorText(error);
      this.targets.focus();
    } finally {
      button.disabled = false;
      this.draw(this.conference);
    }
  }

  /** @param {string} id */
  async cancel(id) {
    try {
      await this.actions.cancel(id);
    } catch (error) {
      this.complaint = () => errorText(error);
      this.draw(this.conference);
    }
  }

  /** @param {Conference|null} conference */
  draw(conference) {
    if (conference?.number !== this.conference?.number) this.complaint = null;
    this.conference = conference;
    show(byId("call-error"), this.complaint !== null);
    setText(byId("call-error"), this.complaint ? this.complaint() : "");
    byId("calls").replaceChildren(...(conference?.calls ?? []).map((call) => this.line(call)));
  }

  /** @param {OutgoingCall} call */
  line(call) {
    const over = call.state === "failed";
    const words = t(over ? "calls.dismiss" : "calls.cancel", { name: call.name });
    const tries = call.attempts > 1 ? t("calls.attempt", { attempt: call.attempt, attempts: call.attempts }) : "";
    const why = call.status ? `${call.status} ${call.reason}` : call.reason;
    const facts = [t(`calls.${call.state}`), tries, call.state === "dialling" || call.state === "ringing" ? "" : why];
    return el(
      "li",
      { "data-call": call.id, "data-state": call.state },
      el("span", { class: "who" }, el("span", { class: "name" }, call.name), el("span", { class: "muted" }, facts.filter(Boolean).join(" · "))),
      el("button", { type: "button", class: "small", title: words, "aria-label": words, click: () => this.cancel(call.id) }, icon("remove")),
    );
  }
}
