// Number plan, zones, endpoints and call records over the HTTP API. This file never touches the DOM.

import { API_ROOT } from "./protocol.js";

/**
 * @typedef {"loss"|"silent"|"unregistered"} AlarmKind
 * @typedef {{kind: AlarmKind, since: string, figure: number}} Alarm
 *
 * @typedef {Object} Endpoint
 * @property {string} id
 * @property {string} name
 * @property {string} address
 * @property {string} transport
 * @property {string} zone
 * @property {string} user_agent
 * @property {string} maker
 * @property {string} model
 * @property {string} version
 * @property {string[]} methods
 * @property {string[]} codecs
 * @property {string} contact
 * @property {string|null} registered_until
 * @property {string} first_seen
 * @property {string} last_seen
 * @property {number} calls
 * @property {Alarm[]} alarms
 * @property {"in_call"|"registered"|"unregistered"|"seen"} state
 *
 * @typedef {Object} StreamRecord
 * @property {string} codec_sent
 * @property {string} codec_received
 * @property {number} packets_received
 * @property {number} packets_lost
 * @property {number} rate_received         bit/s
 * @property {number} rate_sent             bit/s
 * @property {number} jitter_ms
 * @property {number} worst_jitter_ms
 * @property {number|null} round_trip_ms
 * @property {number} remote_loss           share of what we sent
 *
 * @typedef {Object} CallRecord
 * @property {string} id
 * @property {string} endpoint
 * @property {"in"|"out"} direction
 * @property {string} name
 * @property {string} dialled
 * @property {string} destination
 * @property {string} [room]                the conference that it came into
 * @property {string} zone
 * @property {string} address
 * @property {string} user_agent
 * @property {string} began_at
 * @property {string|null} answered_at
 * @property {string|null} ended_at
 * @property {string} reason
 * @property {string} detail
 * @property {number|null} status
 * @property {boolean} important
 * @property {string} lowered
 * @property {StreamRecord|null} audio
 * @property {StreamRecord|null} video
 * @property {StreamRecord|null} content
 * @property {number} duration              seconds
 * @property {number} loss                  share of packets
 *
 * @typedef {{total: number|null, reserved: number, each: number|null, least: number, over: string, making_room?: string}} Budget
 * @typedef {{country_code: string, outside_prefix: string, international_prefix: string, trunk_prefix: string, shortest_outside: number}} Habits
 * @typedef {{name: string, title: string, networks?: string[], products?: string[], habits?: Habits, unregistered?: string|null, budget: Budget, calls: number, rate: number}} Zone
 *
 * @typedef {Object} Rule
 * @property {string} id
 * @property {"exact"|"prefix"|"pattern"|"expression"} kind
 * @property {string} match
 * @property {"room"|"person"|"endpoint"|"access"|"refuse"|"rewrite"} target
 * @property {string} value
 * @property {number} priority
 * @property {string[]} zones
 * @property {boolean} important
 * @property {boolean} enabled
 * @property {string} note
 *
 * @typedef {Object} DryRun
 * @property {string} zone
 * @property {{kind: "room"|"menu"|"person"|"endpoint"|"refused", value: string, status: number|null, pin_given: boolean}} destination
 * @property {boolean} important
 * @property {{allowed: boolean, wished: number, picture: number, shortage: string, lowered?: number, ended?: number}|null} bandwidth
 * @property {{kind: string, values: Record<string, string>, text: string}[]} steps
 *
 * @typedef {Object} KnownAlarm
 * @property {"loss"|"silent"|"unregistered"|"budget"|"lockout"} topic
 * @property {string} subject
 * @property {string} name
 * @property {string} since
 * @property {string|null} until            null: it holds
 * @property {number} figure
 * @property {string} detail
 *
 * @typedef {{id: string, name: string, state: "in_call"|"registered"|"unregistered"|"seen", alarms: string[]}} DeviceNode
 * @typedef {{name: string, title: string, calls: number, rate: number, total: number|null, registered: number, devices: DeviceNode[], more: number}} ZoneNode
 *
 * @typedef {Object} CallEdge
 * @property {string} id
 * @property {string} endpoint
 * @property {string} name
 * @property {"sip"|"browser"} kind
 * @property {string} zone
 * @property {string} room                  "": in none, as in the menu
 * @property {boolean} important
 * @property {boolean} lowered
 * @property {number} loss
 * @property {number} rate_received
 * @property {number} rate_sent
 *
 * @typedef {{zones: ZoneNode[], calls: CallEdge[], more_calls: number}} Topology
 *
 * @typedef {{endpoint: string, name: string, calls: number, answered: number, failed: number, seconds: number, loss: number}} DeviceUse
 */

