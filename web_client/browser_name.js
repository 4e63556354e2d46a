// What this browser calls itself towards the server: random, and the same each time. Nobody else is shown it.

const REMEMBERED = "browser";
const OCTETS = 16;

/** The name, made when it is asked for the first time. @param {Storage} [storage] */
export function browserName(storage = localStorage) {
  const known = storage.getItem(REMEMBERED);
  if (known) return known;
  const name = Array.from(crypto.getRandomValues(new Uint8Array(OCTETS)), (octet) => octet.toString(16).padStart(2, "0")).join("");
  storage.setItem(REMEMBERED, name);
  return name;
}
