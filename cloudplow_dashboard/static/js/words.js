// @ts-check
// The words and the shapes of every state: one place, so that a state looks the same everywhere. Pure.

/**
 * phase -> [word, shape, tone]
 * @type {Record<string, string[]>}
 */
const PHASES = {
  idle: ["Idle", "ring", "quiet"],
  scanning: ["Listing", "half", "accent"],
  settling: ["Checking", "half", "accent"],
  uploading: ["Uploading", "play", "accent"],
  switching: ["Switching", "diamond", "accent"],
  stalled: ["Stalled", "alert", "warn"],
  throttled: ["Throttled", "down", "warn"],
  suspended: ["Suspended", "pause", "warn"],
  finished: ["Finished", "check", "ok"],
  nothing: ["Nothing to do", "check", "ok"],
  rehearsed: ["Dry run", "ring", "quiet"],
  rehearsing: ["Dry run", "play", "accent"],
  interrupted: ["Interrupted", "alert", "warn"],
  waiting: ["Waiting", "ring", "quiet"],
  outside_window: ["Outside its hours", "square", "quiet"],
  cooling: ["Cooling", "hourglass", "quiet"],
  asleep: ["Asleep", "half", "quiet"],
  paused: ["Paused", "pause", "warn"],
  stopping: ["Stopping", "square", "accent"],
  offline: ["Offline", "cross", "warn"],
  vetoed: ["Held back", "diamond", "warn"],
  failed: ["Failed", "cross", "bad"],
};

/**
 * outcome of a session -> [word, shape, tone]
 * @type {Record<string, string[]>}
 */
const OUTCOMES = {
  done: ["Done", "check", "ok"],
  quota_used: ["Quota used", "hourglass", "quiet"],
  suspended: ["Suspended", "pause", "warn"],
  failed: ["Failed", "cross", "bad"],
  interrupted: ["Interrupted", "alert", "warn"],
};

/**
 * state of an account -> [word, shape, tone]
 * @type {Record<string, string[]>}
 */
const ACCOUNTS = {
  active: ["Active", "play", "accent"],
  ready: ["Ready", "ring", "ok"],
  cooling: ["Cooling", "hourglass", "quiet"],
  denied: ["Denied", "square", "warn"],
  failed: ["Failed", "cross", "bad"],
};

/**
 * state of a stage in the plan -> [word, shape, tone]
 * @type {Record<string, string[]>}
 */
const STAGES = {
  done: ["Done", "check", "ok"],
  ended: ["Ended", "square", "quiet"],
  running: ["Running", "play", "accent"],
  next: ["Next", "ring", "quiet"],
  waiting: ["Waiting", "hourglass", "quiet"],
};

/**
 * kind of a fact -> [shape, tone]
 * @type {Record<string, string[]>}
 */
const FACTS = {
  session_started: ["play", "accent"],
  queue_learned: ["half", "quiet"],
  stage_started: ["diamond", "accent"],
  sa_switched: ["switch", "accent"],
  file_transferred: ["check", "ok"],
  file_failed: ["cross", "bad"],
  stage_finished: ["square", "quiet"],
  uploader_suspended: ["pause", "warn"],
  uploader_resumed: ["play", "ok"],
  throttle_changed: ["down", "warn"],
  session_finished: ["square", "accent"],
  control_used: ["diamond", "quiet"],
};

/** @type {Record<string, string>} */
const SWITCH_REASONS = {
  first: "the first account",
  quota_used: "the previous account's quota is used up",
  denied: "the previous account was denied",
  trigger: "a trigger was hit",
  failed: "the previous account failed",
};

/** @type {Record<string, [string, number]>} */
const CONFIDENCE = {
  exact: ["Exact", 4],
  very_high: ["Very high", 4],
  high: ["High", 3],
  medium: ["Medium", 2],
  low: ["Low", 1],
};

/**
 * @template T
 * @param {Record<string, T>} table
 * @param {string} key
 */
function entry(table, key) {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/**
 * What to call a key that has no word here: "new_kind" as "New kind".
 * @param {string} key
 */
function readable(key) {
  const words = key.replaceAll("_", " ").trim();
  return words ? words[0].toUpperCase() + words.slice(1) : "Unknown";
}

/** @param {Record<string, string[]>} table @param {string} key */
function described(table, key) {
  const [word, shape, tone] = entry(table, key) ?? [readable(key), "ring", "quiet"];
  return { word, shape, tone };
}

/** @param {string} key */
export function phase(key) {
  return described(PHASES, key || "idle");
}

/** @param {string} key */
export function outcome(key) {
  return described(OUTCOMES, key);
}

/**
 * Of an uploader beside others: how its last session ended, unless something else is to be said.
 * @param {UploaderCard} card
 */
export function card({ active, why, outcome: ended, dryRun, phase: now }) {
  const over = !active && ended && !why;
  if (over && isRehearsal(ended, dryRun)) return phase("rehearsed");
  return over ? outcome(ended) : phase(now);
}

/**
 * Whether a session was a dry run that got to its end: it used up no quota, it would have.
 * @param {string} ended
 * @param {boolean} dryRun
 */
export function isRehearsal(ended, dryRun) {
  return dryRun && (ended === "done" || ended === "quota_used");
}

/**
 * outcome: of one that is done.
 * @param {string} key
 */
export function stage(key, outcome = "done") {
  return described(STAGES, key === "done" && outcome !== "done" ? "ended" : key || "next");
}

/** @param {string} key */
export function account(key) {
  return described(ACCOUNTS, key || "ready");
}

/** @param {string} key */
export function switchReason(key) {
  return entry(SWITCH_REASONS, key) ?? "";
}

/** In the order in which they are listed. */
export const ACCOUNT_STATES = Object.keys(ACCOUNTS);

/**
 * text: of a session's end it says whether all went well.
 * @param {string} key
 * @param {string} text
 */
export function fact(key, text) {
  if (key === "session_finished" && !/^(Done|Dry run:)/.test(text)) return { shape: "square", tone: "quiet" };
  const [shape, tone] = entry(FACTS, key) ?? ["ring", "quiet"];
  return { shape, tone };
}

/**
 * How far a distribution may be trusted: {word, level} with a level of 0 to 4.
 * @param {string} key
 */
export function confidence(key) {
  const [word, level] = entry(CONFIDENCE, key) ?? [key ? readable(key) : "Unknown", 0];
  return { word, level };
}
