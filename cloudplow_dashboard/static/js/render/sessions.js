// The sessions that are over, newest first, and what can be downloaded.

import { el, keyedRows, mark, moreButton, setAttr, setMark, setText, show } from "../dom.js";
import * as format from "../format.js";
import { num, obj, str } from "../read.js";
import * as words from "../words.js";

const ROWS = 6;
const EXPORTS = [["Session, CSV", "session.csv"], ["Session, JSON", "session.json"], ["30 days, CSV", "history.csv"], ["30 days, JSON", "history.json"]];

/** root: the section. Returns update(view). */
export function sessions(root, redraw) {
  const note = root.querySelector("[data-note]");
  const empty = el("p.empty", { text: "No session has ended yet." });
  const rows = el("ol.past", { "aria-labelledby": "sessions-title" });
  const more = moreButton(redraw);
  const links = EXPORTS.map(([text, file]) => ({ file, node: el("a.link", { download: true, text }) }));
  const downloads = el("p.links", {}, el("span", { text: "Download" }), ...links.map((link) => link.node));
  root.querySelector("[data-body]").replaceChildren(rows, empty, more.node, downloads);
  const setRows = keyedRows(rows, (one) => one.key, createRow, updateRow);

  return (view) => {
    const all = view.sessions.map((entry) => {
      const one = obj(entry);
      return { one, now: view.now, key: `${str(one.id)} ${num(one.started_at)}` };
    }).reverse();
    setRows(more.expanded ? all : all.slice(0, ROWS));
    show(rows, all.length > 0);
    show(empty, all.length === 0);
    more.update(all.length, ROWS, "sessions");
    setText(note, all.length > 0 ? format.plural(all.length, "session") : "");
    show(downloads, view.known);
    for (const { file, node } of links) {
      const since = file.startsWith("history") ? "&since=-2592000" : "";
      setAttr(node, "href", `api/export/${file}?uploader=${encodeURIComponent(view.name)}${since}`);
    }
  };
}

function createRow() {
  const shape = mark();
  const parts = Object.fromEntries(["word", "when", "what", "why"].map((key) => [key, el("span", { class: `past__${key}` })]));
  parts.why.dir = "auto";
  return { node: el("li.past__row", {}, shape, parts.word, parts.when, parts.what, parts.why), shape, ...parts };
}

function updateRow(row, { one, now }) {
  const { word, shape, tone } = words.outcome(str(one.outcome) || "interrupted");
  const start = num(one.started_at);
  const took = num(one.ended_at) - start;
  setMark(row.shape, shape, tone);
  setText(row.word, one.dry_run === true ? `${word} (dry run)` : word);
  setText(row.when, `${format.clock(start, now)}${took >= 1 ? `, ${format.duration(took)}` : ""}`);
  setAttr(row.when, "title", format.fullTime(start) || null);
  const failed = num(one.files_failed);
  const left = num(one.files_left);
  setText(row.what, [
    `${format.plural(num(one.files_done), "file")}, ${format.bytes(num(one.bytes_done))}`,
    left > 0 ? `${format.count(left)} left` : "",
    failed > 0 ? `${format.count(failed)} failed` : "",
  ].filter(Boolean).join(" · "));
  const why = str(one.outcome) === "done" ? "" : str(one.reason);
  setText(row.why, why);
  setAttr(row.why, "title", why || null);
  show(row.why, why !== "");
}
