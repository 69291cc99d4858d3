// The plan as a timeline: a row for each account, its stages along the time: done, running, next, waiting.

import { el, keyedRows, mark, moreButton, setAttr, setMark, setText, show } from "../dom.js";
import * as format from "../format.js";
import { list, num, obj, str } from "../read.js";
import * as words from "../words.js";

const ROWS = 10;
const LABELS = 3;
/** Of a stage whose speed nobody knows, in bytes per second: only the lengths beside each other count then. */
const NO_SPEED = 50e6;

/** root: the section. Returns update(view). */
export function plan(root, redraw) {
  const note = root.querySelector("[data-note]");
  const rows = el("ol.plan", { "aria-labelledby": "plan-title" });
  const times = Array.from({ length: LABELS }, () => el("span"));
  const axis = el("p.plan__axis", { "aria-hidden": "true" }, ...times);
  const rest = el("p.panel__line");
  const empty = el("p.empty", { text: "No plan yet: it is made when the queue has been listed." });
  const more = moreButton(redraw);
  root.querySelector("[data-body]").replaceChildren(axis, rows, more.node, rest, empty);
  const setRows = keyedRows(rows, (row) => row.account, createRow, updateRow);

  return (view) => {
    const stages = timed(view);
    const known = stages.length > 0;
    for (const node of [rows, axis]) show(node, known);
    show(empty, !known && !num(view.plan.made_at));
    const [from, until] = bounds(stages, view.now);
    const all = byAccount(stages, view, from, until);
    const first = more.expanded ? 0 : Math.max(0, Math.min(all.findIndex((row) => row.state !== "done"), all.length - ROWS));
    setRows(more.expanded ? all : all.slice(first, first + ROWS));
    more.update(all.length, ROWS, "accounts");
    setText(note, noteText(view.plan));
    for (const [place, label] of times.entries()) setText(label, format.clock(from + ((until - from) * place) / (LABELS - 1), view.now));
    const text = restText(view);
    setText(rest, text);
    show(rest, text !== "");
  };
}

/** Stages with a beginning and an end, in epoch seconds; what is still to come by the speed of now. */
function timed(view) {
  const speed = view.speed || view.average || NO_SPEED;
  const all = [...list(view.plan.stages), ...list(view.plan.later)].map((entry, place) => {
    const one = obj(entry);
    return { key: place, stage: num(one.stage), account: str(one.account), files: num(one.files), bytes: num(one.bytes),
      begin: num(one.starts_at), end: 0, state: str(one.state), outcome: str(one.outcome), oversized: one.oversized === true };
  });
  let at = 0;
  for (const [place, one] of all.entries()) {
    const length = one.bytes / speed;
    if (one.state === "done") {
      one.begin ||= at || view.session.startedAt || view.now - length;
      const next = obj(all[place + 1]);
      const over = ["done", "running"].includes(next.state) ? next.begin : view.session.endedAt;
      one.end = Math.max(one.begin + 1, Math.min(over || one.begin + length, view.now));
    } else if (one.state === "running") {
      one.begin ||= view.now;
      one.end = Math.max(view.now, one.begin + length) + 1;
    } else {
      one.begin = Math.max(view.now, at, one.begin);
      one.end = one.begin + Math.max(1, length);
    }
    at = one.end;
  }
  return all;
}

function bounds(stages, now) {
  const from = stages.reduce((least, one) => Math.min(least, one.begin), now);
  return [from, stages.reduce((most, one) => Math.max(most, one.end), from + 60)];
}

const ORDER = ["running", "next", "waiting", "done"];

function byAccount(stages, view, from, until) {
  const rows = new Map();
  for (const one of stages) {
    const row = rows.get(one.account) ?? { account: one.account, stages: [], now: view.now, from, until };
    row.stages.push(one);
    rows.set(one.account, row);
  }
  for (const row of rows.values()) {
    row.state = ORDER.find((state) => row.stages.some((one) => one.state === state)) ?? "done";
    row.head = row.stages.find((one) => one.state === row.state) ?? row.stages[0];
  }
  return [...rows.values()];
}

