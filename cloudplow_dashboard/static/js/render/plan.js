// @ts-check
// The plan as a timeline: a row for each account, its stages along the time: done, running, next, waiting.

import {
  el, fillPanel, keyedRows, mark, moreButton, setAttr, setMark, setText, setTitled, show, showText,
} from "../dom.js";
import * as format from "../format.js";
import { amount, restText } from "../sentence.js";
import * as words from "../words.js";

const ROWS = 10;

/** While nothing moves nobody knows when it will be done; and what is stopped does not come to what is next. */
const STANDS = new Set(["suspended", "offline", "stalled", "stopping"]);

/** @typedef {PlanRow & { now: number, from: number, until: number, stands: boolean }} Row */
/** @typedef {Stage & { row: Row }} Piece */

/**
 * @param {HTMLElement} root
 * @param {() => void} redraw
 * @returns {Update}
 */
export function plan(root, redraw) {
  const times = ["from", "now", "until"].map((key) => el(`span.plan__${key}`));
  const axis = el("li.plan__axis", { "aria-hidden": "true" }, el("span.plan__times", {}, ...times));
  const rows = el("ol.plan", { "aria-labelledby": "plan-title" }, axis);
  const rest = el("p.panel__line");
  const empty = el("p.empty", { text: "No plan yet: it is made once the queue has been listed." });
  const more = moreButton(redraw);
  const explanation = explained();
  const note = fillPanel(root, rows, more.node, rest, explanation, empty);
  const setRows = keyedRows(rows, (/** @type {Row} */ row) => row.account, createRow, updateRow);

  return ({ plan: { rows: all, from, until, ...told }, rest: beyond, now, active, phase }) => {
    const known = all.length > 0;
    show(root, known || active || beyond.files > 0);
    for (const node of [rows, explanation]) show(node, known);
    show(empty, !known && !told.madeAt);
    const few = around(all);
    const shown = more.expanded ? all : few;
    setRows(shown.map((row) => ({ ...row, now, from, until, stands: STANDS.has(phase) })));
    more.update(all.length, few.length, "accounts");
    setText(note, noteText(told, all.some((row) => row.state === "running")) || "none yet");
    const share = Math.min(1, Math.max(0, (now - from) / (until - from)));
    // A name of an end stands where it does not reach "now".
    const fits = (/** @type {string} */ name, /** @type {number} */ part) => (name.length < part * 19 - 2 ? name : "");
    setText(times[0], fits(format.clock(from, now), share));
    setText(times[1], "now");
    put(times[1], "left", share);
    times[1].style.translate = `${-100 * share}%`;
    const end = format.isEndless(until - now) ? "> 30 days" : format.clock(until, now);
    setText(times[2], fits(end, 1 - share));
    showText(rest, restText(beyond, now));
  };
}

/** What a stage is, where it stands. */
function explained() {
  return el("details.explain", {}, el("summary", { text: "What is a stage?" }), el("p", {
    text: "What one account takes in one go: as many files as its free quota holds. The next stage is that of the next "
      + "account, or of the same one when its quota has come back.",
  }));
}

/**
 * Those that are not done, the first of them; of a plan that is done, its end.
 * @param {PlanRow[]} all
 */
function around(all) {
  const open = all.filter((row) => row.state !== "done");
  return open.length > 0 ? open.slice(0, ROWS) : all.slice(-ROWS);
}

/** @param {{ doneTotal: number, nextTotal: number, laterTotal: number }} told @param {boolean} running */
function noteText({ doneTotal, nextTotal, laterTotal }, running) {
  /** @type {[number, string][]} */
  const counts = [[running ? 1 : 0, "running"], [nextTotal, "to come"], [laterTotal, "waiting"]];
  const told = counts.filter(([count]) => count > 0).map(([count, word]) => `${format.count(count)} ${word}`);
  return told.join(", ") || (doneTotal > 0 ? `${format.count(doneTotal)} done` : "");
}

