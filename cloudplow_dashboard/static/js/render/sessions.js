// @ts-check
// Finished sessions, newest first, and what can be downloaded.

import {
  el, fillPanel, keyedRows, mark, moreButton, setAttr, setMark, setText, setTitled, show, showText,
} from "../dom.js";
import * as format from "../format.js";
import * as words from "../words.js";

const ROWS = 8;
/** How far back an export of the history goes, in seconds. */
const MONTH = 30 * 86_400;
const EXPORTS = [
  ["Session, CSV", "session.csv", ""],
  ["Session, JSON", "session.json", ""],
  ["30 days, CSV", "history.csv", `&since=-${MONTH}`],
  ["30 days, JSON", "history.json", `&since=-${MONTH}`],
];

/** @typedef {PastSession & { now: number }} Row */

/**
 * @param {HTMLElement} root
 * @param {() => void} redraw
 * @returns {Update}
 */
export function sessions(root, redraw) {
  const rows = el("ol.past", { "aria-labelledby": "sessions-title" });
  const more = moreButton(redraw);
  const links = EXPORTS.map(([text, file, since]) => ({ file, since, node: el("a.link", { download: true, text }) }));
  const downloads = el("p.links", {}, el("span", { text: "Download" }), ...links.map((link) => link.node));
  const note = fillPanel(root, rows, more.node, downloads);
  const setRows = keyedRows(rows, (/** @type {Row} */ one) => one.key, createRow, updateRow);

  return ({ sessions: all, now, known, name, session: { exists } }) => {
    const shown = more.expanded ? all : all.slice(0, ROWS);
    setRows(shown.map((one) => ({ ...one, now })));
    show(root, all.length > 0 || exists);
    show(rows, all.length > 0);
    more.update(all.length, ROWS, "sessions");
    setText(note, all.length > 0 ? format.plural(all.length, "session") : "none yet");
    show(downloads, known);
    for (const { file, since, node } of links) {
      setAttr(node, "href", `api/export/${file}?uploader=${encodeURIComponent(name)}${since}`);
    }
  };
}

function createRow() {
  const shape = mark();
  const [word, when, what, why] = ["word", "when", "what", "why"].map((key) => el(`span.past__${key}`));
  why.dir = "auto";
  return { node: el("li.past__row", {}, shape, word, when, what, why), shape, word, when, what, why };
}

/** @param {ReturnType<typeof createRow>} row @param {Row} one */
function updateRow(row, one) {
  const outcome = words.outcome(one.outcome || "interrupted");
  const took = one.seconds >= 1 ? `, ${format.duration(one.seconds)}` : "";
  const why = one.outcome === "done" ? "" : one.reason;
  setMark(row.shape, outcome);
  setText(row.word, one.dryRun ? `${outcome.word} (dry run)` : outcome.word);
  setTitled(row.when, `${format.clock(one.startedAt, one.now)}${took}`, format.fullTime(one.startedAt));
  setText(row.what, [
    one.filesDone > 0 ? `${format.plural(one.filesDone, "file")}, ${format.bytes(one.bytesDone)}` : "nothing uploaded",
    one.sessions > 1 ? format.plural(one.sessions, "session") : "",
    one.filesLeft > 0 ? `${format.count(one.filesLeft)} left` : "",
    one.filesFailed > 0 ? `${format.count(one.filesFailed)} failed` : "",
  ].filter(Boolean).join(" · "));
  showText(row.why, why);
  setAttr(row.why, "title", why || null);
}
