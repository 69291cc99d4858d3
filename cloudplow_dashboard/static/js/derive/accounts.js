// @ts-check
// The accounts, and the pool that they make.

import { list, num, obj, read, str } from "../read.js";
import * as words from "../words.js";

const HOURS = 24;

/**
 * The orders that the API has too, by name.
 * @type {Record<string, (a: Account, b: Account) => number>}
 */
const ORDERS = {
  index: byIndex,
  state: (a, b) => words.ACCOUNT_STATES.indexOf(a.state) - words.ACCOUNT_STATES.indexOf(b.state),
  used: (a, b) => a.spent - b.spent,
  reset: (a, b) => (a.resetsAt || Infinity) - (b.resetsAt || Infinity) || 0,
};

/** @param {Account} a @param {Account} b */
function byIndex(a, b) {
  return a.index - b.index || a.name.localeCompare(b.name, "en", { numeric: true });
}

/**
 * What is charged, and what counts as spent beside it.
 * @param {AccountDocument | AccountRowDocument | AccountsSummaryDocument | CapacityDocument | undefined} document
 * @returns {Spent}
 */
function readSpent(document) {
  const { usedBytes: used, inFlightBytes: inFlight, unsettledBytes: unsettled } = read(document, {
    usedBytes: 0, inFlightBytes: 0, unsettledBytes: 0,
  });
  return { used, inFlight, unsettled, spent: used + inFlight + unsettled };
}

/**
 * One account; limit: bytes.
 * @param {AccountDocument | AccountRowDocument | undefined} document
 * @param {string} name
 * @param {number} limit
 * @param {number} resetsAt
 * @returns {Account}
 */
function account(document, name, limit, resetsAt) {
  const { index, state, why, until } = read(document, { index: 0, state: "", why: "", until: 0 });
  const amounts = readSpent(document);
  const fraction = limit > 0 ? Math.min(1, amounts.spent / limit) : 0;
  return { name, index, state: state || "ready", why, until, ...amounts, limit, fraction, resetsAt };
}

/** @param {Record<string, AccountDocument> | undefined} accounts */
export function readAccounts(accounts) {
  return Object.entries(obj(accounts))
    .map(([name, one]) => {
      const { limit_bytes: limit, resets_at: resetsAt } = obj(one);
      return account(one, name, num(limit), num(resetsAt));
    })
    .sort(byIndex);
}

/**
 * An account as the API lists it.
 * @param {AccountRowDocument} row
 */
export function readAccountRow(row) {
  const { sa_file: name, quota_bytes: limit, reset_time: resetsAt } = obj(row);
  return account(row, str(name), num(limit), num(resetsAt));
}

/**
 * Those that are looked for, in the order that is asked for ("used", or "-used" for the most used first).
 * @param {Account[]} accounts
 * @param {{ q: string, state: string, sort: string }} wanted
 */
export function chosenAccounts(accounts, { q, state, sort }) {
  const text = q.toLowerCase();
  const found = accounts.filter((one) => (!state || one.state === state)
    && (!text || one.name.toLowerCase().includes(text) || one.why.toLowerCase().includes(text)));
  const order = ORDERS[sort.replace("-", "")];
  found.sort((a, b) => order(a, b) || byIndex(a, b));
  return sort.startsWith("-") ? found.reverse() : found;
}

/**
 * @param {AccountsSummaryDocument | undefined} document
 * @param {Account[]} accounts
 * @returns {Pool}
 */
export function readPool(document, accounts) {
  const summary = obj(document);
  const limits = new Set(accounts.map((one) => one.limit));
  const told = Object.entries(obj(summary.states));
  const whole = told.length > 0 && num(summary.total) > accounts.length;
  return {
    total: Math.max(num(summary.total), accounts.length),
    ...readSpent(document),
    limit: num(summary.limit_bytes),
    each: limits.size === 1 ? accounts[0].limit : 0,
    mixed: limits.size > 1,
    states: (whole ? told : counted(accounts))
      .map(([state, count]) => ({ state, count: num(count) }))
      .filter((one) => one.count > 0)
      .sort((a, b) => place(a.state) - place(b.state)),
  };
}

/**
 * Unknown states come last.
 * @param {string} state
 */
function place(state) {
  return words.ACCOUNT_STATES.includes(state) ? words.ACCOUNT_STATES.indexOf(state) : words.ACCOUNT_STATES.length;
}

/**
 * @param {Account[]} accounts
 * @returns {[string, number][]}
 */
function counted(accounts) {
  const counts = new Map();
  for (const { state } of accounts) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts];
}

/**
 * @param {CapacityDocument | undefined} document
 * @param {number} now
 * @returns {Capacity}
 */
export function readCapacity(document, now) {
  const told = obj(document);
  const amounts = readSpent(document);
  const limit = num(told.limit_bytes);
  const hours = Array.from({ length: HOURS }, (_, hour) => Math.max(0, num(list(told.strip)[hour])));
  return {
    known: limit > 0 || amounts.spent > 0,
    free: num(told.free_bytes),
    ...amounts,
    limit,
    nextAt: num(told.next_return_at),
    nextBytes: num(told.next_return_bytes),
    from: num(told.strip_from, now),
    hours,
    within: hours.reduce((sum, size) => sum + size, 0),
    later: num(told.later_bytes),
  };
}
