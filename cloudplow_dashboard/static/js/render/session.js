// The numbers of the session that runs, or of the last one, and what failed in it.

import { el, keyedRows, setAttr, setText, show } from "../dom.js";
import { fileName } from "../filename.js";
import * as format from "../format.js";

/** root: the section. Returns update(view). */
export function session(root) {
  const title = root.querySelector("h2");
  const note = root.querySelector("[data-note]");
  const empty = el("p.empty", { text: "No session yet. Run “cloudplow upload”: its numbers will stand here." });
  const stats = el("dl.stats");
  const failed = el("ul.failures");
  const failedTitle = el("summary");
  const failedBox = el("details.disclosure", {}, failedTitle, failed);
  root.querySelector("[data-body]").replaceChildren(stats, failedBox, empty);
  const setStats = keyedRows(stats, (item) => item.key, createStat, updateStat);
  const setFailures = keyedRows(failed, (item) => item.key, createFailure, updateFailure);

  return (view) => {
    const exists = view.session.exists;
    setText(title, view.active || !exists ? "Session" : "Last session");
    setText(note, exists ? startedText(view) : "");
    setAttr(note, "title", format.fullTime(view.session.startedAt) || null);
    show(stats, exists);
    show(empty, !exists);
    setStats(exists ? statsOf(view) : []);
    show(failedBox, exists && view.failures.length > 0);
    const hidden = view.session.filesFailed > view.failures.length ? `, the last ${view.failures.length} shown` : "";
    setText(failedTitle, `What failed${hidden}`);
    setFailures(failureItems(view));
  };
}

function startedText(view) {
  const at = format.clock(view.session.startedAt, view.now);
  return at ? `since ${at}` : "";
}

function statsOf(view) {
  const { accountsUsed, accountsTotal, filesFailed } = view.session;
  const stats = [
    { key: "files", label: "Files", value: format.count(view.filesDone), note: view.filesTotal ? `of ${format.count(view.filesTotal)}` : "" },
    { key: "bytes", label: "Data", value: format.bytes(view.done), note: view.total ? `of ${format.bytes(view.total)}` : "" },
    { key: "left", label: "Remaining", value: view.total ? format.bytes(view.left) : "-", note: view.total ? format.plural(view.filesLeft, "file") : "not known yet" },
    { key: "seconds", label: "Duration", value: format.duration(view.seconds), note: endText(view) },
    { key: "average", label: "Average speed", value: format.speed(view.average), note: view.active ? `now ${format.speed(view.speed)}` : "" },
  ];
  if (view.active) {
    const eta = view.eta >= 0 ? format.duration(Math.max(1, view.eta)) : "-";
    stats.push({ key: "eta", label: view.fits ? "Time left" : "Quota lasts", value: eta, note: view.fits ? "" : `${format.bytes(view.waiting)} must wait` });
  }
  if (accountsUsed.length > 0 || accountsTotal > 0) {
    stats.push({
      key: "accounts", label: "Accounts used", value: format.count(accountsUsed.length),
      note: accountsTotal > 0 ? `of ${format.count(accountsTotal)}` : "", title: accountsUsed.slice(0, 40).join(", "),
    });
  }
  stats.push({ key: "failed", label: "Failures", value: format.count(filesFailed), note: filesFailed > 0 ? "see below" : "none", tone: filesFailed > 0 ? "bad" : "" });
  return stats;
}

function endText(view) {
  if (view.active) return "";
  const at = format.clock(view.session.endedAt, view.now);
  return at ? `ended ${at}` : "end not known";
}

function createStat() {
  const label = el("dt.stat__label");
  const value = el("dd.stat__value");
  const note = el("dd.stat__note");
  return { node: el("div.stat", {}, label, value, note), label, value, note };
}

function updateStat(row, item) {
  setText(row.label, item.label);
  setText(row.value, item.value);
  setText(row.note, item.note);
  setAttr(row.node, "title", item.title || null);
  setAttr(row.node, "data-tone", item.tone || null);
}

/** Newest first; a key that stays when the list moves on. */
function failureItems(view) {
  const seen = new Map();
  const items = view.failures.map((failure) => {
    const base = `${failure.at}\n${failure.name}`;
    const times = seen.get(base) ?? 0;
    seen.set(base, times + 1);
    return { ...failure, key: `${base}\n${times}`, now: view.now };
  });
  return items.reverse();
}

function createFailure() {
  const name = fileName();
  const error = el("p.failure__error", { dir: "auto" });
  const meta = el("p.failure__meta");
  return { node: el("li.failure", {}, name.node, error, meta), name, error, meta };
}

function updateFailure(row, item) {
  row.name.set(item.name || "(no name)");
  setText(row.error, item.error || "No reason given");
  const parts = [format.clock(item.at, item.now), item.account, item.stage > 0 ? `stage ${item.stage}` : ""];
  setText(row.meta, parts.filter(Boolean).join(" · "));
}
