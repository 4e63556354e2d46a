// Number plan, zones, endpoints and call records over the HTTP API. This file never touches the DOM.

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
 * @typedef {{total: number|null, reserved: number, each: number|null, least: number, over: "lower"|"refuse"}} Budget
 * @typedef {{name: string, title: string, networks?: string[], products?: string[], budget: Budget, calls: number, rate: number}} Zone
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
 * @property {{allowed: boolean, wished: number, picture: number, shortage: string}|null} bandwidth
 * @property {{kind: string, values: Record<string, string>, text: string}[]} steps
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
}
