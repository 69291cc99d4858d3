// Accounts that the document does not hold: asked for page by page as they are looked at.

import { readAccount } from "./derive.js";
import { list, num, obj, str } from "./read.js";

const PAGE = 100;
const FRESH_MS = 15_000;
const KEPT_PAGES = 40;
const WAITING = { name: "…", index: 0, state: "ready", why: "", used: 0, limit: 0, fraction: 0, resetsAt: 0, until: 0 };

/**
 * Returns {total(ask), rows(ask, first, last), ready(ask)}; ask: {uploader, q, state, sort}, and `mark`, which changes when
 * the accounts may have changed: else there is nothing to ask again.
 */
export function createPages(onChange) {
  let query = "";
  let mark = "";
  let total = 0;
  let ready = false;
  let stop = new AbortController();
  let pages = new Map();

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

  async function load(place) {
    const asked = query;
    const page = pages.get(place) ?? { rows: [], at: 0 };
    pages.set(place, page);
    if (page.asking || Date.now() - page.at < FRESH_MS || (page.at && page.mark === mark)) return;
    page.asking = true;
    const marked = mark;
    try {
      const address = `api/service_accounts?${asked}&offset=${place * PAGE}&limit=${PAGE}`;
      const response = await fetch(address, { cache: "no-store", signal: stop.signal });
      if (!response.ok) throw new Error(response.statusText);
      const rows = list(await response.json()).map(readRow);
      if (asked !== query) return;
      total = Number(response.headers.get("X-Total-Count")) || rows.length;
      if (!ready) pages = new Map();
      ready = true;
      pages.set(place, { rows, mark: marked, at: Date.now() });
      if (pages.size > KEPT_PAGES) pages.delete(pages.keys().next().value);
      onChange();
    } catch {
      // Asked for again soon.
      if (asked === query) pages.set(place, { rows: page.rows, at: Date.now() - FRESH_MS / 2 });
    }
  }

  return {
    total(ask) {
      turn(ask);
      if (!ready) load(0);
      return total;
    },
    rows(ask, first, last) {
      turn(ask);
      const found = [];
      for (let place = Math.floor(first / PAGE); place * PAGE < last; place += 1) load(place);
      for (let at = first; at < last; at += 1) {
        found.push(pages.get(Math.floor(at / PAGE))?.rows[at % PAGE] ?? WAITING);
      }
      return found;
    },
    ready(ask) {
      turn(ask);
      return ready;
    },
  };
}

function readRow(entry) {
  const one = obj(entry);
  return { ...readAccount(one, str(one.sa_file), num(one.used_bytes), num(one.quota_bytes)), resetsAt: num(one.reset_time) };
}
