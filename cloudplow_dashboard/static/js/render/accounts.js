// The pool at a glance, then each account: what it does, what it spent, when it is free again.
//
// Of thousands of accounts only the rows in view are elements. The document holds the first 200; when there are more,
// the API is asked for the pages that are looked at.

import { bar, el, keyedRows, mark, setAttr, setMark, setText, show } from "../dom.js";
import * as format from "../format.js";
import { createPages } from "../pages.js";
import * as words from "../words.js";

/** From this number on there is something to search, and what works comes first. */
const MANY = 12;
const SPARE_ROWS = 6;
const COLUMNS = [["Account", "index"], ["State", "state"], ["Used", "-used"], ["Resets in", "reset"]];

const plainOrder = (a, b) => a.index - b.index || a.name.localeCompare(b.name, "en", { numeric: true });
/** The same orders as the API's. */
const ORDERS = {
  index: plainOrder,
  state: (a, b) => words.ACCOUNT_STATES.indexOf(a.state) - words.ACCOUNT_STATES.indexOf(b.state),
  used: (a, b) => a.used - b.used,
  reset: (a, b) => (a.resetsAt || Infinity) - (b.resetsAt || Infinity) || 0,
};

/** root: the section. Returns update(view). */
export function accounts(root, redraw) {
  const note = root.querySelector("[data-note]");
  const empty = el("p.empty");
  const used = el("span.pool__used");
  const each = el("span.pool__each");
  const states = el("ul.pool__states", { "aria-label": "Show only accounts in this state" });
  const cells = el("div.pool__cells", { "aria-hidden": "true" });
  const excerpt = el("p.panel__line");
  const search = el("input.field", { type: "search", placeholder: "Search accounts", "aria-label": "Search accounts", autocomplete: "off" });
  const pool = el("div.pool", {}, el("p", {}, used, " ", each), states, excerpt, cells, search);
  const body = el("tbody", { role: "rowgroup" });
  const heads = COLUMNS.map(([text, order]) => {
    const button = el("button.sort", { type: "button", text });
    button.addEventListener("click", () => {
      const turned = order.startsWith("-") ? order.slice(1) : `-${order}`;
      choose({ sort: wanted.sort === order ? turned : order });
    });
    return { order, node: el("th", { role: "columnheader", scope: "col", class: text === "Resets in" ? "number" : undefined }, button) };
  });
  const table = el("table.table.table--accounts", { role: "table", "aria-labelledby": "accounts-title" },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...heads.map((head) => head.node))), body);
  const scroller = el("div.scroller", { tabindex: "0", role: "region", "aria-label": "List of service accounts" }, table);
  root.querySelector("[data-body]").replaceChildren(pool, scroller, empty);
  const setStates = keyedRows(states, (item) => item.state, createState, updateState);
  const setCells = keyedRows(cells, (item) => item.name, createCell, updateCell);
  const setRows = keyedRows(body, (item) => item.place, createRow, updateRow);
  const pages = createPages(redraw);
  let wanted = { q: "", state: "", sort: "" };
  // Read only when they have changed: reading them while drawing would lay the page out once more.
  let [rowHeight, top, height] = [44, 0, 576];

  function choose(change) {
    wanted = { ...wanted, ...change };
    scroller.scrollTop = top = 0;
    redraw();
  }

  search.addEventListener("input", () => choose({ q: search.value }));
  scroller.addEventListener("scroll", () => {
    top = scroller.scrollTop;
    redraw();
  }, { passive: true });
  new ResizeObserver(() => {
    height = scroller.clientHeight;
    rowHeight = body.firstElementChild?.offsetHeight || rowHeight;
    redraw();
  }).observe(scroller);

  function createState() {
    const shape = mark();
    const text = el("span");
    const button = el("button.pick", { type: "button" }, shape, text);
    const row = { node: el("li", {}, button), button, shape, text, state: "" };
    button.addEventListener("click", () => choose({ state: wanted.state === row.state ? "" : row.state }));
    return row;
  }

  function updateState(row, item) {
    const { word, shape, tone } = words.account(item.state);
    row.state = item.state;
    setMark(row.shape, shape, tone);
    setText(row.text, `${format.count(item.count)} ${word.toLowerCase()}`);
    setAttr(row.button, "aria-pressed", wanted.state === item.state);
  }

  return (view) => {
    const total = Math.max(view.pool.total, view.accounts.length);
    const known = view.accounts.length > 0;
    for (const node of [pool, scroller]) show(node, known);
    setText(note, total > 0 ? format.plural(total, "account") : "");
    show(search, total > MANY);
    setText(used, view.pool.limit > 0 ? `${format.bytes(view.pool.used)} of ${format.bytes(view.pool.limit)}` : format.bytes(view.pool.used));
    const limits = new Set(view.accounts.map((account) => account.limit));
    const [limit] = limits;
    setText(each, limits.size === 1 && limit > 0 ? `used, ${format.bytes(limit)} each` : "used");
    setAttr(table, "data-mixed", limits.size > 1 ? "" : null);
    setStates(stateCounts(view));
    show(excerpt, total > view.accounts.length);
    setText(excerpt, `The ${format.count(view.accounts.length)} that spent most:`);
    setCells(view.accounts);
    const sort = wanted.sort || (total > MANY ? "state" : "index");
    for (const { order, node } of heads) setAttr(node, "aria-sort", sortOf(order.replace("-", ""), sort));
    const count = drawRows(view, total, sort);
    show(empty, count === 0);
    setText(empty, emptyText(view, known));
  };

  function drawRows(view, total, sort) {
    const ask = { ...wanted, sort, uploader: view.name };
    const mark = `${view.pool.used} ${view.pool.states.map((item) => item.count)}`;
    const all = total > view.accounts.length ? null : filtered(view.accounts, ask);
    const count = all ? all.length : pages.total({ ...ask, mark });
    const first = Math.max(0, Math.floor(top / rowHeight) - SPARE_ROWS);
    const last = Math.min(count, first + Math.ceil(height / rowHeight) + 2 * SPARE_ROWS);
    const rows = all ? all.slice(first, last) : pages.rows({ ...ask, mark }, first, last);
    const fresh = all ? null : new Map(view.accounts.map((account) => [account.name, account]));
    setRows(rows.map((account, place) => ({ ...(fresh?.get(account.name) ?? account), place: first + place, rowHeight, now: view.now })));
    const whole = `${count * rowHeight}px`;
    if (body.style.height !== whole) body.style.height = whole;
    setAttr(table, "aria-rowcount", count + 1);
    return all || pages.ready({ ...ask, mark }) ? count : -1;
  }

  function emptyText(view, known) {
    if (known) return "No account is like that.";
    return view.session.accountsTotal > 0
      ? `${format.plural(view.session.accountsTotal, "account")}; what they spent is not known yet.`
      : "No service accounts are known for this uploader.";
  }
}

