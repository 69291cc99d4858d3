// The pool at a glance, then each account: what it does, what it spent, when it is free again.

import { bar, el, keyedRows, mark, moreButton, setAttr, setMark, setText, show } from "../dom.js";
import * as format from "../format.js";
import * as words from "../words.js";

const ROWS = 12;

/** root: the section. Returns update(view). */
export function accounts(root, redraw) {
  const note = root.querySelector("[data-note]");
  const empty = el("p", { class: "empty", text: "No service accounts: the remote uploads with its own login." });
  const used = el("span", { class: "pool__used" });
  const each = el("span", { class: "pool__each" });
  const states = el("ul", { class: "pool__states" });
  const cells = el("div", { class: "pool__cells", "aria-hidden": "true" });
  const pool = el("div", { class: "pool" }, el("p", {}, used, " ", each), states, cells);
  const body = el("tbody", { role: "rowgroup" });
  const table = el("table", { class: "table table--accounts", role: "table", "aria-labelledby": "accounts-title" },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" },
      el("th", { role: "columnheader", scope: "col", text: "Account" }),
      el("th", { role: "columnheader", scope: "col", text: "State" }),
      el("th", { role: "columnheader", scope: "col", text: "Used" }),
      el("th", { role: "columnheader", scope: "col", text: "Resets in", class: "number" }))),
    body);
  const more = moreButton(redraw);
  root.querySelector("[data-body]").replaceChildren(pool, table, empty, more.node);
  const setStates = keyedRows(states, (item) => item.state, createState, updateState);
  const setCells = keyedRows(cells, (item) => item.name, createCell, updateCell);
  const setRows = keyedRows(body, (item) => item.name, createRow, updateRow);

  return (view) => {
    const known = view.accounts.length > 0;
    show(pool, known);
    show(table, known);
    show(empty, !known);
    setText(empty, view.session.accountsTotal > 0
      ? `${format.plural(view.session.accountsTotal, "account")}; what they spent is not known yet.`
      : "No service accounts are known for this uploader.");
    const all = view.accounts.map((account) => ({ ...account, now: view.now }));
    setText(note, noteText(view));
    setText(used, view.pool.limit > 0 ? `${format.bytes(view.pool.used)} of ${format.bytes(view.pool.limit)}` : format.bytes(view.pool.used));
    const limits = new Set(view.accounts.map((account) => account.limit));
    const [limit] = limits;
    setText(each, limits.size === 1 && limit > 0 ? `used, ${format.bytes(limit)} each` : "used");
    setAttr(table, "data-mixed", limits.size > 1 ? "" : null);
    setStates(stateCounts(view));
    setCells(all);
    setRows(more.expanded ? all : shortList(all));
    more.update(all.length, ROWS, "accounts");
  };
}

function noteText(view) {
  const total = Math.max(view.pool.total, view.accounts.length);
  if (total > view.accounts.length && view.accounts.length > 0) {
    return `${format.count(view.accounts.length)} of ${format.count(total)} shown`;
  }
  return total > 0 ? format.plural(total, "account") : "";
}

function stateCounts(view) {
  let counts = view.pool.states;
  if (counts.length === 0 || view.pool.total <= view.accounts.length) {
    const counted = new Map();
    for (const { state } of view.accounts) counted.set(state, (counted.get(state) ?? 0) + 1);
    counts = [...counted].map(([state, count]) => ({ state, count }));
  }
  const place = (state) => (words.ACCOUNT_STATES.includes(state) ? words.ACCOUNT_STATES.indexOf(state) : 99);
  return counts.filter((item) => item.count > 0).sort((a, b) => place(a.state) - place(b.state));
}

/** The first rows, but never without the account that works or one that needs a look. */
function shortList(all) {
  if (all.length <= ROWS) return all;
  const urgent = all.filter((account) => account.state === "active" || account.state === "failed" || account.state === "denied");
  const chosen = new Set(urgent.slice(0, ROWS));
  for (const account of all) {
    if (chosen.size >= ROWS) break;
    chosen.add(account);
  }
  return all.filter((account) => chosen.has(account));
}

function createState() {
  const shape = mark();
  const text = el("span");
  return { node: el("li", {}, shape, text), shape, text };
}

function updateState(row, item) {
  const { word, shape, tone } = words.account(item.state);
  setMark(row.shape, shape, tone);
  setText(row.text, `${format.count(item.count)} ${word.toLowerCase()}`);
}

function createCell() {
  const fill = el("i");
  return { node: el("span", { class: "cell" }, fill), fill, scale: "" };
}

function updateCell(row, account) {
  const { word } = words.account(account.state);
  setAttr(row.node, "data-state", account.state);
  setAttr(row.node, "title", `${account.name}: ${word.toLowerCase()}, ${format.bytes(account.used)} of ${format.bytes(account.limit)}`);
  const scale = `scaleY(${account.fraction.toFixed(3)})`;
  if (scale !== row.scale) row.fill.style.transform = row.scale = scale;
}

function createRow() {
  const name = el("span", { class: "account__name", dir: "auto" });
  const shape = mark();
  const word = el("span");
  const why = el("span", { class: "account__why", dir: "auto" });
  const progress = bar("bar--account", "Quota used");
  const amount = el("span", { class: "account__amount" });
  const limit = el("span", { class: "account__limit" });
  const share = el("span", { class: "account__share" });
  const resets = el("td", { role: "cell", class: "number cell--resets" });
  const node = el("tr", { role: "row" },
    el("td", { role: "cell", class: "cell--account" }, name),
    el("td", { role: "cell", class: "cell--state" }, el("span", { class: "state" }, shape, word), why),
    el("td", { role: "cell", class: "cell--used" }, progress.node, el("span", { class: "account__numbers" }, amount, limit), share),
    resets);
  return { node, name, shape, word, why, progress, amount, limit, share, resets };
}

function updateRow(row, account) {
  const state = words.account(account.state);
  setText(row.name, account.name);
  setAttr(row.name, "title", account.name);
  setAttr(row.node, "data-state", account.state);
  setMark(row.shape, state.shape, state.tone);
  setText(row.word, state.word);
  setText(row.why, account.why);
  setAttr(row.why, "title", account.why || null);
  show(row.why, account.why !== "");
  const limit = account.limit > 0 ? ` of ${format.bytes(account.limit)}` : "";
  setText(row.amount, format.bytes(account.used));
  setText(row.limit, limit);
  setText(row.share, account.limit > 0 ? format.percent(account.fraction, 0) : "");
  row.progress.set(account.fraction, `${format.bytes(account.used)}${limit}`);
  const back = account.until > account.now ? account.until : account.resetsAt;
  setText(row.resets, back > account.now ? format.duration(back - account.now) : "-");
  setAttr(row.resets, "title", back > account.now ? format.fullTime(back) : null);
}
