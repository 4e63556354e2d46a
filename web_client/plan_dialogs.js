// Zones, classes of devices and rules of the number plan, made and changed in dialogs.

import { el, setText, show } from "./dom.js";
import { errorText } from "./errors.js";
import { t } from "./language.js";
import { ApiError } from "./protocol.js";

/** @typedef {import("./gatekeeper_api.js").Zone} Zone @typedef {import("./gatekeeper_api.js").Rule} Rule @typedef {import("./gatekeeper_api.js").Budget} Budget */

const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const KINDS = ["exact", "prefix", "pattern", "expression"];
const TARGETS = ["room", "person", "endpoint", "access", "refuse", "rewrite"];
const WITHOUT_VALUE = ["access", "refuse"];

/** @type {Budget} */
const NO_BUDGET = { total: null, reserved: 0, each: null, least: 128_000, over: "lower", making_room: "lower" };

/** @param {string} id @param {string} key @param {HTMLElement} input @param {string} [hint] */
function field(id, key, input, hint) {
  input.id = id;
  if (!hint) return [el("label", { for: id }, t(key)), input];
  input.setAttribute("aria-describedby", `${id}-hint`);
  return [el("label", { for: id }, t(key)), input, el("p", { class: "hint", id: `${id}-hint` }, t(hint))];
}

/** @param {string} value @param {Record<string, string|boolean|null>} [more] */
function text(value, more = {}) {
  const input = /** @type {HTMLInputElement} */ (el("input", { autocomplete: "off", spellcheck: "false", ...more }));
  input.value = value;
  return input;
}

/** Lines of text, one entry each. @param {string[]} entries */
function lines(entries) {
  const input = /** @type {HTMLTextAreaElement} */ (el("textarea", { rows: String(Math.min(6, Math.max(2, entries.length + 1))), spellcheck: "false" }));
  input.value = entries.join("\n");
  return input;
}

/** @param {HTMLTextAreaElement} input */
function entriesOf(input) {
  return input.value.split(/[\n,]/).map((line) => line.trim()).filter(Boolean);
}

/** @param {string} value @param {[string, string][]} options value and words */
function choice(value, options) {
  const input = /** @type {HTMLSelectElement} */ (el("select", {}, ...options.map(([one, words]) => el("option", { value: one }, words))));
  input.value = value;
  return input;
}

/** @param {boolean} on @param {string} key */
function check(on, key) {
  const input = /** @type {HTMLInputElement} */ (el("input", { type: "checkbox" }));
  input.checked = on;
  return { input, row: el("label", { class: "check" }, input, t(key)) };
}

/** A number of bits a second, written in a larger unit; empty is null. @param {number|null} rate @param {number} unit */
function rateField(rate, unit) {
  return text(rate === null ? "" : String(rate / unit), { type: "number", min: "0", step: "any", inputmode: "decimal" });
}

/** @param {HTMLInputElement} input @param {number} unit @returns {number|null} */
function rateOf(input, unit) {
  return input.value.trim() === "" ? null : Math.round(Number(input.value) * unit);
}

/** @param {Budget} budget */
function budgetFields(budget) {
  const total = rateField(budget.total, 1_000_000);
  const reserved = rateField(budget.reserved || null, 1_000_000);
  const each = rateField(budget.each, 1_000_000);
  const least = rateField(budget.least, 1000);
  const over = choice(budget.over, [["lower", t("endpoints.over_lower")], ["refuse", t("endpoints.over_refuse")]]);
  const room = choice(budget.making_room ?? "lower", [["lower", t("endpoints.room_lower")], ["end", t("endpoints.room_end")], ["never", t("endpoints.room_never")]]);
  const rows = el(
    "fieldset",
    { class: "pairs" },
    el("legend", {}, t("endpoints.bandwidth")),
    el("div", {}, ...field("entry-total", "endpoints.total", total, "endpoints.total_hint")),
    el("div", {}, ...field("entry-reserved", "endpoints.reserved_rate", reserved)),
    el("div", {}, ...field("entry-each", "endpoints.each_rate", each)),
    el("div", {}, ...field("entry-least", "endpoints.least", least)),
    el("div", {}, ...field("entry-over", "endpoints.over", over)),
    el("div", {}, ...field("entry-room", "endpoints.making_room", room)),
  );
  const collect = () => ({
    total: rateOf(total, 1_000_000),
    reserved: rateOf(reserved, 1_000_000) ?? 0,
    each: rateOf(each, 1_000_000),
    least: rateOf(least, 1000) ?? NO_BUDGET.least,
    over: over.value,
    making_room: room.value,
  });
  return { rows, collect };
}

