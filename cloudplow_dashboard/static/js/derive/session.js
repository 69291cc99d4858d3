// @ts-check
// The session that runs, or the last one: how much is done, how fast, which files are on their way.

import { members, num, obj, read, str } from "../read.js";

const SESSION = {
  id: "", startedAt: 0, endedAt: 0, outcome: "", reason: "", dryRun: false, recovered: false, folder: "", remote: "",
  stage: 0, stagesTotal: 0, account: "", accountIndex: -1, accountsTotal: 0, accountsUsed: [], switchReason: "",
  filesDone: 0, bytesDone: 0, filesTotal: 0, bytesTotal: 0, filesFailed: 0, filesLeft: 0, bytesLeft: 0,
  nextCapacityAt: 0, wouldGoFiles: 0, wouldGoBytes: 0, bytesInFlight: 0,
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
 * Bytes and files, done and in all, as the server counts them: with what has arrived of files on their way.
 * @param {Session} session
 * @param {FiguresDocument | undefined} figures
 */
export function readAmounts(session, figures) {
  const percentage = num(obj(figures).percentage, -1);
  return {
    done: session.bytesDone,
    total: session.bytesTotal,
    left: session.bytesLeft,
    fraction: percentage < 0 ? -1 : Math.min(1, percentage / 100),
    filesDone: session.filesDone,
    filesTotal: session.filesTotal,
    filesLeft: session.filesLeft,
  };
}

/**
 * How long it takes, and how fast it is.
 * @param {Session} session
 * @param {Partial<ProgressDocument>} progress
 * @param {FiguresDocument | undefined} figures
 * @param {boolean} active
 * @param {number} now
 */
export function readPace(session, progress, figures, active, now) {
  const sampleAt = num(progress.at);
  const end = session.endedAt || (active ? now : sampleAt || session.startedAt);
  return {
    seconds: session.startedAt ? Math.max(0, end - session.startedAt) : -1,
    speed: active ? num(progress.speed) : 0,
    average: num(obj(figures).average_speed),
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