function noteText(plan) {
  const parts = [];
  for (const [key, word] of [["done_total", "done"], ["next_total", "to come"], ["later_total", "waiting"]]) {
    if (num(plan[key]) > 0) parts.push(`${format.count(num(plan[key]))} ${word}`);
  }
  return parts.join(", ");
}

/** What does not fit now, and until when: by the plan, or by what an earlier run said that had used up its quota. */
export function restText({ plan, session, now }) {
  const earlier = session.outcome === "quota_used" && !num(plan.made_at);
  const [files, bytes] = earlier ? [session.filesLeft, session.bytesLeft] : [num(plan.waiting_files), plan.waiting_bytes];
  if (!files) return "";
  const next = num(plan.next_capacity_at) || session.nextCapacityAt;
  const when = next > now ? `; more can go from ${format.clock(next, now)} on` : next > 0 ? "; more can go again" : "";
  const why = str(plan.unplanned_why);
  const beyond = num(plan.unplanned_files) > 0 ? ` Not planned yet: ${amount(plan.unplanned_files, plan.unplanned_bytes)}${why && `, as ${why}`}.` : "";
  return `Does not fit now: ${amount(files, bytes)}${when}.${beyond}`;
}

const amount = (files, bytes) => `${format.plural(num(files), "file")} (${format.bytes(num(bytes))})`;

function createRow() {
  const shape = mark();
  const word = el("span.plan__word");
  const name = el("span.plan__name", { dir: "auto" });
  const what = el("span.plan__what");
  const track = el("span.plan__track", { "aria-hidden": "true" });
  const line = el("i.plan__now");
  const setStages = keyedRows(track, (one) => one.key, () => ({ node: el("i") }), updateStage);
  return { node: el("li.plan__row", {}, shape, name, word, what, track), shape, word, name, what, track, line, setStages };
}

function updateRow(row, item) {
  const { word, shape, tone } = words.stage(item.state);
  const { head } = item;
  setMark(row.shape, shape, tone);
  setAttr(row.node, "data-state", item.state);
  setText(row.name, item.account || "its own login");
  setAttr(row.name, "title", item.account);
  setText(row.word, head.state === "waiting" ? `${word} until ${format.clock(head.begin, item.now)}` : word);
  const stage = head.stage > 0 ? `stage ${head.stage}, ` : "";
  const more = item.stages.length > 1 ? `${format.plural(item.stages.length, "stage")}, ` : stage;
  const files = item.stages.reduce((sum, one) => sum + one.files, 0);
  setText(row.what, `${more}${format.plural(files, "file")}, ${format.bytes(item.stages.reduce((sum, one) => sum + one.bytes, 0))}`);
  row.setStages(item.stages.map((one) => ({ ...one, row: item })));
  place(row.line, (item.now - item.from) / (item.until - item.from));
  if (row.line !== row.track.lastChild) row.track.append(row.line);
}

function updateStage(part, one) {
  const { from, until, now } = one.row;
  setAttr(part.node, "class", "plan__stage");
  setAttr(part.node, "data-state", one.state);
  setAttr(part.node, "title", `${words.stage(one.state).word}: ${amount(one.files, one.bytes)}, ${format.clock(one.begin, now)} – ${format.clock(one.end, now)}${one.oversized ? ", larger than an account's quota" : ""}`);
  place(part.node, (one.begin - from) / (until - from), (one.end - one.begin) / (until - from));
}

function place(node, left, width) {
  const at = `${(100 * left).toFixed(2)}%`;
  if (node.style.left !== at) node.style.left = at;
  if (width === undefined) return;
  const wide = `${(100 * width).toFixed(2)}%`;
  if (node.style.width !== wide) node.style.width = wide;
}
