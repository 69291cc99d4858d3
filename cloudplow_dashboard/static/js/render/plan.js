// @ts-check
// The plan as a timeline: a row for each account, its stages along the time: done, running, next, waiting.

import {
  el, fillPanel, keyedRows, mark, moreButton, setAttr, setMark, setText, setTitled, show, showText,
} from "../dom.js";
import * as format from "../format.js";
import { amount, restText } from "../sentence.js";
import * as words from "../words.js";

const ROWS = 10;
const LABELS = 3;

/** @typedef {PlanRow & { now: number, from: number, until: number }} Row */
/** @typedef {Stage & { row: Row }} Piece */

/**
 * @param {HTMLElement} root
 * @param {() => void} redraw
 * @returns {Update}
 */
export function plan(root, redraw) {
  const rows = el("ol.plan", { "aria-labelledby": "plan-title" });
  const times = Array.from({ length: LABELS }, () => el("span"));
  const axis = el("p.plan__axis", { "aria-hidden": "true" }, ...times);
  const rest = el("p.panel__line");
  const empty = el("p.empty", { text: "No plan yet: it is made once the queue has been listed." });
  const more = moreButton(redraw);
  const note = fillPanel(root, axis, rows, more.node, rest, empty);
  const setRows = keyedRows(rows, (/** @type {Row} */ row) => row.account, createRow, updateRow);

  return ({ plan: { rows: all, from, until, ...told }, rest: beyond, now }) => {
    const known = all.length > 0;
    for (const node of [rows, axis]) show(node, known);
    show(empty, !known && !told.madeAt);
    const shown = more.expanded ? all : around(all);
    setRows(shown.map((row) => ({ ...row, now, from, until })));
    more.update(all.length, ROWS, "accounts");
    setText(note, noteText(told));
    for (const [step, label] of times.entries()) {
      setText(label, format.clock(from + ((until - from) * step) / (LABELS - 1), now));
    }
    showText(rest, restText(beyond, now));
  };
}

/**
 * The rows from the first that is not done on.
 * @param {PlanRow[]} all
 */
function around(all) {
  const first = Math.max(0, Math.min(all.findIndex((row) => row.state !== "done"), all.length - ROWS));
  return all.slice(first, first + ROWS);
}

/** @param {{ doneTotal: number, nextTotal: number, laterTotal: number }} told */
function noteText({ doneTotal, nextTotal, laterTotal }) {
  /** @type {[number, string][]} */
  const counts = [[doneTotal, "done"], [nextTotal, "to come"], [laterTotal, "waiting"]];
  return counts.filter(([count]) => count > 0).map(([count, word]) => `${format.count(count)} ${word}`).join(", ");
}

function createRow() {
  const shape = mark();
  const word = el("span.plan__word");
  const name = el("span.plan__name", { dir: "auto" });
  const what = el("span.plan__what");
  const track = el("span.plan__track", { "aria-hidden": "true" });
  const line = el("i.plan__now");
  const setStages = keyedRows(track, (/** @type {Piece} */ one) => one.key, () => ({ node: el("i") }), updateStage);
  const node = el("li.plan__row", {}, shape, name, word, what, track);
  return { node, shape, word, name, what, track, line, setStages };
}

/** @param {ReturnType<typeof createRow>} row @param {Row} item */
function updateRow(row, item) {
  const { head, stages, now, from, until } = item;
  const state = words.stage(item.state);
  setMark(row.shape, state);
  setAttr(row.node, "data-state", item.state);
  setTitled(row.name, item.account || "the remote's own login", item.account);
  setText(row.word, head.state === "waiting" ? `${state.word} until ${format.clock(head.begin, now)}` : state.word);
  const which = head.stage > 0 ? `stage ${head.stage}, ` : "";
  const prefix = stages.length > 1 ? `${format.plural(stages.length, "stage")}, ` : which;
  setText(row.what, `${prefix}${format.plural(item.files, "file")}, ${format.bytes(item.bytes)}`);
  row.setStages(stages.map((one) => ({ ...one, row: item })));
  put(row.line, "left", (now - from) / (until - from));
  if (row.line !== row.track.lastChild) row.track.append(row.line);
}

/** @param {{ node: HTMLElement }} part @param {Piece} one */
function updateStage({ node }, one) {
  const { from, until, now } = one.row;
  const span = `${format.clock(one.begin, now)} – ${format.clock(one.end, now)}`;
  const large = one.oversized ? ", larger than an account's quota" : "";
  setAttr(node, "class", "plan__stage");
  setAttr(node, "data-state", one.state);
  setAttr(node, "title", `${words.stage(one.state).word}: ${amount(one.files, one.bytes)}, ${span}${large}`);
  put(node, "left", (one.begin - from) / (until - from));
  put(node, "width", (one.end - one.begin) / (until - from));
}

/** @param {HTMLElement} node @param {"left" | "width"} side @param {number} share */
function put(node, side, share) {
  const percent = `${(100 * share).toFixed(2)}%`;
  if (node.style[side] !== percent) node.style[side] = percent;
}
