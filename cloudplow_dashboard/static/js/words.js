// The words and the shapes of every state: one place, so that a state looks the same everywhere. Pure.

/** phase -> [word, shape, tone] */
const PHASES = {
  idle: ["Idle", "ring", "quiet"],
  scanning: ["Listing", "half", "accent"],
  uploading: ["Uploading", "play", "accent"],
  switching: ["Switching", "diamond", "accent"],
  throttled: ["Throttled", "down", "warn"],
  suspended: ["Suspended", "pause", "warn"],
  finished: ["Finished", "check", "ok"],
  interrupted: ["Interrupted", "alert", "warn"],
};

/** outcome of a session -> [word, shape, tone] */
const OUTCOMES = {
  done: ["Done", "check", "ok"],
  quota_used: ["Quota used", "hourglass", "quiet"],
  suspended: ["Suspended", "pause", "warn"],
  failed: ["Failed", "cross", "bad"],
  interrupted: ["Interrupted", "alert", "warn"],
};

/** state of an account -> [word, shape, tone] */
const ACCOUNTS = {
  active: ["Active", "play", "accent"],
  ready: ["Ready", "ring", "ok"],
  cooling: ["Cooling", "hourglass", "quiet"],
  denied: ["Denied", "square", "warn"],
  failed: ["Failed", "cross", "bad"],
};

/** state of a stage in the plan -> [word, shape, tone] */
const STAGES = {
  done: ["Done", "check", "ok"],
  running: ["Running", "play", "accent"],
  next: ["Next", "ring", "quiet"],
  waiting: ["Waits", "hourglass", "quiet"],
};

/** kind of a fact -> [shape, tone] */
const FACTS = {
  session_started: ["play", "accent"],
  queue_learned: ["half", "quiet"],
  stage_started: ["diamond", "accent"],
  sa_switched: ["switch", "accent"],
  file_failed: ["cross", "bad"],
  stage_finished: ["square", "quiet"],
  uploader_suspended: ["pause", "warn"],
  uploader_resumed: ["play", "ok"],
  throttle_changed: ["down", "warn"],
  session_finished: ["check", "ok"],
};

const SWITCH_REASONS = {
  first: "it is the first one",
  quota_used: "the quota of the one before is used up",
  denied: "the one before was denied",
  trigger: "a trigger was hit",
  failed: "the one before failed",
};

const CONFIDENCE = {
  exact: ["Exact", 4],
  very_high: ["Very high", 4],
  high: ["High", 3],
  medium: ["Medium", 2],
  low: ["Low", 1],
};

function entry(table, key) {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function readable(key) {
  const words = key.replaceAll("_", " ").trim();
  return words ? words[0].toUpperCase() + words.slice(1) : "Unknown";
}

function described(table, key) {
  const [word, shape, tone] = entry(table, key) ?? [readable(key), "ring", "quiet"];
  return { word, shape, tone };
}

export const phase = (key) => described(PHASES, key || "idle");
export const outcome = (key) => described(OUTCOMES, key);
export const stage = (key) => described(STAGES, key || "next");
export const account = (key) => described(ACCOUNTS, key || "ready");
export const switchReason = (key) => entry(SWITCH_REASONS, key) ?? "";
export const ACCOUNT_STATES = Object.keys(ACCOUNTS);

export function fact(key) {
  const [shape, tone] = entry(FACTS, key) ?? ["ring", "quiet"];
  return { shape, tone };
}

/** How far a distribution may be trusted: {word, level} with a level of 0 to 4. */
export function confidence(key) {
  const [word, level] = entry(CONFIDENCE, key) ?? [key ? readable(key) : "Unknown", 0];
  return { word, level };
}
