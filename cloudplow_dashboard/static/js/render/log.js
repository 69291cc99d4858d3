// What happened, newest first.

import { el, keyedRows, mark, moreButton, setAttr, setMark, setText, show } from "../dom.js";
import * as format from "../format.js";
import { num, obj, str } from "../read.js";
import * as words from "../words.js";

const ROWS = 12;
/** What can be picked out, and the kinds of facts that belong to it. */
const GROUPS = {
  "Everything": null,
  "Sessions": ["session_started", "session_finished", "queue_learned"],
  "Stages": ["stage_started", "stage_finished"],
  "Switches": ["sa_switched"],
  "Failures": ["file_failed"],
  "Throttling": ["throttle_changed", "uploader_suspended", "uploader_resumed"],
};

/** root: the section. Returns update(view, uploadersTotal). */
export function log(root, redraw) {
  const empty = el("p.empty");
  const rows = el("ol.log", { "aria-labelledby": "log-title" });
  const more = moreButton(redraw);
  const group = el("select.field", { "aria-label": "Which entries" }, ...Object.keys(GROUPS).map((text) => el("option", { text })));
  const search = el("input.field", { type: "search", placeholder: "Search the log", "aria-label": "Search the log", autocomplete: "off" });
  for (const field of [group, search]) field.addEventListener("input", redraw);
  const controls = el("div.controls", {}, group, search);
  root.querySelector("[data-body]").replaceChildren(controls, rows, empty, more.node);
  const setRows = keyedRows(rows, (fact) => fact.seq, createRow, updateRow);

  return (view, uploadersTotal) => {
    const all = view.facts.map((fact, place) => ({
      seq: num(obj(fact).seq, -1 - place),
      at: num(obj(fact).at),
      uploader: uploadersTotal > 1 ? str(obj(fact).uploader) : "",
      kind: str(obj(fact).kind),
      text: str(obj(fact).text),
      now: view.now,
    })).reverse();
    const kinds = GROUPS[group.value];
    const text = search.value.toLowerCase();
    const facts = all.filter((fact) => (!kinds || kinds.includes(fact.kind))
      && (!text || fact.text.toLowerCase().includes(text) || fact.uploader.toLowerCase().includes(text)));
    show(controls, all.length > 0);
    setText(empty, all.length > 0 ? "No entry is like that." : "Nothing has happened since the dashboard started.");
    setRows(more.expanded ? facts : facts.slice(0, ROWS));
    show(rows, facts.length > 0);
    show(empty, facts.length === 0);
    more.update(facts.length, ROWS, "entries");
  };
}

function createRow() {
  const time = el("time.log__time");
  const shape = mark();
  const uploader = el("bdi.log__uploader");
  const text = el("span.log__text", { dir: "auto" });
  return { node: el("li.log__row", {}, time, shape, el("span.log__words", {}, uploader, text)), time, shape, uploader, text };
}

function updateRow(row, fact) {
  const { shape, tone } = words.fact(fact.kind);
  setText(row.time, format.clockSeconds(fact.at, fact.now));
  setAttr(row.time, "datetime", format.isoTime(fact.at) || null);
  setAttr(row.time, "title", format.fullTime(fact.at) || null);
  setMark(row.shape, shape, tone);
  setText(row.uploader, fact.uploader);
  show(row.uploader, fact.uploader !== "");
  setText(row.text, fact.text);
  setAttr(row.text, "title", fact.text.length > 120 ? fact.text : null);
}
