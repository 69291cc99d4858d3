// @ts-check
// Of the session that runs, or of the last one, what the headline does not say; and what failed in it, by its reason.

import { el, figures, fillPanel, keyedRows, part, setText, show } from "../dom.js";
import { fileName } from "../filename.js";
import * as format from "../format.js";
import { keep, kept } from "../kept.js";

/** How many accounts the tooltip names. */
const NAMED_ACCOUNTS = 40;
const OPEN = "open failures";

/**
 * @param {HTMLElement} root
 * @returns {Update}
 */
export function session(root) {
  const title = part(root, "h2");
  const stats = el("dl.stats");
  const failed = el("ul.failures");
  const failedTitle = el("summary");
  const failedBox = /** @type {HTMLDetailsElement} */ (el("details.disclosure", {}, failedTitle, failed));
  const note = fillPanel(root, stats, failedBox);
  const setStats = figures(stats, "stat");
  const setFailures = keyedRows(failed, (/** @type {KindRow} */ item) => item.key, createKind, updateKind);
  // Opened where there is something to see, until somebody closes it.
  failedBox.open = kept(OPEN, "1") !== "";
  failedTitle.addEventListener("click", () => keep(OPEN, failedBox.open ? "" : "1"));

  return (view) => {
    const { exists, filesFailed } = view.session;
    setText(title, view.active || !exists ? "Session" : "Last session");
    show(root, exists);
    if (!exists) return;
    const none = view.active ? "" : view.session.outcome === "failed" ? "failed" : "no failures";
    const failures = filesFailed > 0 ? `${format.count(filesFailed)} failed` : none;
    setText(note, [view.active ? format.duration(view.seconds) : "", failures].filter(Boolean).join(", "));
    setStats(statsOf(view));
    const kinds = view.failureKinds;
    show(failedBox, kinds.length > 0);
    setText(failedTitle, `Why ${format.plural(filesFailed, "file")} failed`);
    setFailures(kinds.map((kind) => ({ ...kind, now: view.now })));
  };
}

/** @param {View} view */
function statsOf(view) {
  const { accountsUsed, accountsTotal, filesFailed, startedAt } = view.session;
  /** @type {import("../dom.js").Figure[]} */
  const stats = [
    { label: "Began", value: format.clock(startedAt, view.now) || "-", note: "", title: format.fullTime(startedAt) },
  ];
  if (view.active) stats.push({ label: "Running for", value: format.duration(view.seconds), note: "" });
  else if (view.average > 0) stats.push({ label: "Average speed", value: format.speed(view.average), note: "" });
  if (accountsUsed.length > 0 || accountsTotal > 0) {
    const title = accountsUsed.slice(0, NAMED_ACCOUNTS).join(", ");
    stats.push({ label: "Accounts used", value: format.count(accountsUsed.length), note: "", title });
  }
  const bad = filesFailed > 0;
  stats.push({ label: "Failures", value: format.count(filesFailed), note: "", tone: bad ? "bad" : "" });
  return stats;
}

/** @typedef {FailureKind & { now: number }} KindRow */

function createKind() {
  const count = el("span.failure__count");
  const error = el("p.failure__error", { dir: "auto" });
  const name = fileName();
  const meta = el("p.failure__meta");
  const node = el("li.failure", {}, count, error, el("p.failure__example", {}, name.node), meta);
  return { node, name, error, meta, count };
}

/** @param {ReturnType<typeof createKind>} row @param {KindRow} item */
function updateKind(row, item) {
  setText(row.count, format.plural(item.count, "file"));
  row.name.set(item.name || "(no name)");
  setText(row.error, item.error || "Other reasons, or none");
  const parts = [item.count > 1 ? "the last one" : "", format.clock(item.at, item.now), item.account,
    item.stage > 0 ? `stage ${item.stage}` : ""];
  setText(row.meta, parts.filter(Boolean).join(" · "));
}
