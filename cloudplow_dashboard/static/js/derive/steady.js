// @ts-check
// Moments that must not jump: the server says when it ends, here that is rounded for people.

import { num, obj } from "../read.js";

/** To which the end of all waiting is rounded, in seconds. */
const QUARTER_HOUR = 900;

/**
 * Remembers what must not jump between two documents of the same session.
 * @returns {Memory}
 */
export function createMemory() {
  return { session: "", finishAt: 0 };
}

/**
 * The time left, and the moments of the end: of what fits into the quota of now, and of everything.
 * @param {FiguresDocument | undefined} document
 * @param {Session} session
 * @param {boolean} active
 * @param {number} now
 * @param {Memory} memory
 */
export function readEnds(document, session, active, now, memory) {
  if (memory.session !== session.id || !active) Object.assign(memory, { session: session.id, finishAt: 0 });
  const { finish_at: doneAt, quota_until: quotaUntil, waiting_bytes: waiting } = obj(document);
  const fits = num(waiting) === 0;
  const endAt = active ? num(fits ? doneAt : quotaUntil) : 0;
  const eta = endAt > 0 ? Math.max(0, endAt - now) : -1;
  const finishAt = memory.finishAt = roundedFinish(eta, now, memory.finishAt);
  const later = !fits && active && num(doneAt) > finishAt;
  const finishWithQuotasAt = later ? roundUp(num(doneAt), QUARTER_HOUR) : 0;
  return { fits, waiting: num(waiting), eta, finishAt, finishWithQuotasAt };
}

/**
 * The moment of the end, rounded so that it does not change with every breath of the line. shown: the last one.
 * @param {number} eta
 * @param {number} now
 * @param {number} shown
 */
export function roundedFinish(eta, now, shown) {
  if (eta < 0) return 0;
  const step = eta > 6 * 3600 ? QUARTER_HOUR : eta > 3600 ? 300 : 60;
  const exact = now + eta;
  if (shown > now && Math.abs(exact - shown) < step * 0.8) return shown;
  return roundUp(exact, step);
}

/** @param {number} seconds @param {number} step */
export function roundUp(seconds, step) {
  return Math.ceil(seconds / step) * step;
}
