// @ts-check
// The numbers of the session that runs, or of the last one, and what failed in it.

import { el, figures, fillPanel, keyedRows, part, setText, setTitled, show } from "../dom.js";
import { fileName } from "../filename.js";
import * as format from "../format.js";

/** How many accounts the tooltip names. */
const NAMED_ACCOUNTS = 40;

/**
 * @param {HTMLElement} root
 * @returns {Update}
 */
export function session(root) {
  const title = part(root, "h2");
  const empty = el("p.empty", { text: "No session yet. Run “cloudplow upload” to see its numbers here." });
  const stats = el("dl.stats");
  const failed = el("ul.failures");
  const failedTitle = el("summary");
  const failedBox = el("details.disclosure", {}, failedTitle, failed);
  const note = fillPanel(root, stats, failedBox, empty);
  const setStats = figures(stats, "stat");
  const setFailures = keyedRows(failed, (/** @type {FailureRow} */ item) => item.key, createFailure, updateFailure);

  return (view) => {
    const { exists, startedAt, filesFailed } = view.session;
    const began = format.clock(startedAt, view.now);
    setText(title, view.active || !exists ? "Session" : "Last session");
    setTitled(note, exists && began ? `since ${began}` : "", format.fullTime(startedAt));
    show(stats, exists);
    show(empty, !exists);
    setStats(exists ? statsOf(view) : []);
    const shown = view.failures.length;
    show(failedBox, exists && shown > 0);
    setText(failedTitle, filesFailed > shown ? `Failed files, the last ${shown} shown` : "Failed files");
    setFailures(view.failures.map((failure) => ({ ...failure, now: view.now })));
  };
}

/** @param {View} view */
function statsOf(view) {
  const { accountsUsed, accountsTotal, filesFailed } = view.session;
  const ofFiles = view.filesTotal ? `of ${format.count(view.filesTotal)}` : "";
  const ofBytes = view.total ? `of ${format.bytes(view.total)}` : "";
  const left = view.total ? format.plural(view.filesLeft, "file") : "not known yet";
  const now = view.active ? `now ${format.speed(view.speed)}` : "";
  /** @type {import("../dom.js").Figure[]} */
  const stats = [
    { label: "Files", value: format.count(view.filesDone), note: ofFiles },
    { label: "Data", value: format.bytes(view.done), note: ofBytes },
    { label: "Remaining", value: view.total ? format.bytes(view.left) : "-", note: left },
    { label: "Duration", value: format.duration(view.seconds), note: endText(view) },
    { label: "Average speed", value: format.speed(view.average), note: now },
  ];
  if (view.active) {
    const value = view.eta >= 0 ? format.duration(Math.max(1, view.eta)) : "-";
    const note = view.fits ? "" : `${format.bytes(view.waiting)} must wait`;
    stats.push({ label: view.fits ? "Time left" : "Quota lasts", value, note });
  }
  if (accountsUsed.length > 0 || accountsTotal > 0) {
    const note = accountsTotal > 0 ? `of ${format.count(accountsTotal)}` : "";
    const title = accountsUsed.slice(0, NAMED_ACCOUNTS).join(", ");
    stats.push({ label: "Accounts used", value: format.count(accountsUsed.length), note, title });
  }
  const bad = filesFailed > 0;
  const value = format.count(filesFailed);
  stats.push({ label: "Failures", value, note: bad ? "see below" : "none", tone: bad ? "bad" : "" });
  return stats;
}

/** @param {View} view */
function endText(view) {
  if (view.active) return "";
  const at = format.clock(view.session.endedAt, view.now);
  return at ? `ended ${at}` : "end not known";
}

/** @typedef {Failure & { now: number }} FailureRow */

function createFailure() {
  const name = fileName();
  const error = el("p.failure__error", { dir: "auto" });
  const meta = el("p.failure__meta");
  return { node: el("li.failure", {}, name.node, error, meta), name, error, meta };
}

/** @param {ReturnType<typeof createFailure>} row @param {FailureRow} item */
function updateFailure(row, item) {
  row.name.set(item.name || "(no name)");
  setText(row.error, item.error || "No reason given");
  const parts = [format.clock(item.at, item.now), item.account, item.stage > 0 ? `stage ${item.stage}` : ""];
  setText(row.meta, parts.filter(Boolean).join(" · "));
}
