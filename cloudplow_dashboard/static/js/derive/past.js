// @ts-check
// What has been: finished sessions, failures, facts; each list newest first.

import { list, members, num, obj, read } from "../read.js";

const SESSION = {
  id: "", startedAt: 0, endedAt: 0, outcome: "", reason: "", dryRun: false, filesDone: 0, bytesDone: 0, filesFailed: 0,
  filesLeft: 0, wouldGoFiles: 0, wouldGoBytes: 0, sessions: 1,
};

/**
 * @param {PastSessionDocument[] | undefined} document
 * @returns {PastSession[]}
 */
export function readSessions(document) {
  return list(document).map((entry) => {
    const { id, endedAt, ...one } = read(entry, SESSION);
    return { ...one, key: `${id} ${one.startedAt}`, seconds: endedAt - one.startedAt };
  }).reverse();
}

/**
 * With a key that stays when the list moves on.
 * @param {Record<string, FailureDocument> | undefined} document
 * @returns {Failure[]}
 */
export function readFailures(document) {
  const seen = new Map();
  return members(document).map((entry) => {
    const failure = read(entry, { at: 0, name: "", error: "", account: "", stage: 0 });
    const base = `${failure.at}\n${failure.name}`;
    const times = seen.get(base) ?? 0;
    seen.set(base, times + 1);
    return { ...failure, key: `${base}\n${times}` };
  }).reverse();
}

/**
 * @param {Record<string, FactDocument> | undefined} document
 * @returns {Fact[]}
 */
export function readFacts(document) {
  return members(document).map((entry, place) => (
    { seq: num(obj(entry).seq, -1 - place), ...read(entry, { at: 0, uploader: "", kind: "", text: "" }) }
  )).reverse();
}
