// Small helpers for building pages. Text goes in as text, never as markup.

/**
 * The element with this id; a page without it is broken and says so.
 * @template {HTMLElement} [E=HTMLElement]
 * @param {string} id
 * @returns {E}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element with id "${id}" in this page`);
  return /** @type {E} */ (found);
}

/**
 * @param {string} tag
 * @param {Record<string, string|boolean|null|((event: any) => void)>} [attributes] functions become listeners of the
 *   event named by their key; false and null are left out
 * @param {...(Node|string|null)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** A picture out of images/icons.svg, for eyes only: the words beside it speak to screen readers. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/images/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** Make an svg.icon that is in the page already show another picture. @param {Element} within @param {string} name */
export function setIcon(within, name) {
  within.querySelector("use")?.setAttribute("href", `/static/images/icons.svg#${name}`);
}

/** Write only what changed, so that screen readers do not repeat themselves. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {HTMLElement} element @param {boolean} shown */
export function show(element, shown) {
  element.hidden = !shown;
}