function createRow() {
  const shape = mark();
  const word = el("span.plan__word");
  const name = el("span.plan__name", { dir: "auto" });
  const what = el("span.plan__what");
  const track = el("span.plan__track", { "aria-hidden": "true" });
  const line = el("i.plan__line");
  const setStages = keyedRows(track, (/** @type {Piece} */ one) => one.key, () => ({ node: el("i") }), updateStage);
  const node = el("li.plan__row", {}, shape, name, word, what, track);
  return { node, shape, word, name, what, track, line, setStages };
}

/** @param {ReturnType<typeof createRow>} row @param {Row} item */
function updateRow(row, item) {
  const { stages, now, from, until } = item;
  const state = words.stage(item.state, item.head.outcome);
  setMark(row.shape, state);
  setAttr(row.node, "data-state", item.state);
  setTitled(row.name, item.account || "the remote's own login", item.account);
  // The row tells of what comes first; of what is done only where nothing is to come.
  const open = stages.filter((one) => one.state !== "done");
  const told = open.length > 0 ? open.slice(0, 1) : stages;
  const [files, bytes] = [sum(told, "files"), sum(told, "bytes")];
  const which = told.length === 1 && told[0].stage > 0 ? `stage ${told[0].stage}, ` : "";
  const prefix = told.length > 1 ? `${format.plural(told.length, "stage")}, ` : which;
  // Without a speed nobody knows when.
  const unknown = item.state === "running" ? item.stands || !item.nowUntil
    : item.state === "next" && (item.stands || !item.toComeUntil);
  setText(row.word, unknown ? state.word : `${state.word} ${span(told, item.state, now)}`);
  const later = open.length > 1 ? `; ${format.plural(open.length - 1, "stage")} later` : "";
  setText(row.what, `${prefix}${format.plural(files, "file")}, ${format.bytes(bytes)}${later}`);
  const before = open.length > 0 ? stages.length - open.length : 0;
  setAttr(row.node, "title", before > 0 ? `${format.plural(before, "stage")} done before` : null);
  row.setStages(stages.map((one) => ({ ...one, row: item })));
  put(row.line, "left", (now - from) / (until - from));
  if (row.line !== row.track.lastChild) row.track.append(row.line);
}

/**
 * A time, as long as there is a point in naming it.
 * @param {number} at
 * @param {number} now
 */
function moment(at, now) {
  return format.isEndless(at - now) ? "in more than 30 days" : format.clock(at, now);
}

/** @param {Stage[]} stages @param {"files" | "bytes"} key */
function sum(stages, key) {
  return stages.reduce((all, one) => all + one[key], 0);
}

/**
 * From when to when: of what runs only its end, of what is done only that it is over.
 * @param {Stage[]} stages
 * @param {string} state
 * @param {number} now
 */
function span(stages, state, now) {
  const begin = moment(stages[0].begin, now);
  const end = moment(stages[stages.length - 1].end, now);
  if (state === "done") return `at ${end}`;
  if (state === "running") return `until ${end}`.replace("until in", "for");
  if (begin === end) return state === "waiting" ? `until ${end}` : end;
  return format.isEndless(stages[0].end - now) ? `from ${begin}` : `${begin} – ${end}`;
}

/** @param {{ node: HTMLElement }} part @param {Piece} one */
function updateStage({ node }, one) {
  const { from, until, now } = one.row;
  const times = `${format.clock(one.begin, now)} – ${format.clock(one.end, now)}`;
  const large = one.oversized ? ", larger than an account's quota" : "";
  setAttr(node, "class", "plan__stage");
  setAttr(node, "data-state", one.state);
  setAttr(node, "title", `${words.stage(one.state).word}: ${amount(one.files, one.bytes)}, ${times}${large}`);
  put(node, "left", (one.begin - from) / (until - from));
  put(node, "width", (one.end - one.begin) / (until - from));
}

/** @param {HTMLElement} node @param {"left" | "width"} side @param {number} share */
function put(node, side, share) {
  const percent = `${(100 * share).toFixed(2)}%`;
  if (node.style[side] !== percent) node.style[side] = percent;
}
