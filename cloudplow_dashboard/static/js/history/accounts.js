// @ts-check
// What each account took, as rows with a bar.

import { bar, el, keyedRows, setText } from "../dom.js";
import * as format from "../format.js";

/** @typedef {import("./ask.js").Answer["accounts"][number]} Row */

/** Returns {node, set(rows)}. */
export function accountRows() {
  const node = el("ul.buckets");
  return { node, set: keyedRows(node, (/** @type {Row} */ item) => item.name, createRow, updateRow) };
}

/** @param {Row} item */
function createRow(item) {
  const progress = bar("bar--bucket", `Data of ${item.name}`);
  const size = el("span.bucket__bytes");
  const label = el("span.bucket__label", { text: item.name, title: item.name, dir: "auto" });
  return { node: el("li.bucket", {}, label, progress.node, size), progress, size };
}

/** @param {ReturnType<typeof createRow>} row @param {Row} item */
function updateRow(row, item) {
  row.progress.set(item.share, format.bytes(item.size));
  setText(row.size, format.bytes(item.size));
}
