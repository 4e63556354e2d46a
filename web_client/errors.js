// What a refusal means, in the words of the page.

import { t } from "./language.js";
import { ApiError } from "./protocol.js";

/** Texts that a refusal's own code selects. */
const BY_CODE = new Set(["unknown_room", "wrong_pin", "full", "locked", "media", "unreachable", "unsupported", "wrong_login"]);

/** Texts for codes we have no words for. @type {Record<number, string>} */
const BY_STATUS = {
  401: "error.unauthorized",
  403: "error.forbidden",
  404: "error.gone",
  409: "error.conflict",
  429: "error.too_many",
};

/** @param {string} code @param {number} [status] */
export function reasonText(code, status = 0) {
  if (BY_CODE.has(code)) return t(`error.${code}`);
  return t(BY_STATUS[status] ?? "error.other", { code });
}

/** @param {unknown} error anything that was caught; what is no refusal is a fault of the page and goes to the console */
export function errorText(error) {
  if (error instanceof ApiError) return reasonText(error.code, error.status);
  console.error(error);
  return t("error.other", { code: error instanceof Error ? error.name : "?" });
}
