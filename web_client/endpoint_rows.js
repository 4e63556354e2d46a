// How a device, a call, a zone and a rule look on the page "/endpoints", and the words for them.

import { el } from "./dom.js";
import { formatDate, formatDuration, t } from "./language.js";

/** @typedef {import("./gatekeeper_api.js").CallRecord} CallRecord @typedef {import("./gatekeeper_api.js").StreamRecord} StreamRecord */

/** 1 936 000 → "1.9 Mbit/s". @param {number} rate bit/s */
export function formatRate(rate) {
  if (rate < 1_000_000) return `${Math.round(rate / 1000)} kbit/s`;
  return `${(rate / 1_000_000).toFixed(rate < 10_000_000 ? 1 : 0)} Mbit/s`;
}

/** 0.034 → "3.4 %". @param {number} share */
export function formatShare(share) {
  return `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

/** Facts as pairs, those without a value left out. @param {[string, string][]} pairs */
function facts(pairs) {
  const given = pairs.filter(([, value]) => value !== "");
  return el("dl", { class: "facts" }, ...given.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

/** @param {import("./gatekeeper_api.js").Endpoint} one @param {() => void} forget */
export function deviceRow(one, forget) {
  const model = [one.maker, one.model === one.maker ? "" : one.model, one.version].filter(Boolean).join(" ");
  const alarms = one.alarms.map((alarm) => el("span", { class: "alarm", "data-alarm": alarm.kind }, alarmText(alarm)));
  return el(
    "li",
    { "data-id": one.id, "data-state": one.state },
    el(
      "details",
      {},
      el(
        "summary",
        {},
        el("span", { class: "main" }, el("span", { class: "title" }, one.name || one.id), one.name ? el("span", { class: "muted" }, one.id) : null),
        el("span", { class: "model" }, model || t("endpoints.unknown_model")),
        el("span", { class: "place muted" }, [one.address, one.zone].filter(Boolean).join(" · ")),
        el("span", { class: "state" }, el("span", { class: "dot", "aria-hidden": "true" }), t(`endpoints.state_${one.state}`), ...alarms),
      ),
      facts([
        [t("endpoints.last_seen"), formatDate(one.last_seen)],
        [t("endpoints.first_seen"), formatDate(one.first_seen)],
        [t("endpoints.registered_until"), one.registered_until ? formatDate(one.registered_until) : ""],
        [t("endpoints.contact"), one.contact],
        [t("endpoints.transport"), one.transport.toUpperCase()],
        [t("endpoints.codecs"), one.codecs.join(", ")],
        [t("endpoints.methods"), one.methods.join(", ")],
        [t("endpoints.user_agent"), one.user_agent],
      ]),
      el(
        "p",
        { class: "row-actions" },
        el("a", { class: "button", href: `#calls=${encodeURIComponent(one.id)}` }, t("endpoints.show_calls", { count: one.calls })),
        one.state === "seen" || one.state === "unregistered" ? el("button", { type: "button", click: forget }, t("endpoints.forget")) : null,
      ),
    ),
  );
}

/** @param {import("./gatekeeper_api.js").Alarm} alarm */
function alarmText(alarm) {
  return t(`endpoints.alarm_${alarm.kind}`, { share: formatShare(alarm.figure), seconds: Math.round(alarm.figure), since: formatDate(alarm.since) });
}

