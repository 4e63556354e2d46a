// Alarms as rows of a list, and in a sentence.

import { el } from "./dom.js";
import { formatShare } from "./endpoint_rows.js";
import { formatDate, t } from "./language.js";

/** @typedef {import("./gatekeeper_api.js").KnownAlarm} KnownAlarm */

/** @param {KnownAlarm} alarm */
export function alarmText(alarm) {
  const subject = alarm.subject.replace(/^(zone|class) /, (_, kind) => `${t(`endpoints.alarm_of_${kind}`)} `);
  const what = t(`endpoints.topic_${alarm.topic}`, { share: formatShare(alarm.figure), seconds: Math.round(alarm.figure) });
  return t("endpoints.alarm_line", { subject: alarm.name || subject, what });
}

/** The server's words are English; what it says of locked-out addresses, the page says in its own. */
const LOCKED_OUT = [
  ["messages are dropped", "endpoints.lockout_flood"],
  ["no password is tried", "endpoints.lockout_password"],
  ["strangers must show", "endpoints.lockout_numbers"],
];

/** @param {KnownAlarm} alarm */
function moreOf(alarm) {
  const key = LOCKED_OUT.find(([start]) => alarm.detail.startsWith(String(start)))?.[1];
  return key ? t(key) : "";
}

/** @param {KnownAlarm} alarm */
export function alarmRow(alarm) {
  return el(
    "li",
    { "data-topic": alarm.topic, "data-over": String(alarm.until !== null) },
    el("span", { class: "title" }, alarmText(alarm)),
    el("span", { class: "muted" }, [alarm.name ? alarm.subject : "", moreOf(alarm)].filter(Boolean).join(" · ")),
    el("span", { class: "muted time" }, alarm.until === null ? t("endpoints.since", { since: formatDate(alarm.since) }) : `${formatDate(alarm.since)} – ${formatDate(alarm.until)}`),
  );
}
