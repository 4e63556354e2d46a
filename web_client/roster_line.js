// One line of the list of people in a call.

import { el, icon } from "./dom.js";
import { t } from "./language.js";

/**
 * @typedef {import("./protocol.js").Conference} Conference
 * @typedef {import("./protocol.js").Participant} Participant
 */

/** @param {Participant} participant @param {Conference} conference @param {string} ownId */
export function rosterLine(participant, conference, ownId) {
  const isSelf = participant.id === ownId;
  const signs = [];
  const held = participant.muted_by_chair ?? [];
  const { floor } = conference;
  if (floor?.holder === participant.id) signs.push(sign("share", t("person.sharing")));
  else if (floor?.queue.includes(participant.id)) signs.push(el("span", { class: "sign state" }, t("person.wants_to_share")));
  if (participant.state !== "connected") signs.push(el("span", { class: "sign state" }, t(`person.${participant.state}`)));
  if (!participant.has_audio) signs.push(sign("microphone-off", t("person.no_audio")));
  else if (participant.microphone_muted) signs.push(sign("microphone-off", t(held.includes("microphone") ? "person.muted_by_chair" : "person.microphone_muted")));
  else if (participant.speaking) signs.push(sign("speaker", t("person.speaking")));
  if (participant.camera_muted || !participant.has_video) signs.push(sign("camera-off", t("person.camera_muted")));
  if (participant.picture_limit) signs.push(el("span", { class: "sign state" }, t("person.lowered", { height: participant.picture_limit[1] })));
  return el(
    "li",
    { "data-participant": participant.id, "data-speaking": String(participant.speaking && !participant.microphone_muted) },
    el("span", { class: "initial", "aria-hidden": "true" }, [...participant.name.trim()][0]?.toUpperCase() ?? "?"),
    el("span", { class: "name" }, participant.name, isSelf ? el("span", { class: "you" }, ` ${t("call.you")}`) : null),
    el("span", { class: "signs" }, ...signs),
  );
}

/** @param {string} picture @param {string} words */
function sign(picture, words) {
  return el("span", { class: `sign ${picture}`, title: words }, icon(picture), el("span", { class: "unseen" }, words));
}
