// What happened, newest first.

import { el, keyedRows, mark, moreButton, setAttr, setMark, setText, show } from "../dom.js";
import * as format from "../format.js";
import { num, obj, str } from "../read.js";
import * as words from "../words.js";

const ROWS = 12;

/** root: the section. Returns update(view, uploadersTotal). */
export function log(root, redraw) {
  const empty = el("p", { class: "empty", text: "Nothing has happened since the dashboard started." });
  const rows = el("ol", { class: "log", "aria-labelledby": "log-title" });
  const more = moreButton(redraw);
  root.querySelector("[data-body]").replaceChildren(rows, empty, more.node);
  const setRows = keyedRows(rows, (fact) => fact.seq, createRow, updateRow);

  return (view, uploadersTotal) => {
    const facts = view.facts.map((fact, place) => ({
      seq: num(obj(fact).seq, -1 - place),
      at: num(obj(fact).at),
      uploader: uploadersTotal > 1 ? str(obj(fact).uploader) : "",
      kind: str(obj(fact).kind),
      text: str(obj(fact).text),
      now: view.now,
    })).reverse();
    setRows(more.expanded ? facts : facts.slice(0, ROWS));
    show(rows, facts.length > 0);
    show(empty, facts.length === 0);
    more.update(facts.length, ROWS, "entries");
  };
}

function createRow() {
  const time = el("time", { class: "log__time" });
  const shape = mark();
  const uploader = el("bdi", { class: "log__uploader" });
  const text = el("span", { class: "log__text", dir: "auto" });
  return { node: el("li", { class: "log__row" }, time, shape, el("span", { class: "log__words" }, uploader, text)), time, shape, uploader, text };
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
