// What a chair does from within its call: the control page's own parts, about this conference alone.

import { CallsPanel } from "./calls_panel.js";
import { ConferencePanel } from "./conference_panel.js";
import { confirmed } from "./confirm.js";
import { byId, show } from "./dom.js";
import { errorText } from "./errors.js";
import { onLanguage, t, translate } from "./language.js";
import { PersonDialog } from "./person_dialog.js";
import { PicturePanel } from "./picture_panel.js";

/** The page whose parts these are, so that there is one description of them. */
const CONTROL_PAGE = "/control";

export class ChairPanel {
  /**
   * @param {import("./call.js").Call} call
   * @param {import("./notices.js").Notices} notices
   * @param {AbortSignal} signal ends all listening, and takes the parts away
   */
  constructor(call, notices, signal) {
    this.call = call;
    this.notices = notices;
    this.signal = signal;
    this.button = /** @type {HTMLButtonElement} */ (byId("chair-button"));
    this.dialog = /** @type {HTMLDialogElement} */ (byId("chair-dialog"));
    /** @type {{panel: ConferencePanel, picture: PicturePanel, person: PersonDialog, calls: CallsPanel}|null} */
    this.parts = null;
    this.button.addEventListener("click", () => this.open(), { signal });
    signal.addEventListener("abort", () => this.remove());
    onLanguage(() => this.draw(), signal);
  }

  get isChair() {
    return this.call.self?.role === "chair";
  }

  async open() {
    this.button.disabled = true;
    try {
      if (!this.parts) await this.load();
      this.draw();
      this.dialog.showModal();
    } catch (error) {
      this.failed(error);
    } finally {
      this.button.disabled = false;
    }
  }

  /** Take the parts over from the control page, and make them work with the token of this call. */
  async load() {
    const response = await fetch(CONTROL_PAGE, { credentials: "same-origin", signal: this.signal });
    if (!response.ok) throw new Error(`the control page cannot be read: ${response.status}`);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const conference = page.getElementById("conference");
    const person = page.getElementById("person-dialog");
    if (!conference || !person) throw new Error("the control page has other parts than these");
    page.getElementById("recording-sign")?.removeAttribute("id"); // the call's own sign is drawn
    conference.classList.remove("card");
    byId("chair-place").replaceChildren(document.adoptNode(conference));
    document.body.append(document.adoptNode(person));
    show(conference, true);
    translate(conference);
    translate(person);
    const change = (/** @type {object} */ wanted) => this.act(() => this.call.api.changeConference(this.call.number, wanted));
    const changePerson = (/** @type {string} */ id, /** @type {object} */ wanted) => this.act(() => this.call.api.changeParticipant(id, wanted));
    const panel = new ConferencePanel(
      {
        change,
        changePerson,
        moveCamera: (id, move) => this.act(() => this.call.api.moveCamera(id, move)),
        record: (on) => this.act(() => (on ? this.call.api.startRecording(this.call.number) : this.call.api.stopRecording(this.call.number))),
        revokeFloor: () => this.act(() => this.call.api.revokeFloor(this.call.number)),
        kick: (one) => this.kick(one),
        settings: async (one) => {
          if (this.call.conference) this.parts?.person.open(one.id, this.call.conference, this.call.layouts);
        },
        end: () => this.end(),
      },
      this.signal,
    );
    const picture = new PicturePanel(change, this.call.api, (error) => this.failed(error));
    const calls = new CallsPanel(
      {
        place: (targets, retries) => this.call.api.placeCalls(this.call.number, targets, retries),
        cancel: (id) => this.call.api.cancelCall(this.call.number, id),
      },
      this.signal,
    );
    this.parts = { panel, picture, person: new PersonDialog(changePerson), calls };
    await picture.decoration.learn();
  }

  remove() {
    this.dialog.close();
    show(this.button, false);
    if (!this.parts) return;
    this.parts = null;
    byId("chair-place").replaceChildren();
    byId("person-dialog").remove();
  }

  draw() {
    const { conference } = this.call;
    show(this.button, this.isChair);
    if (!conference || !this.parts) return;
    if (!this.isChair && this.dialog.open) {
      this.dialog.close();
      this.notices.say(t("chair.over"));
      return;
    }
    const { panel, picture, person, calls } = this.parts;
    panel.layouts = this.call.layouts.layouts;
    picture.layouts = this.call.layouts;
    picture.decoration.api = this.call.api; // coming back gives another token
    panel.draw(conference);
    picture.draw(conference);
    person.draw(conference, this.call.layouts);
    calls.draw(conference);
  }

  /** Ask the server; what comes of it arrives as an event. @param {() => Promise<unknown>} request */
  async act(request) {
    try {
      await request();
    } catch (error) {
      this.failed(error);
    }
    this.draw();
  }

  failed(/** @type {unknown} */ error) {
    console.warn("refused", error);
    const place = byId("chair-error");
    place.textContent = errorText(error);
    show(place, true);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => show(place, false), 6000);
    if (!this.dialog.open) this.notices.say(errorText(error));
  }

  /** @param {import("./protocol.js").Participant} person */
  async kick(person) {
    const sure = await confirmed({
      title: t("control.kick_title", { name: person.name }),
      text: t("control.kick_text", { name: person.name }),
      button: t("control.kick_button"),
    });
    if (sure) await this.act(() => this.call.api.removeParticipant(person.id));
  }

  async end() {
    const sure = await confirmed({
      title: t("control.end_title"),
      text: t("control.end_text", { count: this.call.conference?.participants.length ?? 0 }),
      button: t("control.end"),
    });
    if (sure) await this.act(() => this.call.api.endConference(this.call.number, false));
  }
}