export class GatekeeperApi {
  /** @param {import("./protocol.js").Api} api */
  constructor(api) {
    this.api = api;
  }

  /** @returns {Promise<{endpoints: Endpoint[]}>} */
  endpoints() {
    return this.api.request("GET", "/endpoints");
  }

  /** @param {string} id */
  forget(id) {
    return this.api.request("DELETE", `/endpoints/${encodeURIComponent(id)}`);
  }

  /** Newest first. @param {{endpoint?: string, before?: string}} only @returns {Promise<{calls: CallRecord[], more: boolean}>} */
  calls({ endpoint, before }) {
    const query = new URLSearchParams({ ...(endpoint ? { endpoint } : {}), ...(before ? { before } : {}) });
    return this.api.request("GET", `/call-records?${query}`);
  }

  /** @returns {Promise<{zones: Zone[]}>} */
  zones() {
    return this.api.request("GET", "/zones");
  }

  /** @returns {Promise<{classes: Zone[]}>} */
  classes() {
    return this.api.request("GET", "/device-classes");
  }

  /** @returns {Promise<{rules: Rule[]}>} */
  rules() {
    return this.api.request("GET", "/number-plan");
  }

  /** @param {string} address @param {string} zone @returns {Promise<DryRun>} */
  where(address, zone) {
    return this.api.request("POST", "/number-plan/dry-run", { address, zone });
  }

  /** @param {string} name @param {object} content */
  putZone(name, content) {
    return this.api.request("PUT", `/zones/${encodeURIComponent(name)}`, content);
  }

  /** @param {string} name */
  removeZone(name) {
    return this.api.request("DELETE", `/zones/${encodeURIComponent(name)}`);
  }

  /** @param {string} name @param {object} content */
  putClass(name, content) {
    return this.api.request("PUT", `/device-classes/${encodeURIComponent(name)}`, content);
  }

  /** @param {string} name */
  removeClass(name) {
    return this.api.request("DELETE", `/device-classes/${encodeURIComponent(name)}`);
  }

  /** @param {string} id @param {object} content */
  putRule(id, content) {
    return this.api.request("PUT", `/number-plan/${encodeURIComponent(id)}`, content);
  }

  /** @param {string} id */
  removeRule(id) {
    return this.api.request("DELETE", `/number-plan/${encodeURIComponent(id)}`);
  }

  /** @returns {Promise<{alarms: KnownAlarm[], past: KnownAlarm[], left_out: number}>} */
  alarms() {
    return this.api.request("GET", "/alarms");
  }

  /** @returns {Promise<Topology>} */
  topology() {
    return this.api.request("GET", "/topology");
  }

  /** Most used first. @param {{since: string, until: string}} span @returns {Promise<{devices: DeviceUse[]}>} */
  use(span) {
    return this.api.request("GET", `/call-records/use?${new URLSearchParams(span)}`);
  }

  /** Where something is to be had by the browser itself. @param {string} path @param {Record<string, string>} query */
  address(path, query) {
    return `${API_ROOT}${path}?${new URLSearchParams(query)}`;
  }
}
