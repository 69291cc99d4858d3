// @ts-check
// The pool at a glance, then each account: what it does, what it spent, when it is free again.
//
// Of thousands of accounts only the rows in view are elements. The document holds the first 200; when there are more,
// the API is asked for the pages that are looked at.

import { chosenAccounts } from "../derive/accounts.js";
import {
  bar, el, fillPanel, keyedRows, mark, setAttr, setMark, setParts, setText, setTitled, show, showText, typed,
} from "../dom.js";
import * as format from "../format.js";
import { keep, kept } from "../kept.js";
import { createPages } from "../pages.js";
import { spentText } from "../sentence.js";
import * as words from "../words.js";

/** From this number on there is something to search, and what works comes first. */
const MANY = 12;
const SPARE_ROWS = 6;
const COLUMNS = [["Account", "index"], ["State", "state"], ["Spent", "-used"], ["Resets in", "reset"]];

/** Rows on a narrow screen, where the list is as long as its rows. */
const NARROW_ROWS = 12;
const NARROW = matchMedia("(max-width: 44.99rem)");

/** What is looked for. */
const ALL = { q: "", state: "", sort: "" };

/** What was looked for before the page was loaded again. */
function before() {
  try {
    const { q, state, sort } = JSON.parse(kept("accounts", "{}"));
    const known = /^-?(index|state|used|reset)$/.test(sort);
    return { q: String(q ?? ""), state: String(state ?? ""), sort: known ? sort : "" };
  } catch {
    return ALL;
  }
}

/** @typedef {Account & { place: number, rowHeight: number, now: number }} Row */

/**
 * @param {HTMLElement} root
 * @param {() => void} redraw
 * @returns {Update}
 */
export function accounts(root, redraw) {
  const empty = el("p.empty");
  let wanted = before();
  const pool = poolBox((change) => choose(change), wanted.q);
  const table = accountsTable(redraw, (order) => {
    const turned = order.startsWith("-") ? order.slice(1) : `-${order}`;
    choose({ sort: wanted.sort === order ? turned : order });
  });
  const note = fillPanel(root, pool.node, table.node, empty);

  /** @param {Partial<typeof ALL>} change */
  function choose(change) {
    wanted = { ...wanted, ...change };
    keep("accounts", JSON.stringify(wanted));
    table.toTop();
    redraw();
  }

  return (view) => {
    const known = view.accounts.length > 0;
    const { total, each } = view.pool;
    show(root, known || view.session.accountsTotal > 0);
    for (const node of [pool.node, table.node]) show(node, known);
    const size = each > 0 && !NARROW.matches ? `, ${format.bytes(each)}${total > 1 ? " each" : ""}` : "";
    const ready = view.pool.states.find((one) => one.state === "ready")?.count ?? 0;
    const few = NARROW.matches && total > 1 ? `${format.count(ready)} of ${format.count(total)} ready` : "";
    setText(note, few || (known && total > 0 ? format.plural(total, "account") + size : ""));
    pool.set(view, wanted.state);
    const count = table.draw(view, { ...wanted, sort: wanted.sort || (total > MANY ? "state" : "index") });
    show(empty, count === 0);
    setText(empty, emptyText(view, known));
  };
}

/** @param {View} view @param {boolean} known */
function emptyText({ session: { accountsTotal } }, known) {
  if (known) return "No matching accounts.";
  return accountsTotal > 0
    ? `${format.plural(accountsTotal, "account")}; their usage is not known yet.`
    : "No service accounts are known for this uploader.";
}

// --- the pool -------------------------------------------------------------------------------------------------------

/**
 * A cell for each account, and what can be picked out. sought: what is searched for already.
 * @param {(change: Partial<typeof ALL>) => void} choose
 * @param {string} sought
 */
function poolBox(choose, sought) {
  const states = el("ul.pool__states", { "aria-label": "Show only accounts in this state" });
  const cells = el("div.pool__cells", { "aria-hidden": "true" });
  const parts = el("p.panel__line");
  const excerpt = el("p.panel__line");
  const search = el("input.field", {
    type: "search", placeholder: "Search accounts", "aria-label": "Search accounts", autocomplete: "off",
  });
  /** @type {HTMLInputElement} */ (search).value = sought;
  search.addEventListener("input", () => choose({ q: typed(search) }));
  const setStates = keyedRows(states, (/** @type {StateItem} */ item) => item.state,
    (item) => createState(item.state, choose), updateState);
  const setCells = keyedRows(cells, (/** @type {Account} */ item) => item.name, createCell, updateCell);
  return {
    node: el("div.pool", {}, parts, states, excerpt, cells, search),
    /** @param {View} view @param {string} chosen */
    set({ pool, accounts: shown }, chosen) {
      showText(parts, spentText(pool));
      setStates(pool.states.map((item) => ({ ...item, pressed: item.state === chosen })));
      const some = pool.total > shown.length && shown.length > MANY;
      showText(excerpt, some ? `The ${format.count(shown.length)} most used:` : "");
      setCells(shown);
      show(search, pool.total > MANY);
    },
  };
}

