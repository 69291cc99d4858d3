// @ts-check
// The files on their way: one row each, kept by name, in the order in which they began.

import { bar, el, fillPanel, keyedRows, moreButton, setText, show } from "../dom.js";
import { fileName } from "../filename.js";
import * as format from "../format.js";

const ROWS = 20;
/** How long what is below keeps its place when there are fewer rows, in seconds: small files come and go. */
const STEADY_SECONDS = 10;
const COLUMNS = ["File", "Done", "Size", "Speed", "Time left"];

/**
 * @param {HTMLElement} root
 * @param {() => void} redraw
 * @returns {Update}
 */
export function transfers(root, redraw) {
  const empty = el("p.empty");
  const body = el("tbody", { role: "rowgroup" });
  const heads = COLUMNS.map((text, place) => (
    el("th", { role: "columnheader", scope: "col", text, class: place === 0 ? undefined : "number" })));
  const table = el("table.table.table--transfers", { role: "table", "aria-labelledby": "transfers-title" },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...heads)), body);
  const more = moreButton(redraw);
  const note = fillPanel(root, table, empty, more.node);
  const setRows = keyedRows(body, (/** @type {Transfer} */ file) => file.key, createRow, updateRow);

  let room = { id: "", rows: 0, at: 0 };

  return (view) => {
    const { transfers: all, active, phase, now, session: { id } } = view;
    const rows = more.expanded ? all.length : Math.min(all.length, ROWS);
    if (id !== room.id || rows >= room.rows || now - room.at > STEADY_SECONDS) {
      room = { id, rows, at: now };
      root.style.setProperty("--rows", String(rows));
    }
    show(root, active || all.length > 0);
    setRows(more.expanded ? all : all.slice(0, ROWS));
    show(table, all.length > 0);
    show(empty, all.length === 0);
    setText(empty, emptyText(phase));
    more.update(all.length, ROWS, "transfers");
    setText(note, noteText(view));
  };
}

/** @param {string} phase */
function emptyText(phase) {
  if (phase === "scanning") return "Listing the files to upload.";
  if (phase === "switching") return "The next account is about to start.";
  if (phase === "suspended") return "Nothing is transferred while uploads are suspended.";
  return "No file is being transferred right now.";
}

/** @param {View} view */
function noteText({ transfers: shown, transfersTotal, checking }) {
  const parts = [];
  if (transfersTotal > 0) parts.push(format.plural(transfersTotal, "file"));
  if (transfersTotal > shown.length) parts.push(`${shown.length} shown`);
  if (checking > 0) parts.push(`${format.count(checking)} being checked`);
  return parts.join(", ") || "none";
}

function createRow() {
  const name = fileName();
  const progress = bar("bar--row", "Progress of the file");
  const cells = ["share", "size", "speed", "eta"].map((key) => el(`td.number.cell--${key}`, { role: "cell" }));
  const [share, size, speed, eta] = cells;
  const first = el("td.cell--name", { role: "cell" }, name.node, progress.node);
  return { node: el("tr", { role: "row" }, first, ...cells), name, progress, share, size, speed, eta };
}

/** @param {ReturnType<typeof createRow>} row @param {Transfer} file */
function updateRow(row, file) {
  row.name.set(file.name);
  const share = format.percent(file.fraction, 0);
  setText(row.share, share);
  setText(row.size, format.bytes(file.size));
  setText(row.speed, format.speed(file.speed));
  setText(row.eta, format.timeLeft(file.eta));
  row.progress.set(file.fraction, `${share} of ${format.bytes(file.size)}`);
}
