// @ts-check
// The plan along the time: a row for each account, its stages with a beginning and an end.

import { list, obj, read } from "../read.js";

/** Of a stage whose speed nobody knows, in bytes per second: only the lengths beside each other count then. */
const NO_SPEED = 50e6;
/** The state that a row of several stages tells of: the first of these that it has. */
const ORDER = ["running", "next", "waiting", "done"];
const STAGE = { stage: 0, account: "", files: 0, bytes: 0, startsAt: 0, state: "", oversized: false };

/**
 * @param {PlanDocument | undefined} document
 * @param {Session} session
 * @param {{ speed: number, average: number }} pace
 * @param {number} now
 * @returns {Plan}
 */
export function readPlan(document, session, pace, now) {
  const plan = obj(document);
  const stages = [...list(plan.stages), ...list(plan.later)].map((entry, key) => {
    const { startsAt, ...stage } = read(entry, STAGE);
    return { key, ...stage, begin: startsAt, end: 0 };
  });
  setTimes(stages, session, pace.speed || pace.average || NO_SPEED, now);
  const from = stages.reduce((least, one) => Math.min(least, one.begin), now);
  return {
    ...read(document, { madeAt: 0, doneTotal: 0, nextTotal: 0, laterTotal: 0 }),
    rows: byAccount(stages),
    from,
    until: stages.reduce((most, one) => Math.max(most, one.end), from + 60),
  };
}

/**
 * Give each stage its beginning and end, in epoch seconds; what is still to come by the speed of now.
 * @param {Stage[]} stages
 * @param {Session} session
 * @param {number} speed
 * @param {number} now
 */
function setTimes(stages, session, speed, now) {
  let at = 0;
  for (const [place, one] of stages.entries()) {
    const length = one.bytes / speed;
    if (one.state === "done") {
      one.begin ||= at || session.startedAt || now - length;
      const next = stages[place + 1];
      const over = next && ["done", "running"].includes(next.state) ? next.begin : session.endedAt;
      one.end = Math.max(one.begin + 1, Math.min(over || one.begin + length, now));
    } else if (one.state === "running") {
      one.begin ||= now;
      one.end = Math.max(now, one.begin + length) + 1;
    } else {
      one.begin = Math.max(now, at, one.begin);
      one.end = one.begin + Math.max(1, length);
    }
    at = one.end;
  }
}

/**
 * @param {Stage[]} stages
 * @returns {PlanRow[]}
 */
function byAccount(stages) {
  /** @type {Map<string, Stage[]>} */
  const rows = new Map();
  for (const one of stages) rows.set(one.account, [...rows.get(one.account) ?? [], one]);
  return [...rows].map(([account, own]) => {
    const state = ORDER.find((name) => own.some((one) => one.state === name)) ?? "done";
    return {
      account,
      state,
      stages: own,
      head: own.find((one) => one.state === state) ?? own[0],
      files: own.reduce((sum, one) => sum + one.files, 0),
      bytes: own.reduce((sum, one) => sum + one.bytes, 0),
    };
  });
}

/**
 * What does not fit now: by the plan, or by what an earlier run said that had used up its quota.
 * @param {PlanDocument | undefined} document
 * @param {Session} session
 * @returns {Rest}
 */
export function readRest(document, session) {
  const plan = read(document, {
    madeAt: 0, waitingFiles: 0, waitingBytes: 0, unplannedFiles: 0, unplannedBytes: 0, unplannedWhy: "",
    nextCapacityAt: 0,
  });
  const earlier = session.outcome === "quota_used" && !plan.madeAt;
  return {
    files: earlier ? session.filesLeft : plan.waitingFiles,
    bytes: earlier ? session.bytesLeft : plan.waitingBytes,
    nextAt: plan.nextCapacityAt || session.nextCapacityAt,
    unplannedFiles: plan.unplannedFiles,
    unplannedBytes: plan.unplannedBytes,
    unplannedWhy: plan.unplannedWhy,
  };
}