/** @param {CallRecord} call */
export function callRow(call) {
  const state = call.ended_at === null ? "running" : call.answered_at === null ? "refused" : call.loss >= 0.03 ? "poor" : "good";
  const streams = /** @type {const} */ (["audio", "video", "content"]).filter((name) => call[name] !== null);
  const received = streams.reduce((sum, name) => sum + (call[name]?.rate_received ?? 0), 0);
  const sent = streams.reduce((sum, name) => sum + (call[name]?.rate_sent ?? 0), 0);
  return el(
    "li",
    { "data-id": call.id, "data-state": state },
    el(
      "details",
      {},
      el(
        "summary",
        {},
        el("span", { class: "main" }, el("span", { class: "title" }, call.name || call.endpoint), el("span", { class: "muted" }, directionText(call))),
        el("span", { class: "model" }, formatDate(call.began_at)),
        el("span", { class: "place muted" }, streams.length ? `↓ ${formatRate(received)} ↑ ${formatRate(sent)} · ${t("endpoints.loss_short", { share: formatShare(call.loss) })}` : ""),
        el("span", { class: "state" }, el("span", { class: "dot", "aria-hidden": "true" }), call.answered_at === null ? "" : formatDuration(call.duration), " ", endText(call)),
      ),
      facts([
        [t("endpoints.endpoint"), call.endpoint],
        [t("endpoints.address_from"), [call.address, call.zone].filter(Boolean).join(" · ")],
        [t("endpoints.user_agent"), call.user_agent],
        [t("endpoints.important"), call.important ? t("endpoints.yes") : ""],
        [t("endpoints.lowered"), call.lowered],
        [t("endpoints.end"), call.detail],
      ]),
      streams.length ? streamTable(streams.map((name) => [name, /** @type {StreamRecord} */ (call[name])])) : null,
    ),
  );
}

/** @param {CallRecord} call */
function directionText(call) {
  const room = call.room && call.destination !== `room ${call.room}` ? ` → ${t("call.room", { number: call.room })}` : "";
  const where = call.destination.startsWith("room ") ? t("call.room", { number: call.destination.slice(5) }) : call.destination === "menu" ? t("endpoints.menu") : call.destination;
  return call.direction === "out" ? t("endpoints.called", { name: call.endpoint }) + room : `${call.dialled || "–"}${where && call.dialled !== where ? ` → ${where}` : ""}${room}`;
}

/** @param {CallRecord} call */
function endText(call) {
  if (call.ended_at === null) return t("endpoints.running");
  return t(`endpoints.reason_${call.reason}`) + (call.status ? ` (${call.status})` : "");
}

/** @param {[string, StreamRecord][]} streams */
function streamTable(streams) {
  const head = ["stream", "codec", "received", "sent", "loss", "jitter", "round_trip"];
  return el(
    "div",
    { class: "streams" },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, ...head.map((name) => el("th", { scope: "col" }, t(`endpoints.col_${name}`))))),
      el(
        "tbody",
        {},
        ...streams.map(([name, one]) =>
          el(
            "tr",
            {},
            el("th", { scope: "row" }, t(`endpoints.stream_${name}`)),
            el("td", {}, [...new Set([one.codec_received, one.codec_sent])].filter(Boolean).join(" / ")),
            el("td", {}, formatRate(one.rate_received)),
            el("td", {}, formatRate(one.rate_sent)),
            el("td", {}, formatShare(one.packets_lost / Math.max(1, one.packets_lost + one.packets_received)), one.remote_loss ? ` / ${formatShare(one.remote_loss)}` : null),
            el("td", {}, `${one.jitter_ms.toFixed(0)} / ${one.worst_jitter_ms.toFixed(0)} ms`),
            el("td", {}, one.round_trip_ms === null ? "–" : `${one.round_trip_ms.toFixed(0)} ms`),
          ),
        ),
      ),
    ),
  );
}

/** What can be done with an entry. @param {string} name @param {() => void} edit @param {(() => void)|null} remove */
function entryActions(name, edit, remove) {
  return el(
    "p",
    { class: "entry-actions" },
    el("button", { type: "button", "aria-haspopup": "dialog", "aria-label": t("endpoints.edit_named", { name }), click: edit }, t("endpoints.edit")),
    remove && el("button", { type: "button", class: "danger-quiet", "aria-label": t("endpoints.remove_named", { name }), click: remove }, t("endpoints.remove")),
  );
}

