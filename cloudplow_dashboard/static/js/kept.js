// @ts-check
// What somebody set on this page and wants to find again: orders, filters, opened parts. Small, and never needed.

const PLACE = "cloudplow.view";
const MOST_ENTRIES = 60;
const MOST_LETTERS = 200;

/** @returns {Record<string, string>} */
function load() {
  try {
    const found = JSON.parse(localStorage.getItem(PLACE) ?? "{}");
    return Object.fromEntries(Object.entries(found).filter(([, value]) => typeof value === "string"));
  } catch {
    return {};
  }
}

/** @type {Record<string, string> | undefined} */
let entries;

/**
 * What was kept under a name.
 * @param {string} name
 */
export function kept(name, fallback = "") {
  entries ??= load();
  return Object.hasOwn(entries, name) ? entries[name] : fallback;
}

/**
 * Keep a text under a name; of too many the oldest goes.
 * @param {string} name
 * @param {string} value
 */
export function keep(name, value) {
  entries ??= load();
  delete entries[name];
  entries[name] = value.slice(0, MOST_LETTERS);
  for (const old of Object.keys(entries).slice(0, -MOST_ENTRIES)) delete entries[old];
  try {
    localStorage.setItem(PLACE, JSON.stringify(entries));
  } catch {
    // Storage may be forbidden or full: it then lasts as long as the page.
  }
}
