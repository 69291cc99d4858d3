// @ts-check
// Accounts that the document does not hold: asked for page by page as they are looked at.

import { readAccountRow } from "./derive/accounts.js";
import { list } from "./read.js";

const PAGE = 100;
const FRESH_MS = 15_000;
const KEPT_PAGES = 40;
const WAITING = readAccountRow(/** @type {AccountRowDocument} */ ({ sa_file: "…" }));

/**
 * What is looked for; mark changes when the accounts may have changed: else there is nothing to ask again.
 * @typedef {{ uploader: string, q: string, state: string, sort: string, mark: string }} Ask
 */

/** @typedef {{ rows: Account[], at: number, mark?: string, asking?: boolean }} Page */

/**
 * Returns {total(ask), rows(ask, first, last), ready(ask)}.
 * @param {() => void} onChange
 */
export function createPages(onChange) {
  let query = "";
  let mark = "";
  let total = 0;
  let ready = false;
  let stop = new AbortController();
  /** @type {Map<number, Page>} */
  let pages = new Map();

  /** @param {Ask} ask */
  function turn({ mark: now, ...ask }) {
    mark = now;
    const next = new URLSearchParams(Object.entries(ask).filter(([, value]) => value)).toString();
    if (next === query) return;
    query = next;
    ready = false;
    stop.abort();
    stop = new AbortController();
    // The rows of before stay until the first page is there, so that nothing flickers.
    pages = new Map([...pages].map(([place, page]) => [place, { ...page, at: 0, asking: false }]));
  }

  /** @param {number} place */
  async function load(place) {
    const page = pages.get(place) ?? { rows: [], at: 0 };
    pages.set(place, page);
    if (page.asking || Date.now() - page.at < FRESH_MS || (page.at && page.mark === mark)) return;
    page.asking = true;
    const [asked, marked] = [query, mark];
    try {
      const address = `api/service_accounts?${asked}&offset=${place * PAGE}&limit=${PAGE}`;
      const response = await fetch(address, { cache: "no-store", signal: stop.signal });
      if (!response.ok) throw new Error(response.statusText);
      const rows = list(await response.json()).map(readAccountRow);
      if (asked !== query) return;
      keep(place, { rows, mark: marked, at: Date.now() }, Number(response.headers.get("X-Total-Count")));
      onChange();
    } catch {
      // Asked for again soon.
      if (asked === query) pages.set(place, { rows: page.rows, at: Date.now() - FRESH_MS / 2 });
    }
  }

  /** @param {number} place @param {Page} page @param {number} count */
  function keep(place, page, count) {
    total = count || page.rows.length;
    if (!ready) pages = new Map();
    ready = true;
    pages.set(place, page);
    const [oldest] = pages.keys();
    if (pages.size > KEPT_PAGES) pages.delete(oldest);
  }

  return {
    /** @param {Ask} ask */
    total(ask) {
      turn(ask);
      if (!ready) load(0);
      return total;
    },
    /** @param {Ask} ask @param {number} first @param {number} last */
    rows(ask, first, last) {
      turn(ask);
      const found = [];
      for (let place = Math.floor(first / PAGE); place * PAGE < last; place += 1) load(place);
      for (let at = first; at < last; at += 1) {
        found.push(pages.get(Math.floor(at / PAGE))?.rows[at % PAGE] ?? WAITING);
      }
      return found;
    },
    /** @param {Ask} ask */
    ready(ask) {
      turn(ask);
      return ready;
    },
  };
}
