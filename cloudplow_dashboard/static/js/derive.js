// From the document to what the panels show: plain numbers and no elements, so that every panel says the same.

import { list, num, obj, str } from "./read.js";

/** How long a smaller number is held back, in seconds: a file that ends is counted twice for a moment. */
const HOLD_SECONDS = 6;

/** Remembers what must not jump between two documents of the same session. */
export function createMemory() {
  return { session: "", sampleAt: -1, done: 0, heldSince: 0, order: new Map(), nextOrder: 0, eta: -1, etaAt: 0 };
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
  const session = readSession(obj(uploader.session));
  const progress = obj(uploader.progress);
  const phase = str(uploader.phase, "idle") || "idle";
  const active = uploader.active === true;
  const transfers = readTransfers(progress, session.id, memory);
  const amounts = readAmounts(session, progress, transfers, active, now, memory);
  const end = session.endedAt || (active ? now : num(progress.at) || session.startedAt);
  const seconds = session.startedAt ? Math.max(0, end - session.startedAt) : -1;
  const speed = active ? num(progress.speed) : 0;
  const average = seconds >= 1 ? amounts.done / seconds : 0;
  const accounts = readAccounts(obj(uploader.accounts));
  const pool = readPool(obj(uploader.accounts_summary));
  const capacity = readCapacity(accounts, pool);
  const fits = capacity < 0 || capacity >= amounts.left;
  const reachable = fits ? amounts.left : capacity;
  return {
    name,
    known: name !== "",
    engine: str(document.engine, "idle"),
    facts: list(document.facts),
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
    fits,
    capacity,
    doneWithQuotasAt: num(progress.done_with_quotas_at),
    eta: active ? steadyEta(amounts.total > 0 ? reachable : -1, speed || average, now, memory) : -1,
    now,
    queue: readQueue(obj(uploader.queue)),
    accounts,
    pool,
    throttle: readThrottle(obj(uploader.throttle)),
    suspension: readSuspension(obj(uploader.suspension), session),
    failures: list(uploader.failures).map((failure) => ({
      at: num(obj(failure).at),
      name: str(obj(failure).name),
      error: str(obj(failure).error),
      account: str(obj(failure).account),
      stage: num(obj(failure).stage),
    })),
  };
}

function readSession(session) {
  return {
    id: str(session.id),
    exists: str(session.id) !== "" || num(session.started_at) > 0,
    startedAt: num(session.started_at),
    endedAt: num(session.ended_at),
    outcome: str(session.outcome),
    reason: str(session.reason),
    dryRun: session.dry_run === true,
    folder: str(session.folder),
    remote: str(session.remote),
    stage: num(session.stage),
    stagesTotal: num(session.stages_total),
    account: str(session.account),
    accountIndex: num(session.account_index, -1),
    accountsTotal: num(session.accounts_total),
    accountsUsed: list(session.accounts_used).filter((used) => typeof used === "string"),
    switchReason: str(session.switch_reason),
    filesDone: num(session.files_done),
    bytesDone: num(session.bytes_done),
    filesTotal: num(session.files_total),
    bytesTotal: num(session.bytes_total),
    filesFailed: num(session.files_failed),
    filesLeft: num(session.files_left),
    bytesLeft: num(session.bytes_left),
    nextCapacityAt: num(session.next_capacity_at),
    recovered: session.recovered === true,
  };
}

/** Files on their way, in the order in which they were first seen. */
function readTransfers(progress, sessionId, memory) {
  const transferring = obj(progress.transferring);
  const found = Object.keys(transferring).map((name) => {
    const file = obj(transferring[name]);
    const size = num(file.size);
    const done = num(file.bytes);
    return {
      name,
      key: `${sessionId}\n${name}`,
      size,
      done,
      speed: num(file.speed),
      eta: num(file.eta_seconds, -1),
      fraction: size > 0 ? Math.min(1, done / size) : num(file.percentage) / 100,
      order: num(file.order),
    };
  });
  found.sort((a, b) => a.order - b.order);
  const order = new Map();
  for (const file of found) {
    if (!memory.order.has(file.key)) memory.nextOrder += 1;
    order.set(file.key, memory.order.get(file.key) ?? memory.nextOrder);
  }
  memory.order = order;
  return found.sort((a, b) => order.get(a.key) - order.get(b.key));
}

