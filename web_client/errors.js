// What a refusal means, in the words of the page.

import { t } from "./language.js";
import { ApiError } from "./protocol.js";

/** Refusals with words of their own, by their code. @type {Record<string, string>} */
const BY_CODE = {
  unknown_room: "error.unknown_room",
  wrong_pin: "error.wrong_pin",
  full: "error.full",
  locked: "error.locked",
  media: "error.media",
  offer_not_acceptable: "error.media",
  malformed_sdp: "error.media",
  conference_ended: "ended.conference_ended",
  unreachable: "error.unreachable",
  too_many_attempts: "error.too_many",
  wrong_credentials: "error.wrong_credentials",
  number_taken: "error.number_taken",
  call_not_allowed: "error.call_not_allowed",
  already_calling: "error.already_calling",
  too_many_messages: "error.too_many_messages",
  already_recording: "error.already_recording",
  recording_in_progress: "error.recording_in_progress",
  muted_by_chair: "error.muted_by_chair",
  in_use: "error.in_use",
  name_taken: "error.name_taken",
  too_many_views: "error.too_many_views",
  capacity: "error.capacity",
  bad_logo: "error.bad_logo",
  too_many_logos: "error.too_many_logos",
};

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
  return t(BY_CODE[code] ?? BY_STATUS[status] ?? "error.other", { code });
}

/** @param {unknown} error anything that was caught; what is no refusal is a fault of the page and goes to the console */
export function errorText(error) {
  if (error instanceof ApiError) return reasonText(error.code, error.status);
  console.error(error);
  return t("error.other", { code: error instanceof Error ? error.name : "?" });
}
