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
  if (view.told) {
    const { state } = view.status;
    // How much it waits for says the large number.
    if (waitsForMore(view)) return [data(view.name), " waits for more to upload"];
    const told = format.localTimes(view.status.why, view.now, view.utcOffset, view.now);
    // The word above it says so already.
    const why = told.replace(/^(waiting|not now): /, "");
    return [data(view.name), ": ", data(why), state === "stopping" ? silence(view) : ""];
  }
  const make = Object.hasOwn(BY_PHASE, view.phase) ? BY_PHASE[view.phase] : idle;
  return make(view).filter((part) => part !== "");
}

/**
 * Whether there is something to upload, but not enough yet: else it waits for its turn, or for the next check.
 * @param {Pick<View, "idle" | "status">} view
 */
export function waitsForMore({ idle, status: { state, thresholdBytes, waitingBytes } }) {
  return idle && state === "waiting" && waitingBytes > 0 && waitingBytes < thresholdBytes;
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
  const again = rest.nextAt > now ? `; more can go from ${format.moment(rest.nextAt, now)}` : "; more can go again";
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
 * The place of the account that works in its pool, and its stage: "3 of 12, stage 3 of 4"; "" when neither is known.
 * @param {Session} session
 */
export function workerPlace({ accountIndex, accountsTotal, stage, stagesTotal }) {
  const parts = [];
  if (accountIndex >= 0 && accountsTotal > 0) {
    parts.push(`${format.count(accountIndex + 1)} of ${format.count(accountsTotal)}`);
  }
  const of = stagesTotal >= stage ? ` of ${format.count(stagesTotal)}` : "";
  if (stage > 0) parts.push(`stage ${format.count(stage)}${of}`);
  return parts.join(", ");
}

/** @param {View} view */
function throttling({ throttle: { active, limit, streams } }) {
  if (!active || limit <= 0) return "";
  const why = streams > 0 ? ` while ${format.plural(streams, "stream is", "streams are")} playing` : "";
  return `, limited to ${format.speed(limit)}${why}`;
}

/**
 * How old the figures are, once they are.
 * @param {Pick<View, "staleSince" | "silentSince" | "now">} view
 */
export function silence({ staleSince, silentSince, now }) {
  const since = staleSince || silentSince;
  return since ? `; nothing from rclone for ${format.duration(now - since)}` : "";
}

/** @param {View} view */
function finish(view) {
  if (view.silentSince || view.staleSince) return silence(view);
  if (format.isEndless(view.eta)) return "; at this speed it takes more than 30 days";
  if (!view.finishAt) return "";
  const at = format.moment(view.finishAt, view.now);
  if (view.fits) return `; done around ${at}`;
  const end = format.moment(view.finishWithQuotasAt, view.now);
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
  return [verb, data(view.name), ...target(view), throttling(view), finish(view)];
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
  const { account } = view.session;
  return ["Switching ", data(view.name), ...account ? [" to ", data(account)] : [], why && `: ${why}`];
}

/** @param {View} view @returns {Part[]} */
function suspended(view) {
  const { until } = view.suspension;
  const end = format.moment(until, view.now);
  const verb = (end ? until <= view.now : view.phase === "finished") ? " was" : " is";
  return [data(view.name), `${verb} suspended`, end && ` until ${end}`, ...because(view.suspension.reason)];
}

/** @param {View} view @returns {Part[]} */
function finished(view) {
  const { endedAt, outcome, reason } = view.session;
  const at = format.moment(endedAt, view.now);
  const by = at && ` at ${at}`;
  const subject = data(view.name);
  if (isRehearsed(view)) return rehearsed(view, by);
  if (outcome === "quota_used") return [subject, ` used up its quota${by}`, ...waiting(view)];
  if (outcome === "failed") return [subject, ` failed${by}`, ...because(reason)];
  if (outcome === "suspended") return suspended(view);
  if (outcome === "interrupted") return interrupted(view);
  if (isNothing(view)) return [subject, ` had nothing to upload${by}`];
  return [subject, " finished", `${by}: ${counted(view.filesDone, view.done)}`, left(view)];
}

/**
 * Whether the last session found nothing that it had to upload.
 * @param {View} view
 */
export function isNothing({ active, filesDone, session: { outcome, dryRun, filesLeft, filesTotal } }) {
  return !active && outcome === "done" && !dryRun && filesDone === 0 && filesLeft === 0 && filesTotal === 0;
}

/**
 * Whether the last session was a dry run that got to its end.
 * @param {View} view
 */
export function isRehearsed({ active, session: { outcome, dryRun } }) {
  return !active && words.isRehearsal(outcome, dryRun);
}

/**
 * What an upload would take with it, by a dry run.
 * @param {View} view
 */
export function wouldGo({ session: { wouldGoFiles, wouldGoBytes } }) {
  return { files: wouldGoFiles, bytes: wouldGoBytes };
}

/** @param {View} view @param {string} by @returns {Part[]} */
function rehearsed(view, by) {
  const { files, bytes } = wouldGo(view);
  const rest = view.rest.files ? `; ${amount(view.rest.files, view.rest.bytes)} would wait for quota` : "";
  const what = files ? `${counted(files, bytes)} would go` : "nothing would go";
  return ["Dry run of ", data(view.name), `${by}: ${what}${rest}`];
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
    next > view.now ? `, more quota around ${format.moment(next, view.now)}` : "",
  ];
}

