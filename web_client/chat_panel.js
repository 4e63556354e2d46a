// The chat in a call: what was written, and a line to write. Text only, shown as text.

import { byId, el, setText, show } from "./dom.js";
import { errorText } from "./errors.js";
import { formatTime, onLanguage, t } from "./language.js";

/** Older messages are forgotten by the page, as they are by the server. */
const MAXIMUM_MESSAGES = 200;

/** @typedef {import("./protocol.js").ChatMessage} ChatMessage */

export class ChatPanel {
  /** @param {import("./call.js").Call} call @param {AbortSignal} signal ends its listeners */
  constructor(call, signal) {
    this.call = call;
    this.panel = byId("chat-panel");
    this.button = byId("chat-button");
    this.list = byId("chat-messages");
    this.input = /** @type {HTMLTextAreaElement} */ (byId("chat-text"));
    this.problem = byId("chat-error");
    /** @type {Map<string, ChatMessage>} by id, oldest first */
    this.messages = new Map();
    this.unread = 0;
    this.isOpen = false;
    this.list.replaceChildren();
    const options = { signal };
    this.button.addEventListener("click", () => this.toggle(), options);
    byId("chat-close").addEventListener("click", () => this.toggle(), options);
    byId("chat-form").addEventListener("submit", (event) => this.submitted(event), options);
    this.input.addEventListener("keydown", (event) => this.keyPressed(event), options);
    call.addEventListener("chat", (event) => this.received(/** @type {CustomEvent} */ (event).detail), options);
    // Whoever comes back has missed something.
    call.addEventListener("stream", () => this.catchUp(), options);
    onLanguage(() => this.draw(), signal);
    this.catchUp();
    this.draw();
  }

  toggle() {
    this.isOpen = !this.isOpen;
    if (this.isOpen) this.unread = 0;
    this.draw();
    if (this.isOpen) this.input.focus();
    else this.button.focus({ preventScroll: true });
  }

  /** Fetch what was written before we came, or while we were away. */
  async catchUp() {
    try {
      const { messages } = await this.call.api.chat(this.call.number);
      const news = messages.filter((message) => !this.messages.has(message.id));
      for (const message of news) this.keep(message);
      if (news.length > 0) this.draw();
    } catch (error) {
      console.warn("the chat is not known", error);
    }
  }

  /** @param {ChatMessage} message */
  received(message) {
    if (this.messages.has(message.id)) return;
    this.keep(message);
    if (!this.isOpen && message.participant_id !== this.call.participantId) {
      this.unread += 1;
      this.call.tell("written", message);
    }
    this.draw();
  }

  /** @param {ChatMessage} message */
  keep(message) {
    this.messages.set(message.id, message);
    const [oldest] = this.messages.keys();
    if (this.messages.size > MAXIMUM_MESSAGES && oldest !== undefined) this.messages.delete(oldest);
  }

  /** Enter sends, with Shift it begins a new line; not while Chinese is being composed. @param {KeyboardEvent} event */
  keyPressed(event) {
    if (event.key === "Escape") this.toggle();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    /** @type {HTMLFormElement} */ (byId("chat-form")).requestSubmit();
  }

  /** @param {Event} event */
  async submitted(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (!text || this.isSending) return;
    this.isSending = true;
    try {
      const message = await this.call.api.say(this.call.number, text);
      this.received(message);
      if (this.input.value.trim() === text) this.input.value = "";
      show(this.problem, false);
    } catch (error) {
      setText(this.problem, errorText(error));
      show(this.problem, true);
    } finally {
      this.isSending = false;
    }
  }

  draw() {
    show(this.panel, this.isOpen);
    this.button.setAttribute("aria-expanded", String(this.isOpen));
    const text = this.button.querySelector(".text");
    if (text) setText(text, this.unread > 0 ? t("chat.unread", { count: this.unread }) : t("chat.title"));
    this.button.dataset.unread = String(this.unread);
    if (!this.isOpen) return;
    show(byId("chat-empty"), this.messages.size === 0);
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    const shown = new Set([...this.list.children].map((line) => line.getAttribute("data-message")));
    for (const [id, message] of this.messages) if (!shown.has(id)) this.list.append(this.line(message));
    for (const line of [...this.list.children]) {
      if (!this.messages.has(line.getAttribute("data-message") ?? "")) line.remove();
    }
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  /** @param {ChatMessage} message */
  line(message) {
    const own = message.participant_id === this.call.participantId;
    return el(
      "li",
      { "data-message": message.id, "data-own": String(own) },
      el("span", { class: "chat-who" }, message.name, " ", el("time", { datetime: message.at }, formatTime(message.at))),
      el("span", { class: "chat-words" }, message.text),
    );
  }
}
