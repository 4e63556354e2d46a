// A choice between two ways, or as is usual in the conference: a list with "" and two values, and true, false or null at the server. Pure.

/** What to tell the server: "each" is true, "" null, anything else false. @param {string} value @returns {boolean|null} */
export function chosenWay(value) {
  return value ? value === "each" : null;
}

/** The value of the list. @param {boolean|null|undefined} way @param {string} other what stands for false @returns {string} */
export function wayShown(way, other) {
  if (way === null || way === undefined) return "";
  return way ? "each" : other;
}