/** @typedef {{ state: string, count: number, pressed: boolean }} StateItem */

/** @param {string} state @param {(change: Partial<typeof ALL>) => void} choose */
function createState(state, choose) {
  const shape = mark();
  const text = el("span");
  const button = el("button.pick", { type: "button" }, shape, text);
  button.addEventListener("click", () => {
    choose({ state: button.getAttribute("aria-pressed") === "true" ? "" : state });
  });
  return { node: el("li", {}, button), button, shape, text };
}

/** @param {ReturnType<typeof createState>} row @param {StateItem} item */
function updateState(row, item) {
  const state = words.account(item.state);
  setMark(row.shape, state);
  setText(row.text, `${format.count(item.count)} ${state.word.toLowerCase()}`);
  setAttr(row.button, "aria-pressed", String(item.pressed));
}

function createCell() {
  const fill = el("i");
  return { node: el("span.cell", {}, fill), fill, scale: "" };
}

/** @param {ReturnType<typeof createCell>} row @param {Account} account */
function updateCell(row, account) {
  const word = words.account(account.state).word.toLowerCase();
  setAttr(row.node, "data-state", account.state);
  setAttr(row.node, "title", `${account.name}: ${word}, ${amountText(account)}`);
  setParts(row.node, account);
  const scale = `scaleY(${account.fraction.toFixed(3)})`;
  if (scale !== row.scale) row.fill.style.transform = row.scale = scale;
}

/**
 * "13.5 GB of 750.0 GB: 12.0 GB used, 1.2 GB on its way, 300.0 MB unsettled".
 * @param {Account} account
 */
function amountText(account) {
  const limit = account.limit > 0 ? ` of ${format.bytes(account.limit)}` : "";
  return [format.bytes(account.spent) + limit, spentText(account)].filter(Boolean).join(": ");
}

// --- the table ------------------------------------------------------------------------------------------------------

/**
 * Only the rows in view. sortBy(order): a head was pressed.
 * @param {() => void} redraw
 * @param {(order: string) => void} sortBy
 */
function accountsTable(redraw, sortBy) {
  const body = el("tbody", { role: "rowgroup" });
  const heads = COLUMNS.map(([text, order]) => {
    const button = el("button.sort", { type: "button", text });
    button.addEventListener("click", () => sortBy(order));
    const side = text === "Resets in" ? "number" : undefined;
    return { order, node: el("th", { role: "columnheader", scope: "col", class: side }, button) };
  });
  const head = el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...heads.map((one) => one.node)));
  const table = el("table.table.table--accounts", { role: "table", "aria-labelledby": "accounts-title" }, head, body);
  const node = el("div.scroller", { tabindex: "0", role: "region", "aria-label": "List of service accounts" }, table);
  const more = el("button.more", { type: "button", hidden: true });
  const box = el("div", {}, node, more);
  let narrowRows = NARROW_ROWS;
  more.addEventListener("click", () => {
    narrowRows += 4 * NARROW_ROWS;
    redraw();
  });
  const setRows = keyedRows(body, (/** @type {Row} */ item) => item.place, createRow, updateRow);
  const pages = createPages(redraw);
  const sight = watchSight(node, body, redraw);

  /** @param {View} view @param {typeof ALL} wanted */
  function draw(view, wanted) {
    for (const one of heads) setAttr(one.node, "aria-sort", sortOf(one.order.replace("-", ""), wanted.sort));
    setAttr(table, "data-mixed", view.pool.mixed ? "" : null);
    const source = view.pool.total > view.accounts.length ? paged(pages, view, wanted) : listed(view, wanted);
    const shown = NARROW.matches ? Math.min(source.count, narrowRows) : source.count;
    const [first, last] = NARROW.matches ? [0, shown] : sight.rows(shown);
    show(more, shown < source.count);
    setText(more, `Show more of ${format.plural(source.count, "account")}`);
    setAttr(node, "tabindex", NARROW.matches ? null : 0);
    const { rowHeight } = sight;
    const rows = source.rows(first, last);
    setRows(rows.map((account, step) => ({ ...account, place: first + step, rowHeight, now: view.now })));
    const whole = `${shown * rowHeight}px`;
    if (body.style.height !== whole) body.style.height = whole;
    setAttr(table, "aria-rowcount", source.count + 1);
    return source.ready ? source.count : -1;
  }

  return { node: box, toTop: sight.toTop, draw };
}

