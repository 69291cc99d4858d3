// @ts-check
// What happened, newest first.

import {
  el, fillPanel, keyedRows, mark, moreButton, setAttr, setMark, setText, setTitled, show, showText, typed,
} from "../dom.js";
import * as format from "../format.js";
import { keep, kept } from "../kept.js";
import * as words from "../words.js";

const ROWS = 12;
/** Where there is more room the style sheet shows as many as fit. */
const ROWS_AT_MOST = 50;
const WIDE = matchMedia("(min-width: 70rem)");
/** A longer text may be cut short: it is then the tooltip too. */
const LONG_TEXT = 120;
/** Facts that name a time and no file. */
const TIMED = new Set(["uploader_suspended", "control_used", "session_finished"]);
/**
 * What can be picked out, and the kinds of facts that belong to it.
 * @type {Record<string, string[] | null>}
 */
const GROUPS = {
  "Everything": null,
  "Sessions": ["session_started", "session_finished", "queue_learned", "file_transferred"],
  "Stages": ["stage_started", "stage_finished"],
  "Switches": ["sa_switched"],
  "Failures": ["file_failed"],
  "Throttling": ["throttle_changed", "uploader_suspended", "uploader_resumed"],
  "Controls": ["control_used"],
};

/**
 * @param {HTMLElement} root
 * @param {() => void} redraw
 * @returns {Update}
 */
export function log(root, redraw) {
  const empty = el("p.empty");
  const rows = el("ol.log", { "aria-labelledby": "log-title" });
  const more = moreButton(redraw);
  const names = Object.keys(GROUPS);
  const group = el("select.field", { "aria-label": "Filter the log" }, ...names.map((text) => el("option", { text })));
  const search = el("input.field", {
    type: "search", placeholder: "Search the log", "aria-label": "Search the log", autocomplete: "off",
  });
  for (const [name, field] of Object.entries({ "log group": group, "log search": search })) {
    const before = kept(name, typed(field));
    /** @type {HTMLInputElement} */ (field).value = field === group && !names.includes(before) ? names[0] : before;
    field.addEventListener("input", () => {
      keep(name, typed(field));
      redraw();
    });
  }
  const controls = el("div.controls", {}, group, search);
  const note = fillPanel(root, controls, rows, empty, more.node);
  const setRows = keyedRows(rows, (/** @type {Row} */ row) => row.seq, createRow, updateRow);

  return (view) => {
    const several = view.uploaders.length > 1;
    const all = view.facts.map((fact) => ({
      ...fact,
      text: TIMED.has(fact.kind) ? format.localTimes(fact.text, fact.at, view.utcOffset, view.now) : fact.text,
      uploader: several ? fact.uploader : "",
      now: view.now,
    }));
    const facts = chosen(all, GROUPS[typed(group)], typed(search).toLowerCase());
    show(root, view.known);
    show(controls, all.length > 0);
    setText(note, all.length > 0 ? `last at ${format.moment(all[0].at, view.now)}` : "empty");
    setText(empty, all.length > 0 ? "No matching entries." : "Nothing has happened since the dashboard started.");
    setRows(more.expanded ? facts : facts.slice(0, WIDE.matches ? ROWS_AT_MOST : ROWS));
    setAttr(rows, "data-all", more.expanded ? "" : null);
    show(rows, facts.length > 0);
    show(empty, facts.length === 0);
    const fits = WIDE.matches && !more.expanded && facts.length <= ROWS_AT_MOST && rows.scrollWidth <= rows.clientWidth;
    more.update(fits ? 0 : facts.length, ROWS, "entries");
  };
}

/** @typedef {Fact & { now: number }} Row */

/** @param {Row[]} all @param {string[] | null} kinds @param {string} text */
function chosen(all, kinds, text) {
  return all.filter((fact) => (!kinds || kinds.includes(fact.kind))
    && (!text || fact.text.toLowerCase().includes(text) || fact.uploader.toLowerCase().includes(text)));
}

function createRow() {
  const time = el("time.log__time");
  const shape = mark();
  const uploader = el("bdi.log__uploader");
  const text = el("span.log__text", { dir: "auto" });
  const node = el("li.log__row", {}, time, shape, el("span.log__words", {}, uploader, text));
  return { node, time, shape, uploader, text };
}

/** @param {ReturnType<typeof createRow>} row @param {Row} fact */
function updateRow(row, fact) {
  setText(row.time, format.clockSeconds(fact.at, fact.now));
  setAttr(row.time, "datetime", format.isoTime(fact.at) || null);
  setAttr(row.time, "title", format.fullTime(fact.at) || null);
  setMark(row.shape, words.fact(fact.kind, fact.text));
  showText(row.uploader, fact.uploader);
  setTitled(row.text, fact.text, fact.text.length > LONG_TEXT ? fact.text : "");
}