/**
 * A dialog that stays until what was entered is kept, or given up.
 * @param {string} title @param {Node[]} rows @param {() => HTMLElement|null} missing the first field that must be filled
 * @param {() => Promise<unknown>} save
 * @returns {Promise<boolean>} whether it was kept
 */
function entryDialog(title, rows, missing, save) {
  const error = el("p", { class: "error", id: "entry-error", role: "alert", hidden: true });
  const button = /** @type {HTMLButtonElement} */ (el("button", { class: "primary", id: "entry-save", type: "submit" }, t("endpoints.save")));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const empty = missing();
    if (empty) {
      setText(error, t("endpoints.needed"));
      show(error, true);
      empty.focus();
      return;
    }
    button.disabled = true;
    try {
      await save();
      dialog.close("kept");
    } catch (refusal) {
      // What is wrong with an entry only the server can say, and it says it in English.
      const detail = refusal instanceof ApiError && refusal.status === 422 ? refusal.detail : "";
      setText(error, detail ? `${t("endpoints.refused_entry")} ${detail}` : errorText(refusal));
      show(error, true);
    } finally {
      button.disabled = false;
    }
  };
  const cancel = el("button", { type: "button", click: () => dialog.close("") }, t("dialog.cancel"));
  const dialog = /** @type {HTMLDialogElement} */ (
    el(
      "dialog",
      { class: "entry", "aria-labelledby": "entry-title" },
      el("form", { novalidate: true, submit }, el("h2", { id: "entry-title" }, title), ...rows, error, el("div", { class: "dialog-buttons" }, cancel, button)),
    )
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "kept");
    });
  });
}

/** @param {import("./gatekeeper_api.js").GatekeeperApi} gatekeeper @param {Zone|null} zone null: a new one */
export function editZone(gatekeeper, zone) {
  const name = text(zone?.name ?? "", { maxlength: "64" });
  const title = text(zone?.title ?? "", { maxlength: "128" });
  const networks = lines(zone?.networks ?? []);
  const habits = zone?.habits ?? { country_code: "", outside_prefix: "", international_prefix: "00", trunk_prefix: "0", shortest_outside: 7 };
  const digits = { maxlength: "8", inputmode: "numeric" };
  const country = text(habits.country_code, digits);
  const outside = text(habits.outside_prefix, digits);
  const international = text(habits.international_prefix, digits);
  const trunk = text(habits.trunk_prefix, digits);
  const shortest = text(String(habits.shortest_outside), { type: "number", min: "3", max: "15" });
  const budget = budgetFields(zone?.budget ?? NO_BUDGET);
  const strangers = choice(zone?.unregistered ?? "", ["", "allow", "challenge", "refuse"].map((one) => [one, t(`endpoints.strangers_${one || "settings"}`)]));
  const rows = [
    ...(zone ? [] : field("entry-name", "endpoints.entry_name", name, "endpoints.name_hint")),
    ...field("entry-title-text", "endpoints.entry_title", title),
    ...(zone?.name === "default" ? [] : field("entry-networks", "endpoints.networks", networks, "endpoints.networks_hint")),
    budget.rows,
    ...field("entry-strangers", "endpoints.strangers", strangers),
    el(
      "fieldset",
      { class: "pairs" },
      el("legend", {}, t("endpoints.habits")),
      el("div", {}, ...field("entry-country", "endpoints.country_code", country, "endpoints.country_hint")),
      el("div", {}, ...field("entry-outside", "endpoints.outside_prefix", outside)),
      el("div", {}, ...field("entry-international", "endpoints.international_prefix", international)),
      el("div", {}, ...field("entry-trunk", "endpoints.trunk_prefix", trunk)),
      el("div", {}, ...field("entry-shortest", "endpoints.shortest_outside", shortest)),
    ),
  ];
  const save = () =>
    gatekeeper.putZone(zone?.name ?? name.value.trim(), {
      title: title.value.trim(),
      networks: entriesOf(networks),
      habits: {
        country_code: country.value.trim(),
        outside_prefix: outside.value.trim(),
        international_prefix: international.value.trim(),
        trunk_prefix: trunk.value.trim(),
        shortest_outside: Number(shortest.value) || 7,
      },
      budget: budget.collect(),
      unregistered: strangers.value || null,
    });
  return entryDialog(zone ? t("endpoints.edit_zone", { name: zone.title || zone.name }) : t("endpoints.new_zone"), rows, () => (zone || NAME.test(name.value.trim()) ? null : name), save);
}

