// The one sentence that says what is going on. Pure: returns parts, a text or {data: text} for what comes from outside.

import * as format from "./format.js";
import * as words from "./words.js";

/** A moment to be shown, rounded so that it does not change with every breath of the line. */
export function roundedFinish(view, shown = 0) {
  if (view.eta < 0) return 0;
  const step = view.eta > 6 * 3600 ? 900 : view.eta > 3600 ? 300 : 60;
  const exact = view.now + view.eta;
  if (shown > 0 && Math.abs(exact - shown) < step * 0.8 && shown > view.now) return shown;
  return roundUp(exact, step);
}

function roundUp(seconds, step) {
  return Math.ceil(seconds / step) * step;
}

const data = (text) => ({ data: text });

function target(view) {
  const { remote, folder } = view.session;
  if (remote) return [" to ", data(remote)];
  return folder ? [" from ", data(folder)] : [];
}

function worker(view) {
  const { accountIndex, accountsTotal, account, stage, stagesTotal } = view.session;
  const parts = [];
  if (accountIndex >= 0 && accountsTotal > 0) {
    parts.push(` with account ${format.count(accountIndex + 1)} of ${format.count(accountsTotal)}`);
  } else if (account) {
    parts.push(" with account ", data(account));
  }
  if (stage > 0) parts.push(`, stage ${stage}${stagesTotal >= stage ? ` of ${stagesTotal}` : ""}`);
  return parts;
}

function finish(view, finishAt) {
  if (!finishAt) return [];
  const at = format.clock(finishAt, view.now);
  if (view.fits) return [`; done about ${at}`];
  const end = view.doneWithQuotasAt > finishAt ? roundUp(view.doneWithQuotasAt, 900) : 0;
  return [`; the quota ends about ${at}${end ? `, all is done about ${format.clock(end, view.now)}` : ""}`];
}

function moved(view) {
  return `${format.plural(view.filesDone, "file")}, ${format.bytes(view.done)}`;
}

function waiting(view) {
  return `${format.plural(view.filesLeft, "file")}, ${format.bytes(view.left)}`;
}

function because(reason) {
  return reason ? [": ", data(reason)] : [];
}

function uploading(view, finishAt) {
  const { active, limit, streams } = view.throttle;
  const slow = active && limit > 0
    ? [`, held to ${format.speed(limit)}${streams > 0 ? ` while ${format.plural(streams, "stream plays", "streams play")}` : ""}`]
    : [];
  const verb = view.session.dryRun ? "Dry run of " : "Uploading ";
  return [verb, data(view.name), ...target(view), ...worker(view), ...slow, ...finish(view, finishAt)];
}

function listing(view) {
  if (view.session.stage > 0) return ["Listing what is left of ", data(view.name), ` after stage ${view.session.stage}`];
  return ["Listing what ", data(view.name), " has to upload", ...target(view)];
}

function switching(view) {
  const why = words.switchReason(view.session.switchReason);
  return ["Switching ", data(view.name), ...worker(view).map((part) => (
    typeof part === "string" ? part.replace(" with account", " to account") : part
  )), why ? `: ${why}` : ""];
}

function suspended(view) {
  const until = format.clock(view.suspension.until, view.now);
  return [data(view.name), ` is suspended${until ? ` until ${until}` : ""}`, ...because(view.suspension.reason)];
}

function finished(view) {
  const { endedAt, outcome, reason, nextCapacityAt } = view.session;
  const at = format.clock(endedAt, view.now);
  const by = at ? ` at ${at}` : "";
  const subject = data(view.name);
  if (outcome === "quota_used") {
    const next = nextCapacityAt > view.now ? format.clock(nextCapacityAt, view.now) : "";
    const rest = view.filesLeft > 0 ? `; ${waiting(view)} wait${view.filesLeft === 1 ? "s" : ""}` : "";
    return [subject, ` used up its quota${by}${rest}${next ? `, the next goes about ${next}` : ""}`];
  }
  if (outcome === "failed") return [subject, ` failed${by}`, ...because(reason)];
  if (outcome === "suspended") return suspended(view);
  if (outcome === "done" && view.filesDone === 0) return [subject, ` had nothing to upload${by}`];
  const done = view.session.dryRun ? "finished a dry run" : "finished";
  return [subject, ` ${done}${by}: ${moved(view)}`];
}

function interrupted(view) {
  const at = format.clock(view.session.endedAt || view.sampleAt, view.now);
  return [
    data(view.name), ` was interrupted${at ? ` at ${at}` : ""} after ${moved(view)}`,
    view.filesLeft > 0 ? `; ${waiting(view)} ${view.filesLeft === 1 ? "is" : "are"} left for the next upload` : "",
  ];
}

function idle(view) {
  if (!view.known) return ["Nothing has been uploaded yet"];
  if (view.session.endedAt) return finished(view);
  if (view.queue.available && view.queue.files > 0) {
    return [data(view.name), ` is idle; ${format.plural(view.queue.files, "file")}, ${format.bytes(view.queue.bytes)} in its queue`];
  }
  return [data(view.name), " is idle"];
}

/** view: from `derive`; finishAt: from `roundedFinish`. */
export function sentence(view, finishAt) {
  const make = {
    uploading, throttled: uploading, scanning: listing, switching, suspended, finished, interrupted, idle,
  }[view.phase] ?? idle;
  return make(view, finishAt).filter((part) => part !== "");
}

/** The sentence as plain text. */
export function plain(parts) {
  return parts.map((part) => (typeof part === "string" ? part : part.data)).join("");
}