function sortOf(order, sort) {
  if (sort.replace("-", "") !== order) return null;
  return sort.startsWith("-") ? "descending" : "ascending";
}

function filtered(all, { q, state, sort }) {
  const text = q.toLowerCase();
  const found = all.filter((account) => (!state || account.state === state)
    && (!text || account.name.toLowerCase().includes(text) || account.why.toLowerCase().includes(text)));
  found.sort((a, b) => ORDERS[sort.replace("-", "")](a, b) || plainOrder(a, b));
  return sort.startsWith("-") ? found.reverse() : found;
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

function createCell() {
  const fill = el("i");
  return { node: el("span.cell", {}, fill), fill, scale: "" };
}

function updateCell(row, account) {
  const { word } = words.account(account.state);
  setAttr(row.node, "data-state", account.state);
  setAttr(row.node, "title", `${account.name}: ${word.toLowerCase()}, ${format.bytes(account.used)} of ${format.bytes(account.limit)}`);
  const scale = `scaleY(${account.fraction.toFixed(3)})`;
  if (scale !== row.scale) row.fill.style.transform = row.scale = scale;
}

function createRow() {
  const name = el("span.account__name", { dir: "auto" });
  const shape = mark();
  const word = el("span");
  const why = el("span.account__why", { dir: "auto" });
  const progress = bar("bar--account", "Quota used");
  const amount = el("span.account__amount");
  const limit = el("span.account__limit");
  const share = el("span.account__share");
  const resets = el("td.number.cell--resets", { role: "cell" });
  const node = el("tr.account", { role: "row" },
    el("td.cell--account", { role: "cell" }, name),
    el("td.cell--state", { role: "cell" }, el("span.state", {}, shape, word), why),
    el("td.cell--used", { role: "cell" }, progress.node, el("span.account__numbers", {}, amount, limit), share),
    resets);
  return { node, name, shape, word, why, progress, amount, limit, share, resets };
}

function updateRow(row, account) {
  const state = words.account(account.state);
  const shift = `translateY(${account.place * account.rowHeight}px)`;
  if (row.node.style.transform !== shift) row.node.style.transform = shift;
  setAttr(row.node, "aria-rowindex", account.place + 2);
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
