// @ts-check
// The session that runs, or the last one: how much is done, how fast, which files are on their way.

import { members, num, obj, read, str } from "../read.js";
import { steadyDone } from "./steady.js";

const SESSION = {
  id: "", startedAt: 0, endedAt: 0, outcome: "", reason: "", dryRun: false, recovered: false, folder: "", remote: "",
  stage: 0, stagesTotal: 0, account: "", accountIndex: -1, accountsTotal: 0, accountsUsed: [], switchReason: "",
  filesDone: 0, bytesDone: 0, filesTotal: 0, bytesTotal: 0, filesFailed: 0, filesLeft: 0, bytesLeft: 0,
  nextCapacityAt: 0,
};

/**
 * @param {SessionDocument | undefined} document
 * @returns {Session}
 */
export function readSession(document) {
  const session = read(document, SESSION);
  return {
    ...session,
    exists: session.id !== "" || session.startedAt > 0,
    accountsUsed: session.accountsUsed.filter((used) => typeof used === "string"),
  };
}

/**
 * Files on their way, in the order in which they were first seen: by their numbers.
 * @param {Partial<ProgressDocument>} progress
 * @param {string} sessionId
 * @returns {Transfer[]}
 */
export function readTransfers(progress, sessionId) {
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

/**
 * Bytes and files, done and in all; with what has arrived of files on their way, so that it moves with the bar.
 * @param {Session} session
 * @param {Partial<ProgressDocument>} progress
 * @param {Transfer[]} transfers
 * @param {boolean} active
 * @param {number} now
 * @param {Memory} memory
 */
export function readAmounts(session, progress, transfers, active, now, memory) {
  if (memory.session !== session.id || !active) {
    Object.assign(memory, { session: session.id, done: 0, heldSince: 0, eta: -1, etaAt: 0 });
  }
  const known = session.bytesTotal > 0 || session.bytesDone > 0 || session.filesTotal > 0;
  const running = active || !session.endedAt;
  const total = known ? session.bytesTotal : num(progress.total_bytes);
  let done = known ? session.bytesDone : num(progress.bytes);
  if (active && known) {
    const moving = transfers.reduce((sum, file) => sum + file.done, 0);
    const arrived = session.bytesLeft > 0 ? total - session.bytesLeft : done + moving;
    done = Math.max(done, steadyDone(Math.max(done, arrived), now, memory));
  }
  if (total > 0) done = Math.min(done, total);
  return {
    done,
    total,
    left: running ? Math.max(0, total - done) : session.bytesLeft,
    fraction: total > 0 ? done / total : session.outcome === "done" ? 1 : -1,
    filesDone: known ? session.filesDone : num(progress.files),
    filesTotal: known ? session.filesTotal : num(progress.total_files),
    filesLeft: running ? Math.max(0, session.filesTotal - session.filesDone) : session.filesLeft,
  };
}

/**
 * How long it takes, and how fast it is.
 * @param {Session} session
 * @param {Partial<ProgressDocument>} progress
 * @param {Transfer[]} transfers
 * @param {number} done
 * @param {boolean} active
 * @param {number} now
 */
export function readPace(session, progress, transfers, done, active, now) {
  const sampleAt = num(progress.at);
  const end = session.endedAt || (active ? now : sampleAt || session.startedAt);
  const seconds = session.startedAt ? Math.max(0, end - session.startedAt) : -1;
  const moving = () => transfers.reduce((sum, file) => sum + file.speed, 0);
  return {
    seconds,
    speed: active ? num(progress.speed) || moving() : 0,
    average: seconds >= 1 ? done / seconds : 0,
    sampleAt,
  };
}

/**
 * @param {SuspensionDocument | undefined} document
 * @param {Session} session
 */
export function readSuspension(document, session) {
  const suspension = obj(document);
  return {
    active: suspension.active === true,
    reason: str(suspension.reason) || session.reason,
    until: num(suspension.until) || session.nextCapacityAt,
  };
}
