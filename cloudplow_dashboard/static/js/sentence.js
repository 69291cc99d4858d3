// @ts-check
// What is going on, in sentences. Pure: returns a text, or parts of which {data: text} come from outside.

import * as format from "./format.js";
import * as words from "./words.js";

/** @param {string} text */
const data = (text) => ({ data: text });

/** @type {Record<string, (view: View) => Part[]>} */
const BY_PHASE = {
  uploading, throttled: uploading, stalled: uploading, scanning: listing, switching, suspended, finished, interrupted,
  idle,
};

/**
 * The one sentence about an uploader.
 * @param {View} view
 * @returns {Part[]}
 */
export function sentence(view) {
  if (view.told) return [data(view.name), ": ", data(view.status.why)];
  const make = Object.hasOwn(BY_PHASE, view.phase) ? BY_PHASE[view.phase] : idle;
  return make(view).filter((part) => part !== "");
}

/**
 * A sentence as plain text.
 * @param {Part[]} parts
 */
export function plain(parts) {
  return parts.map((part) => (typeof part === "string" ? part : part.data)).join("");
}

/**
 * "3 files (1.2 GB)".
 * @param {number} files
 * @param {number} bytes
 */
export function amount(files, bytes) {
  return `${format.plural(files, "file")} (${format.bytes(bytes)})`;
}

/**
 * What a spent quota is made of: "12.0 GB used, 1.2 GB on its way, 300.0 MB unsettled"; "" when all of it is used.
 * @param {Spent} amounts
 */
export function spentText({ used, inFlight, unsettled, spent }) {
  if (spent === used) return "";
  /** @type {[number, string][]} */
  const parts = [[used, "used"], [inFlight, "on its way"], [unsettled, "unsettled"]];
  return parts.filter(([size]) => size > 0).map(([size, word]) => `${format.bytes(size)} ${word}`).join(", ");
}

/**
 * What does not fit now, and until when; "" when everything fits.
 * @param {Rest} rest
 * @param {number} now
 */
export function restText(rest, now) {
  if (!rest.files) return "";
  const again = rest.nextAt > now ? `; more can go from ${format.clock(rest.nextAt, now)}` : "; more can go again";
  const fits = `Does not fit now: ${amount(rest.files, rest.bytes)}${rest.nextAt > 0 ? again : ""}.`;
  if (!rest.unplannedFiles) return fits;
  const why = rest.unplannedWhy && `: ${rest.unplannedWhy}`;
  return `${fits} Not planned yet: ${amount(rest.unplannedFiles, rest.unplannedBytes)}${why}.`;
}

// --- parts ----------------------------------------------------------------------------------------------------------

/**
 * @param {View} view
 * @returns {Part[]}
 */
function target(view) {
  const { remote, folder } = view.session;
  if (remote) return [" to ", data(remote)];
  return folder ? [" from ", data(folder)] : [];
}

/**
 * Which account works, and on which stage; as: "with" or "to".
 * @param {View} view
 * @returns {Part[]}
 */
function worker(view, as = "with") {
  const { accountIndex, accountsTotal, account, stage, stagesTotal } = view.session;
  /** @type {Part[]} */
  const parts = [];
  if (accountIndex >= 0 && accountsTotal > 0) {
    parts.push(` ${as} account ${format.count(accountIndex + 1)} of ${format.count(accountsTotal)}`);
  } else if (account) {
    parts.push(` ${as} account `, data(account));
  }
  if (stage > 0) parts.push(`, stage ${stage}`);
  if (stage > 0 && stagesTotal >= stage) parts.push(` of ${stagesTotal}`);
  return parts;
}

/** @param {View} view */
function throttling({ throttle: { active, limit, streams } }) {
  if (!active || limit <= 0) return "";
  const why = streams > 0 ? ` while ${format.plural(streams, "stream is", "streams are")} playing` : "";
  return `, limited to ${format.speed(limit)}${why}`;
}

/** @param {View} view */
function finish(view) {
  if (view.silentSince) return `; nothing from rclone for ${format.duration(view.now - view.silentSince)}`;
  if (!view.finishAt) return "";
  const at = format.clock(view.finishAt, view.now);
  if (view.fits) return `; done around ${at}`;
  const end = format.clock(view.finishWithQuotasAt, view.now);
  return `; quota used up around ${at}${end && ", everything done around "}${end}`;
}

/** @param {number} files @param {number} bytes */
function counted(files, bytes) {
  return `${format.plural(files, "file")}, ${format.bytes(bytes)}`;
}

/** @param {string} reason @returns {Part[]} */
function because(reason) {
  return reason ? [": ", data(reason)] : [];
}

// --- each phase -----------------------------------------------------------------------------------------------------

/** @param {View} view @returns {Part[]} */
function uploading(view) {
  const verb = view.session.dryRun ? "Dry run of " : "Uploading ";
  return [verb, data(view.name), ...target(view), ...worker(view), throttling(view), finish(view)];
}

/** @param {View} view @returns {Part[]} */
function listing(view) {
  const { stage } = view.session;
  if (stage > 0) return ["Listing what is left of ", data(view.name), ` after stage ${stage}`];
  return ["Listing what ", data(view.name), " has to upload", ...target(view)];
}

/** @param {View} view @returns {Part[]} */
function switching(view) {
  const why = words.switchReason(view.session.switchReason);
  return ["Switching ", data(view.name), ...worker(view, "to"), why && `: ${why}`];
}

/** @param {View} view @returns {Part[]} */
function suspended(view) {
  const until = format.clock(view.suspension.until, view.now);
  return [data(view.name), " is suspended", until && ` until ${until}`, ...because(view.suspension.reason)];
}

/** @param {View} view @returns {Part[]} */
function finished(view) {
  const { endedAt, outcome, reason, dryRun } = view.session;
  const at = format.clock(endedAt, view.now);
  const by = at && ` at ${at}`;
  const subject = data(view.name);
  if (outcome === "quota_used") return [subject, ` used up its quota${by}`, ...waiting(view)];
  if (outcome === "failed") return [subject, ` failed${by}`, ...because(reason)];
  if (outcome === "suspended") return suspended(view);
  if (outcome === "done" && view.filesDone === 0) return [subject, ` had nothing to upload${by}`];
  return [subject, dryRun ? " finished a dry run" : " finished", `${by}: ${counted(view.filesDone, view.done)}`];
}

/**
 * What a used-up quota leaves, and when there is more.
 * @param {View} view
 * @returns {Part[]}
 */
function waiting(view) {
  const next = view.session.nextCapacityAt;
  return [
    view.filesLeft > 0 ? `; ${amount(view.filesLeft, view.left)} waiting` : "",
    next > view.now ? `, more quota around ${format.clock(next, view.now)}` : "",
  ];
}

/** @param {View} view @returns {Part[]} */
function interrupted(view) {
  const at = format.clock(view.session.endedAt || view.sampleAt, view.now);
  const left = view.filesLeft > 0 ? `; ${amount(view.filesLeft, view.left)} left for the next upload` : "";
  const done = counted(view.filesDone, view.done);
  return [data(view.name), " was interrupted", at && ` at ${at}`, ` after ${done}`, left];
}

/** @param {View} view @returns {Part[]} */
function idle(view) {
  if (!view.known) return ["Nothing has been uploaded yet"];
  if (view.session.endedAt) return finished(view);
  const { available, files, bytes } = view.queue;
  const queued = available && files > 0 ? `; ${counted(files, bytes)} in its queue` : "";
  return [data(view.name), " is idle", queued];
}