/** @param {View} view @returns {Part[]} */
function interrupted(view) {
  const at = format.moment(view.session.endedAt || view.sampleAt, view.now);
  const done = view.filesTotal
    ? `${format.count(view.filesDone)} of ${format.plural(view.filesTotal, "file")} uploaded`
    : `${format.plural(view.filesDone, "file")} uploaded`;
  return [data(view.name), " was interrupted", at && ` at ${at}`, `: ${done}`, left(view)];
}

/** @param {View} view */
function left({ filesLeft }) {
  return filesLeft > 0 ? `, ${format.count(filesLeft)} left` : "";
}

/** @param {View} view @returns {Part[]} */
function idle(view) {
  if (!view.known) return ["Nothing has been uploaded yet"];
  if (view.session.endedAt) return finished(view);
  const { available, files, bytes } = view.queue;
  const queued = available && files > 0 ? `; ${counted(files, bytes)} in its queue` : "";
  const { exists } = view.session;
  return [data(view.name), exists || queued ? " is idle" : " has not uploaded anything yet", queued];
}

// --- what comes next ------------------------------------------------------------------------------------------------

/** What happens by itself in a state, or why nothing does. @type {Record<string, string>} */
const NEXT = {
  waiting: "The upload begins by itself.",
  outside_window: "It begins by itself when its hours begin.",
  cooling: "It goes on by itself as quota comes back.",
  asleep: "It goes on by itself.",
  suspended: "It goes on by itself.",
  offline: "It goes on by itself when the network is back.",
  vetoed: "It is tried again by itself.",
  stalled: "If it stays silent, rclone is ended and the stage planned anew.",
  stopping: "What is left stays in its folder for the next upload.",
  scanning: "It goes on as soon as all sizes are known.",
  settling: "The upload goes on by itself; what has arrived is not sent twice.",
};

const ENOUGH = "The upload begins by itself once there is enough.";

/** What there is to do after a session that ended so. @type {Record<string, [string, string]>} */
const TO_DO = {
  failed: ["What did not go is untouched. This says what is wrong, and the cure:", "check"],
  interrupted: ["Nothing is lost. What is left goes with the next upload:", "upload"],
  suspended: ["What is left goes with the next upload:", "upload"],
  quota_used: ["What is left goes with a later upload. This one waits until there is quota:", "upload --wait"],
};

/**
 * The next step: what happens by itself, or what to do; command: of cloudplow, "" for none.
 * @param {View} view
 */
export function nextStep(view) {
  const { active, phase, engine, session: { outcome, dryRun, exists, stage } } = view;
  if (phase === "paused") {
    const then = view.status.until > view.now ? "It goes on by itself then. To go on now:" : "To let it go on:";
    return step(then, `resume ${quoted(view.name)}`);
  }
  if (phase === "failed") return step(...TO_DO.failed);
  // Between two stages that is a moment: a line that comes and goes would move the page.
  if (phase === "scanning" && stage > 0) return step("");
  const { state, waitingBytes } = view.status;
  if (view.idle && state === "waiting" && (!waitingBytes || waitsForMore(view))) return step(ENOUGH);
  if (engine !== "stopped" && (active || view.idle) && Object.hasOwn(NEXT, phase)) return step(NEXT[phase]);
  if (active || !exists || (outcome === "suspended" && !view.filesLeft)) return step("");
  if (dryRun && outcome !== "failed") {
    // Where nothing would go there is nothing to do.
    return view.filesTotal ? step("Nothing was uploaded. This does it:", `upload ${quoted(view.name)}`) : step("");
  }
  // Before that time there is nothing to do.
  const rests = outcome === "suspended" && view.suspension.until > view.now;
  if (rests) return step("What is left goes with a later upload.");
  const ended = outcome === "done" && view.filesLeft > 0 ? "suspended" : outcome;
  const [told, command] = Object.hasOwn(TO_DO, ended) ? TO_DO[ended] : ["", ""];
  // Of one that could not begin nobody knows what is in its folder.
  const nothing = outcome === "failed" && (dryRun || !view.filesTotal);
  const text = nothing ? told.replace(/^.*?\./, "Nothing was uploaded.") : told;
  return step(text, command.startsWith("upload") ? command.replace("upload", `upload ${quoted(view.name)}`) : command);
}

/** @param {string} text */
function step(text, command = "") {
  return { text, command: command && `cloudplow ${command}` };
}

/**
 * A name as a shell takes it.
 * @param {string} name
 */
function quoted(name) {
  return /^[\w.:@%+-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}
