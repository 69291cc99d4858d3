// @ts-check
// The plan along the time: a row for each account, its stages with a beginning and an end.

import { list, obj, read } from "../read.js";

const STAGE = {
  stage: 0, account: "", files: 0, bytes: 0, startsAt: 0, endedAt: 0, state: "", oversized: false, outcome: "",
};
const ACCOUNT = {
  state: "done", doneStages: 0, doneFiles: 0, doneBytes: 0, nowFiles: 0, nowBytes: 0, nowUntil: 0, toComeStages: 0,
  toComeFiles: 0, toComeBytes: 0, toComeFrom: 0, toComeUntil: 0,
};

/**
 * @param {PlanDocument | undefined} document
 * @param {number} now
 * @param {number} pace seconds for a byte, 0 when unknown
 * @param {boolean} ends what would come next does not come
 * @returns {Plan}
 */
export function readPlan(document, now, pace, ends) {
  const plan = obj(document);
  const stages = [...list(plan.stages), ...list(plan.later)].map((entry, key) => {
    const { startsAt, endedAt, ...stage } = read(entry, STAGE);
    return { key, ...stage, begin: startsAt, end: endedAt };
  }).filter((one) => !ends || one.state === "done" || one.state === "running");
  const rows = byAccount(stages, obj(plan.accounts), now, pace);
  const from = stages.reduce((least, one) => Math.min(least, one.begin || now), now);
  return {
    ...read(document, { madeAt: 0, doneTotal: 0, nextTotal: 0, laterTotal: 0 }),
    ...ends ? { nextTotal: 0, laterTotal: 0 } : {},
    rows,
    from,
    until: stages.reduce((most, one) => Math.max(most, one.end), from + 60),
  };
}

/**
 * A row for each account. What the server says of it is laid along the time, for each of its stages.
 * @param {Stage[]} stages
 * @param {Partial<Record<string, PlanAccountDocument>>} told
 * @param {number} now
 * @param {number} pace
 * @returns {PlanRow[]}
 */
function byAccount(stages, told, now, pace) {
  /** @type {Map<string, Stage[]>} */
  const rows = new Map();
  for (const one of stages) rows.set(one.account, [...rows.get(one.account) ?? [], one]);
  return [...rows].map(([account, own]) => {
    const amounts = read(told[account], ACCOUNT);
    place(own, amounts, now, pace);
    const state = own.some((one) => one.state === amounts.state) ? amounts.state : own[own.length - 1].state;
    return {
      account,
      ...amounts,
      state,
      stages: own,
      // Of what is done the last one.
      head: (state === "done" ? own[own.length - 1] : own.find((one) => one.state === state)) ?? own[0],
      files: amounts.doneFiles + amounts.nowFiles + amounts.toComeFiles,
      bytes: amounts.doneBytes + amounts.nowBytes + amounts.toComeBytes,
    };
  });
}

/**
 * Give each stage of an account a place. Between two to come others may run, or quota must come back first: the first
 * one begins, and the last one ends, when the server says so.
 * @param {Stage[]} own
 * @param {{ nowUntil: number, toComeFrom: number, toComeUntil: number }} row
 * @param {number} now
 * @param {number} pace
 */
function place(own, { nowUntil, toComeFrom, toComeUntil }, now, pace) {
  let at = Math.max(toComeFrom, now);
  for (const one of own) {
    if (one.state === "done") {
      one.begin ||= one.end || now;
    } else if (one.state === "running") {
      one.begin ||= now;
      one.end = Math.max(now, nowUntil);
    } else {
      const last = one === own[own.length - 1];
      one.begin = Math.max(at, one.begin, last ? toComeUntil - one.bytes * pace : 0);
      one.end = at = last ? toComeUntil : one.begin + one.bytes * pace;
    }
    one.end = Math.max(one.end, one.begin + 1);
  }
}

/**
 * What does not fit now.
 * @param {PlanDocument | undefined} document
 * @param {FiguresDocument | undefined} figures
 * @param {Session} session
 * @returns {Rest}
 */
export function readRest(document, figures, session) {
  const { waitingFiles, waitingBytes, nextCapacityAt } = read(figures, {
    waitingFiles: 0, waitingBytes: 0, nextCapacityAt: 0,
  });
  return {
    files: waitingFiles,
    bytes: waitingBytes,
    nextAt: nextCapacityAt || session.nextCapacityAt,
    ...read(document, { unplannedFiles: 0, unplannedBytes: 0, unplannedWhy: "" }),
  };
}