/**
 * Accounts of the document.
 * @param {View} view
 * @param {typeof ALL} wanted
 */
function listed(view, wanted) {
  const all = chosenAccounts(view.accounts, wanted);
  const rows = (/** @type {number} */ first, /** @type {number} */ last) => all.slice(first, last);
  return { count: all.length, ready: true, rows };
}

/**
 * Accounts that the API is asked for; those that the document has too are newer there.
 * @param {ReturnType<typeof createPages>} pages
 * @param {View} view
 * @param {typeof ALL} wanted
 */
function paged(pages, view, wanted) {
  const changed = `${view.pool.spent} ${view.pool.states.map((item) => item.count)}`;
  const ask = { ...wanted, uploader: view.name, mark: changed };
  const fresh = new Map(view.accounts.map((account) => [account.name, account]));
  const rows = (/** @type {number} */ first, /** @type {number} */ last) => (
    pages.rows(ask, first, last).map((account) => fresh.get(account.name) ?? account));
  return { count: pages.total(ask), ready: pages.ready(ask), rows };
}

/**
 * Which rows are in view. Measured only when it has changed: while drawing it would lay the page out once more.
 * @param {HTMLElement} scroller
 * @param {HTMLElement} body
 * @param {() => void} redraw
 */
function watchSight(scroller, body, redraw) {
  let [top, height] = [0, 576];
  const sight = {
    rowHeight: 44,
    /** @param {number} count */
    rows(count) {
      const first = Math.max(0, Math.floor(top / sight.rowHeight) - SPARE_ROWS);
      return [first, Math.min(count, first + Math.ceil(height / sight.rowHeight) + 2 * SPARE_ROWS)];
    },
    toTop() {
      scroller.scrollTop = top = 0;
    },
  };
  scroller.addEventListener("scroll", () => {
    top = scroller.scrollTop;
    redraw();
  }, { passive: true });
  new ResizeObserver(() => {
    height = scroller.clientHeight;
    sight.rowHeight = body.querySelector("tr")?.offsetHeight || sight.rowHeight;
    redraw();
  }).observe(scroller);
  return sight;
}

/** @param {string} order @param {string} sort */
function sortOf(order, sort) {
  if (sort.replace("-", "") !== order) return null;
  return sort.startsWith("-") ? "descending" : "ascending";
}

function createRow() {
  const name = el("span.account__name", { dir: "auto" });
  const shape = mark();
  const word = el("span");
  const why = el("span.account__why", { dir: "auto" });
  const progress = bar("bar--account", "Quota spent");
  const amount = el("span.account__amount");
  const limit = el("span.account__limit");
  const share = el("span.account__share");
  const numbers = el("span.account__numbers", {}, amount, limit);
  const resets = el("td.number.cell--resets", { role: "cell" });
  const node = el("tr.account", { role: "row" },
    el("td.cell--account", { role: "cell" }, name),
    el("td.cell--state", { role: "cell" }, el("span.state", {}, shape, word), why),
    el("td.cell--used", { role: "cell" }, progress.node, numbers, share),
    resets);
  return { node, name, shape, word, why, progress, amount, limit, share, resets };
}

/** @param {ReturnType<typeof createRow>} row @param {Row} account */
function updateRow(row, account) {
  const state = words.account(account.state);
  const shift = `translateY(${account.place * account.rowHeight}px)`;
  if (row.node.style.transform !== shift) row.node.style.transform = shift;
  setAttr(row.node, "aria-rowindex", account.place + 2);
  setTitled(row.name, account.name);
  setAttr(row.node, "data-state", account.state);
  setMark(row.shape, state);
  setText(row.word, state.word);
  const why = [account.why, spentText(account)].filter(Boolean).join("; ");
  showText(row.why, why);
  setAttr(row.why, "title", why || null);
  setText(row.amount, format.bytes(account.spent));
  setText(row.limit, account.limit > 0 ? ` of ${format.bytes(account.limit)}` : "");
  setText(row.share, account.limit > 0 ? format.percent(account.fraction, 0) : "");
  row.progress.set(account.fraction, amountText(account));
  setAttr(row.progress.node, "title", amountText(account));
  setParts(row.progress.node, account);
  const back = account.until > account.now ? account.until : account.resetsAt;
  const waits = back > account.now;
  setTitled(row.resets, waits ? format.duration(back - account.now) : "-", waits ? format.fullTime(back) : "");
}
