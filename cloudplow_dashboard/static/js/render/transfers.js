// The files on their way: one row each, kept by name, in the order in which they began.

import { bar, el, keyedRows, moreButton, setText, show } from "../dom.js";
import { fileName } from "../filename.js";
import * as format from "../format.js";

const ROWS = 20;

/** root: the section. Returns update(view). */
export function transfers(root, redraw) {
  const note = root.querySelector("[data-note]");
  const empty = el("p.empty");
  const body = el("tbody", { role: "rowgroup" });
  const table = el("table.table.table--transfers", { role: "table", "aria-labelledby": "transfers-title" },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" },
      ...["File", "Done", "Size", "Speed", "Time left"].map((text) => (
        el("th", { role: "columnheader", scope: "col", text, class: text === "File" ? undefined : "number" })
      )))),
    body);
  const more = moreButton(redraw);
  root.querySelector("[data-body]").replaceChildren(table, empty, more.node);
  const setRows = keyedRows(body, (file) => file.key, createRow, updateRow);

  return (view) => {
    show(root, view.active || view.transfers.length > 0);
    const files = more.expanded ? view.transfers : view.transfers.slice(0, ROWS);
    setRows(files);
    show(table, files.length > 0);
    show(empty, files.length === 0);
    setText(empty, emptyText(view));
    more.update(view.transfers.length, ROWS, "transfers");
    setText(note, noteText(view));
  };
}

function emptyText(view) {
  if (view.phase === "scanning") return "Looking for what has to be uploaded.";
  if (view.phase === "switching") return "The next account is about to begin.";
  if (view.phase === "suspended") return "Nothing moves while uploads are suspended.";
  return "No file is on its way at this moment.";
}

function noteText(view) {
  const parts = [];
  if (view.transfersTotal > 0) parts.push(format.plural(view.transfersTotal, "file"));
  if (view.transfersTotal > view.transfers.length) parts.push(`${view.transfers.length} shown`);
  if (view.checking > 0) parts.push(`${format.count(view.checking)} being checked`);
  return parts.join(", ");
}

function createRow() {
  const name = fileName();
  const progress = bar("bar--row", "Progress of the file");
  const cells = {};
  for (const key of ["share", "size", "speed", "eta"]) {
    cells[key] = el("td", { role: "cell", class: `number cell--${key}` });
  }
  const node = el("tr", { role: "row" },
    el("td.cell--name", { role: "cell" }, name.node, progress.node),
    cells.share, cells.size, cells.speed, cells.eta);
  return { node, name, progress, ...cells };
}

function updateRow(row, file) {
  row.name.set(file.name);
  const share = format.percent(file.fraction, 0);
  setText(row.share, share);
  setText(row.size, format.bytes(file.size));
  setText(row.speed, format.speed(file.speed));
  setText(row.eta, format.duration(file.eta));
  row.progress.set(file.fraction, `${share} of ${format.bytes(file.size)}`);
}
