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
 * Failed files by their reason, the most frequent first; each with its last file as an example.
 * @param {Record<string, FailureKindDocument> | undefined} document
 * @returns {FailureKind[]}
 */
export function readKinds(document) {
  return Object.entries(obj(document))
    .map(([key, entry]) => ({ key, ...read(entry, { at: 0, name: "", error: "", account: "", stage: 0, count: 0 }) }))
    .filter((one) => one.count > 0)
    .sort((a, b) => b.count - a.count || Number(a.key) - Number(b.key));
}

/**
 * Receivers of notifications that failed, the last one first.
 * @param {Record<string, { failed: number, error: string, at: number }> | undefined} document
 * @returns {View["unreached"]}
 */
export function readUnreached(document) {
  return Object.entries(obj(document))
    .map(([name, entry]) => ({ name, ...read(entry, { failed: 0, error: "", at: 0 }) }))
    .filter((one) => one.failed > 0)
    .sort((a, b) => b.at - a.at);
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
