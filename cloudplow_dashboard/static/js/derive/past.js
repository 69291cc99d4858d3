// @ts-check
// What has been: finished sessions, failures, facts; each list newest first.

import { list, members, num, obj, read } from "../read.js";

const SESSION = {
  id: "", startedAt: 0, endedAt: 0, outcome: "", reason: "", dryRun: false, filesDone: 0, bytesDone: 0, filesFailed: 0,
  filesLeft: 0, sessions: 1,
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

/** What differs between two failures of one kind: names, numbers, times, long keys. */
const PARTICULAR = /\x22[^\x22]*\x22|\S*\/\S*|\b[\da-f]{8,}\b|\d+/g;

/**
 * Failures by their reason, the most frequent first; each with its last file as an example.
 * @param {Failure[]} failures newest first
 * @returns {FailureKind[]}
 */
export function readKinds(failures) {
  /** @type {Map<string, FailureKind>} */
  const kinds = new Map();
  for (const failure of failures) {
    const key = failure.error.replaceAll(failure.name, "").replace(PARTICULAR, "#");
    const kind = kinds.get(key) ?? { ...failure, key, count: 0 };
    kind.count += 1;
    kinds.set(key, kind);
  }
  return [...kinds.values()].sort((a, b) => b.count - a.count);
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
