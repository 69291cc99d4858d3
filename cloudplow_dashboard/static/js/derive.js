// From the document to what the panels show: plain numbers and no elements, so that every panel says the same.

import { list, members, num, obj, read, str } from "./read.js";

/** How long a smaller number is held back, in seconds: it may be the moment at which a file ends. */
const HOLD_SECONDS = 6;
/** A session younger than this has no speed to rely on, in seconds. */
const SETTLED_SECONDS = 3;
/** An account with less than this share of its limit left takes no more files. */
const FULL_SHARE = 0.001;

/** Remembers what must not jump between two documents of the same session. */
export function createMemory() {
  return { session: "", done: 0, heldSince: 0, eta: -1, etaAt: 0 };
}

/** The names of all uploaders, the active ones first. */
export function uploaderNames(document) {
  const uploaders = obj(document.uploaders);
  const rank = (name) => (obj(uploaders[name]).active ? 0 : 1);
  return Object.keys(uploaders).sort((a, b) => rank(a) - rank(b) || a.localeCompare(b, "en", { numeric: true }));
}

/** Everything about one uploader. now: epoch seconds by the server's clock; memory: of this uploader. */
export function derive(document, name, now, memory) {
  const uploader = obj(obj(document.uploaders)[name]);
  const session = readSession(uploader.session);
  const progress = obj(uploader.progress);
  const phase = str(uploader.phase, "idle") || "idle";
  const active = uploader.active === true;
  const transfers = readTransfers(progress, session.id);
  const amounts = readAmounts(session, progress, transfers, active, now, memory);
  const end = session.endedAt || (active ? now : num(progress.at) || session.startedAt);
  const seconds = session.startedAt ? Math.max(0, end - session.startedAt) : -1;
  const speed = active ? num(progress.speed) || transfers.reduce((sum, file) => sum + file.speed, 0) : 0;
  const average = seconds >= 1 ? amounts.done / seconds : 0;
  const accounts = readAccounts(obj(uploader.accounts));
  const pool = readPool(obj(uploader.accounts_summary));
  const waiting = bytesThatWait(obj(uploader.plan), amounts, readCapacity(accounts, pool));
  const ends = obj(uploader.eta);
  const whole = active && seconds >= SETTLED_SECONDS ? steadyEta(ends, amounts, speed || average, now, memory) : -1;
  return {
    name,
    known: name !== "",
    engine: str(document.engine, "idle"),
    facts: members(document.facts),
    phase,
    active,
    session,
    transfers,
    transfersTotal: Math.max(transfers.length, num(progress.transferring_count)),
    checking: list(progress.checking).length ? num(progress.checking_count, list(progress.checking).length) : 0,
    ...amounts,
    seconds,
    speed,
    average,
    sampleAt: num(progress.at),
    fits: waiting === 0,
    waiting,
    doneWithQuotasAt: num(ends.quotas_at),
    eta: whole > 0 && waiting > 0 ? whole * (1 - waiting / Math.max(amounts.left, waiting)) : whole,
    now,
    queue: readQueue(obj(uploader.queue)),
    capacity: obj(uploader.capacity),
    plan: obj(uploader.plan),
    sessions: members(uploader.sessions),
    accounts,
    pool,
    free: num(obj(uploader.capacity).free_bytes, Math.max(0, pool.limit - pool.used)),
    throttle: read(uploader.throttle, { active: false, limit: 0, streams: 0 }),
    suspension: readSuspension(obj(uploader.suspension), session),
    failures: members(uploader.failures).map((failure) => read(failure, { at: 0, name: "", error: "", account: "", stage: 0 })),
  };
}

const SESSION = {
  id: "", startedAt: 0, endedAt: 0, outcome: "", reason: "", dryRun: false, recovered: false, folder: "", remote: "",
  stage: 0, stagesTotal: 0, account: "", accountIndex: -1, accountsTotal: 0, accountsUsed: [], switchReason: "",
  filesDone: 0, bytesDone: 0, filesTotal: 0, bytesTotal: 0, filesFailed: 0, filesLeft: 0, bytesLeft: 0, nextCapacityAt: 0,
};

function readSession(document) {
  const session = read(document, SESSION);
  return {
    ...session,
    exists: session.id !== "" || session.startedAt > 0,
    accountsUsed: session.accountsUsed.filter((used) => typeof used === "string"),
  };
}

/** Files on their way, in the order in which they were first seen: by their numbers. */
function readTransfers(progress, sessionId) {
  return members(progress.transferring).map((entry) => {
    const file = read(entry, { name: "", size: 0, bytes: 0, speed: 0, etaSeconds: -1, percentage: 0 });
    return {
      name: file.name,
      key: `${sessionId}\n${file.name}`,
      size: file.size,
      done: file.bytes,
      speed: file.speed,
      eta: file.etaSeconds,
      fraction: file.size > 0 ? Math.min(1, file.bytes / file.size) : file.percentage / 100,
    };
  });
}

/** Bytes and files, done and in all; with what has arrived of files on their way, so that it moves with the bar. */
function readAmounts(session, progress, transfers, active, now, memory) {
  const known = session.bytesTotal > 0 || session.bytesDone > 0 || session.filesTotal > 0;
  const total = known ? session.bytesTotal : num(progress.total_bytes);
  if (memory.session !== session.id || !active) {
    Object.assign(memory, { session: session.id, done: 0, heldSince: 0, eta: -1, etaAt: 0 });
  }
  let done = known ? session.bytesDone : num(progress.bytes);
  if (active && known) {
    const arrived = session.bytesLeft > 0 ? total - session.bytesLeft : done + sumOf(transfers);
    done = Math.max(done, steadyDone(Math.max(done, arrived), now, memory));
  }
  done = total > 0 ? Math.min(done, total) : done;
  return {
    done,
    total,
    left: active || !session.endedAt ? Math.max(0, total - done) : session.bytesLeft,
    fraction: total > 0 ? done / total : session.outcome === "done" ? 1 : -1,
    filesDone: known ? session.filesDone : num(progress.files),
    filesTotal: known ? session.filesTotal : num(progress.total_files),
    filesLeft: active || !session.endedAt ? Math.max(0, session.filesTotal - session.filesDone) : session.filesLeft,
  };
}