/** @param {import("./gatekeeper_api.js").GatekeeperApi} gatekeeper @param {Zone|null} sort null: a new one */
export function editClass(gatekeeper, sort) {
  const name = text(sort?.name ?? "", { maxlength: "64" });
  const title = text(sort?.title ?? "", { maxlength: "128" });
  const products = lines(sort?.products ?? []);
  const budget = budgetFields(sort?.budget ?? NO_BUDGET);
  const rows = [
    ...(sort ? [] : field("entry-name", "endpoints.entry_name", name, "endpoints.name_hint")),
    ...field("entry-title-text", "endpoints.entry_title", title),
    ...field("entry-products", "endpoints.products", products, "endpoints.products_hint"),
    budget.rows,
  ];
  const save = () => gatekeeper.putClass(sort?.name ?? name.value.trim(), { title: title.value.trim(), products: entriesOf(products), budget: budget.collect() });
  return entryDialog(sort ? t("endpoints.edit_class", { name: sort.title || sort.name }) : t("endpoints.new_class"), rows, () => (sort || NAME.test(name.value.trim()) ? null : name), save);
}

/** @param {import("./gatekeeper_api.js").GatekeeperApi} gatekeeper @param {Zone[]} zones @param {Rule|null} rule null: a new one */
export function editRule(gatekeeper, zones, rule) {
  const name = text(rule?.id ?? "", { maxlength: "64" });
  const kind = choice(rule?.kind ?? "exact", KINDS.map((one) => [one, t(`endpoints.kind_${one}`)]));
  const match = text(rule?.match ?? "", { maxlength: "256" });
  const target = choice(rule?.target ?? "room", TARGETS.map((one) => [one, t(`endpoints.to_${one}`)]));
  const value = text(rule?.value ?? "", { maxlength: "256" });
  const priority = text(String(rule?.priority ?? 100), { type: "number", min: "0", max: "10000" });
  const note = text(rule?.note ?? "", { maxlength: "256" });
  const important = check(rule?.important ?? false, "endpoints.make_important");
  const enabled = check(rule?.enabled ?? true, "endpoints.enabled");
  const chosen = zones.map((zone) => {
    const box = check(rule?.zones.includes(zone.name) ?? false, "");
    box.row.append(zone.title ? `${zone.title} (${zone.name})` : zone.name);
    return { name: zone.name, ...box };
  });
  const rows = [
    ...(rule ? [] : field("entry-name", "endpoints.entry_name", name, "endpoints.name_hint")),
    el(
      "div",
      { class: "pairs" },
      el("div", {}, ...field("entry-kind", "endpoints.rule_kind", kind)),
      el("div", {}, ...field("entry-match", "endpoints.rule_match", match)),
      el("div", {}, ...field("entry-target", "endpoints.rule_target", target)),
      el("div", {}, ...field("entry-value", "endpoints.rule_value", value)),
      el("div", {}, ...field("entry-priority", "endpoints.rule_priority", priority, "endpoints.priority_hint")),
      el("div", {}, ...field("entry-note", "endpoints.note", note)),
    ),
    el("fieldset", {}, el("legend", {}, t("endpoints.rule_zones")), ...chosen.map(({ row }) => row)),
    important.row,
    enabled.row,
  ];
  const missing = () => {
    if (!rule && !NAME.test(name.value.trim())) return name;
    if (!match.value.trim()) return match;
    return value.value.trim() || WITHOUT_VALUE.includes(target.value) ? null : value;
  };
  const save = () =>
    gatekeeper.putRule(rule?.id ?? name.value.trim(), {
      kind: kind.value,
      match: match.value.trim(),
      target: target.value,
      value: value.value.trim(),
      priority: priority.value.trim() === "" ? 100 : Number(priority.value),
      zones: chosen.filter(({ input }) => input.checked).map(({ name: zone }) => zone),
      important: important.input.checked,
      enabled: enabled.input.checked,
      note: note.value.trim(),
    });
  return entryDialog(rule ? t("endpoints.edit_rule", { name: rule.id }) : t("endpoints.new_rule"), rows, missing, save);
}