/** A zone or a class of devices. @param {import("./gatekeeper_api.js").Zone} zone @param {() => void} edit @param {() => void} remove */
export function zoneCard(zone, edit, remove) {
  const { total, reserved, each, over, making_room } = zone.budget;
  const share = total ? Math.min(1, zone.rate / total) : 0;
  const members = zone.networks ?? zone.products ?? [];
  return el(
    "li",
    { class: "card zone", "data-zone": zone.name },
    el("h3", {}, zone.title || zone.name, zone.title ? el("span", { class: "muted" }, ` ${zone.name}`) : null),
    el("p", { class: "muted members" }, members.join(", ") || t(zone.networks ? "endpoints.everywhere" : "endpoints.no_products")),
    el("p", { class: "use" }, el("strong", {}, formatRate(zone.rate)), total === null ? ` ${t("endpoints.unlimited")}` : ` / ${formatRate(total)}`, el("span", { class: "muted" }, t("endpoints.calls_now", { count: zone.calls }))),
    total === null ? null : el("progress", { max: "1", value: String(share), "data-full": String(share >= 0.9), "aria-label": t("endpoints.used") }),
    facts([
      [t("endpoints.reserved"), reserved ? formatRate(reserved) : ""],
      [t("endpoints.each"), each === null ? "" : formatRate(each)],
      [t("endpoints.over"), total === null ? "" : t(`endpoints.over_${over}`)],
      [t("endpoints.making_room"), total === null ? "" : t(`endpoints.room_${making_room ?? "lower"}`)],
    ]),
    entryActions(zone.title || zone.name, edit, zone.name === "default" ? null : remove),
  );
}

/** @param {import("./gatekeeper_api.js").Rule} rule @param {() => void} edit @param {() => void} remove */
export function ruleRow(rule, edit, remove) {
  return el(
    "li",
    { "data-id": rule.id, "data-enabled": String(rule.enabled) },
    el("span", { class: "main" }, el("code", {}, rule.match), el("span", { class: "muted" }, t(`endpoints.kind_${rule.kind}`))),
    el("span", { class: "model" }, t(`endpoints.target_${rule.target}`, { value: rule.value })),
    el("span", { class: "place muted" }, [rule.id, rule.zones.join(", "), rule.note].filter(Boolean).join(" · ")),
    el(
      "span",
      { class: "state" },
      t("endpoints.priority", { priority: rule.priority }),
      rule.important ? el("span", { class: "alarm calm" }, t("endpoints.important")) : null,
      rule.enabled ? null : el("span", { class: "alarm calm" }, t("endpoints.off")),
    ),
    entryActions(rule.id, edit, remove),
  );
}

/** @param {import("./gatekeeper_api.js").DryRun} answer */
export function resultText({ destination, important }) {
  const text = t(`endpoints.goes_${destination.kind}`, { value: destination.value, status: destination.status ?? "" });
  return important ? `${text} ${t("endpoints.is_important")}` : text;
}

/** @param {import("./gatekeeper_api.js").DryRun} answer */
export function bandwidthText({ bandwidth }) {
  if (bandwidth === null) return "";
  const others = [
    bandwidth.lowered ? t("endpoints.would_lower_others", { count: bandwidth.lowered }) : "",
    bandwidth.ended ? t("endpoints.would_end_others", { count: bandwidth.ended }) : "",
  ].filter(Boolean);
  if (bandwidth.allowed && !bandwidth.shortage) return others.join(" ");
  return [...others, shortageText(bandwidth)].join(" ");
}

/** @param {{allowed: boolean, picture: number, wished: number}} bandwidth */
function shortageText(bandwidth) {
  return t(bandwidth.allowed ? "endpoints.would_lower" : "endpoints.would_refuse", { rate: formatRate(bandwidth.picture), wished: formatRate(bandwidth.wished) });
}

/** A step in the page's language. @param {{kind: string, values: Record<string, string>, text: string}} step */
export function stepText(step) {
  const values = { ...step.values };
  if (values.kind) values.kind = t(`endpoints.kind_${values.kind}`);
  return t(`endpoints.step_${step.kind}`, values);
}