function sumOf(transfers) {
  return transfers.reduce((sum, file) => sum + file.done, 0);
}

/** Growing at once, shrinking only when it lasts. */
function steadyDone(next, now, memory) {
  if (next >= memory.done) memory.heldSince = 0;
  else if (!memory.heldSince) memory.heldSince = now;
  if (next >= memory.done || now - memory.heldSince > HOLD_SECONDS) memory.done = next;
  return memory.done;
}

/** Seconds for all that is left: the server's finish, or one by the speed; counts down by itself. -1 when unknown. */
function steadyEta(ends, amounts, speed, now, memory) {
  const passed = Math.max(0, now - memory.etaAt);
  const expected = memory.eta - passed;
  memory.etaAt = now;
  const told = num(ends.speed_at) - now;
  if (num(ends.speed_at) > 0 && told > 0) memory.eta = told;
  else if (amounts.total <= 0 || speed <= 0) memory.eta = -1;
  else memory.eta = nearer(expected, amounts.left / speed, passed);
  return memory.eta;
}

/** Follows slowly what changes little, at once what changes much. */
function nearer(expected, fresh, passed) {
  if (expected <= 0 || fresh > 1.5 * expected || fresh < expected / 1.5) return fresh;
  return expected + (fresh - expected) * (1 - Math.exp(-passed / Math.min(10, 1 + fresh / 10)));
}

/** Bytes that this session will not upload: quota or size stands against it. By the plan, else by the accounts. */
function bytesThatWait(plan, amounts, capacity) {
  if (num(plan.made_at) > 0) return Math.min(num(plan.waiting_bytes), amounts.left);
  return capacity < 0 ? 0 : Math.max(0, amounts.left - capacity);
}

function readQueue(document) {
  const distribution = obj(document.distribution);
  const buckets = obj(distribution.size_buckets);
  return {
    ...read(document, { available: false, files: 0, bytes: 0, confidence: "", durationSeconds: 0, learnedAt: 0 }),
    ...read(distribution, { maxFileSize: 0, oldestModifiedAt: 0, oldestFile: "" }),
    samples: num(obj(distribution.metadata).sample_count),
    percentiles: RANKS.map((rank) => num(obj(distribution.percentiles)[`p${rank}`])),
    buckets: [...new Set([...BUCKETS, ...Object.keys(buckets)])].filter((name) => Object.hasOwn(buckets, name))
      .map((name) => ({ name, ...read(buckets[name], { count: 0, totalBytes: 0, percentage: 0 }) })),
    bins: readBins(read(distribution.size_histogram, { fromBytes: 0, counts: [] }), buckets),
  };
}

export const RANKS = [50, 75, 90, 95, 99];
const BUCKETS = ["0-100MB", "100MB-1GB", "1GB-10GB", "10GB-50GB", "50GB+"];
/** Where they begin, in MiB, and where the last is made to end. */
const EDGES = [1, 100, 1024, 10240, 51200, 102400];

/** How many files are of which sizes, from the smallest to the largest; in buckets where an older version listed. */
function readBins({ fromBytes, counts }, buckets) {
  const bins = counts.length
    ? counts.map((files, place) => ({ from: fromBytes * 2 ** (place - 1), to: fromBytes * 2 ** place, files: num(files) }))
    : BUCKETS.map((name, place) => ({ from: EDGES[place] * 2 ** 20, to: EDGES[place + 1] * 2 ** 20, files: num(obj(buckets[name]).count) }));
  return bins.filter((bin) => bin.from > 0 && bin.files > 0);
}

/** One account; used, limit: bytes. */
export function readAccount(document, name, used, limit) {
  const account = read(document, { index: 0, state: "", why: "", until: 0 });
  return { ...account, name, state: stateOf(account.state, used, limit), used, limit, fraction: limit > 0 ? Math.min(1, used / limit) : 0 };
}

function readAccounts(accounts) {
  return Object.entries(accounts)
    .map(([name, document]) => ({
      ...readAccount(document, name, num(obj(document).used_bytes), num(obj(document).limit_bytes)),
      resetsAt: num(obj(document).resets_at),
    }))
    .sort((a, b) => a.index - b.index || a.name.localeCompare(b.name, "en", { numeric: true }));
}

function stateOf(state, used, limit) {
  const full = limit > 0 && limit - used < limit * FULL_SHARE;
  return (state === "ready" || state === "") && full ? "cooling" : state || "ready";
}

function readPool(summary) {
  const states = obj(summary.states);
  return {
    total: num(summary.total),
    used: num(summary.used_bytes),
    limit: num(summary.limit_bytes),
    states: Object.keys(states).map((state) => ({ state, count: num(states[state]) })),
  };
}

/** How much the accounts that can work may still take, in bytes; -1 when that is not known. */
function readCapacity(accounts, pool) {
  if (!accounts.length || pool.total > accounts.length) return -1;
  let capacity = 0;
  for (const account of accounts) {
    if (account.state !== "ready" && account.state !== "active") continue;
    if (account.limit <= 0) return -1;
    capacity += Math.max(0, account.limit - account.used);
  }
  return capacity;
}

function readSuspension(suspension, session) {
  return {
    active: suspension.active === true,
    reason: str(suspension.reason) || session.reason,
    until: num(suspension.until) || session.nextCapacityAt,
  };
}