/** Bytes and files, done and in all; with what is on its way, so that the number moves with the bar. */
function readAmounts(session, progress, transfers, active, now, memory) {
  const known = session.bytesTotal > 0 || session.bytesDone > 0 || session.filesTotal > 0;
  const total = known ? session.bytesTotal : num(progress.total_bytes);
  if (memory.session !== session.id || !active) {
    Object.assign(memory, { session: session.id, sampleAt: -1, done: 0, heldSince: 0, eta: -1, etaAt: 0 });
  }
  let done = known ? session.bytesDone : num(progress.bytes);
  if (active && known) done = steadyDone(done, num(progress.at), transfers, now, memory);
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

/** Finished files are told at once, files on their way with the next statistics: add them at the statistics only. */
function steadyDone(finished, sampleAt, transfers, now, memory) {
  const sampled = sampleAt !== memory.sampleAt;
  let next = Math.max(finished, memory.done);
  if (sampled) {
    memory.sampleAt = sampleAt;
    const inFlight = transfers.reduce((sum, file) => sum + file.done, 0);
    next = finished + inFlight;
  }
  if (next >= memory.done) memory.heldSince = 0;
  else if (!memory.heldSince) memory.heldSince = now;
  if (next >= memory.done || now - memory.heldSince > HOLD_SECONDS) memory.done = next;
  return Math.max(finished, memory.done);
}

/** Seconds for `left` bytes; it counts down by itself and follows the speed slowly. -1 when unknown. */
function steadyEta(left, speed, now, memory) {
  if (left < 0 || speed <= 0) {
    memory.eta = -1;
    return -1;
  }
  const fresh = left / speed;
  if (memory.eta < 0 || left === 0) {
    memory.eta = fresh;
  } else {
    const passed = Math.max(0, now - memory.etaAt);
    const expected = Math.max(0, memory.eta - passed);
    const weight = 1 - Math.exp(-passed / 8);
    memory.eta = expected + (fresh - expected) * weight;
  }
  memory.etaAt = now;
  return memory.eta;
}

function readQueue(queue) {
  const distribution = obj(queue.distribution);
  const statistics = obj(distribution.statistics);
  const metadata = obj(distribution.metadata);
  const percentiles = obj(distribution.percentiles);
  const buckets = obj(distribution.size_buckets);
  return {
    available: queue.available === true,
    files: num(queue.files, num(statistics.total_files)),
    bytes: num(queue.bytes, num(statistics.total_bytes)),
    source: str(queue.source) || str(metadata.source),
    confidence: str(queue.confidence) || str(metadata.confidence),
    samples: num(metadata.sample_count),
    seconds: num(queue.duration_seconds),
    learnedAt: num(queue.learned_at) || num(metadata.last_updated),
    largest: num(distribution.max_file_size),
    mean: num(statistics.mean),
    percentiles: ["p50", "p75", "p90", "p95", "p99"].map((key) => ({ key, bytes: num(percentiles[key]) })),
    buckets: bucketOrder(Object.keys(buckets)).map((name) => ({
      name,
      files: num(obj(buckets[name]).count),
      bytes: num(obj(buckets[name]).total_bytes),
      percentage: num(obj(buckets[name]).percentage),
    })),
  };
}

const BUCKETS = ["0-100MB", "100MB-1GB", "1GB-10GB", "10GB-50GB", "50GB+"];

function bucketOrder(names) {
  const place = (name) => (BUCKETS.includes(name) ? BUCKETS.indexOf(name) : BUCKETS.length);
  return names.sort((a, b) => place(a) - place(b));
}

function readAccounts(accounts) {
  return Object.keys(accounts)
    .map((name) => {
      const account = obj(accounts[name]);
      const used = num(account.used_bytes);
      const limit = num(account.limit_bytes);
      return {
        name,
        index: num(account.index),
        state: str(account.state, "ready") || "ready",
        why: str(account.why),
        used,
        limit,
        fraction: limit > 0 ? Math.min(1, used / limit) : 0,
        resetsAt: num(account.resets_at),
        until: num(account.until),
      };
    })
    .sort((a, b) => a.index - b.index || a.name.localeCompare(b.name, "en", { numeric: true }));
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

function readThrottle(throttle) {
  return { active: throttle.active === true, limit: num(throttle.limit), streams: num(throttle.streams) };
}

function readSuspension(suspension, session) {
  return {
    active: suspension.active === true,
    reason: str(suspension.reason) || session.reason,
    until: num(suspension.until) || session.nextCapacityAt,
  };
}
