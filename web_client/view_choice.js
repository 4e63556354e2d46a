// What somebody sees: everybody as the chair arranged it, everybody in another layout, or one person alone.

import { el } from "./dom.js";
import { t } from "./language.js";
import { layoutName } from "./layout_pictures.js";

/**
 * @typedef {import("./protocol.js").Conference} Conference
 * @typedef {import("./protocol.js").Participant} Participant
 */

/** The value of a choice that shows what this participant sees now. @param {Participant} participant */
export function viewValue(participant) {
  if (participant.watch) return `watch:${participant.watch}`;
  return participant.layout ? `layout:${participant.layout}` : "";
}

/** What to change of a participant for a chosen value. @param {string} value @returns {{layout: string|null} | {watch: string}} */
export function viewChange(value) {
  if (value.startsWith("watch:")) return { watch: value.slice("watch:".length) };
  return { layout: value.startsWith("layout:") ? value.slice("layout:".length) : null };
}

/**
 * Whose picture somebody has before it for certain: who is shown to all, whom it watches, who lectures. The server has the same rule.
 * @param {Participant} self
 * @param {Conference} conference
 * @returns {Participant|null}
 */
export function seenAlone(self, conference) {
  const { broadcast, participants, seating } = conference;
  const hasOwn = self.watch || self.layout || self.seating;
  const lecturer = seating?.mode === "lecture" && seating.lecturer !== self.id && !hasOwn ? seating.lecturer : null;
  const shown = broadcast && broadcast !== self.id ? broadcast : (self.watch ?? lecturer);
  const others = participants.filter((other) => other.id !== self.id);
  return others.find((other) => other.id === shown) ?? (!shown && others.length === 1 ? (others[0] ?? null) : null);
}

/**
 * Fill a list with all that a participant can choose to see.
 * @param {HTMLSelectElement} select
 * @param {Participant} participant
 * @param {Conference} conference
 * @param {string[]} layouts
 */
export function fillViews(select, participant, conference, layouts) {
  const others = conference.participants.filter((other) => other.id !== participant.id);
  const names = participant.layout && !layouts.includes(participant.layout) ? [...layouts, participant.layout] : layouts;
  select.replaceChildren(
    el("option", { value: "" }, t("view.common")),
    el("optgroup", { label: t("view.one") }, ...others.map((other) => el("option", { value: `watch:${other.id}` }, other.name))),
    el("optgroup", { label: t("view.layout") }, ...names.map((name) => el("option", { value: `layout:${name}` }, layoutName(name)))),
  );
  select.value = viewValue(participant);
}

/** Fill a list with whom everybody can be shown. @param {HTMLSelectElement} select @param {Conference} conference */
export function fillBroadcast(select, conference) {
  select.replaceChildren(
    el("option", { value: "" }, t("view.broadcast_none")),
    ...conference.participants.map((person) => el("option", { value: person.id }, person.name)),
  );
  select.value = conference.broadcast ?? "";
}
