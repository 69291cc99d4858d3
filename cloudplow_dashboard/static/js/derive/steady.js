// @ts-check
// Numbers that must not jump: what is done, what is left of the time, when it ends.

import { num, obj } from "../read.js";

/** How long a smaller number is held back, in seconds: it may be the moment at which a file ends. */
const HOLD_SECONDS = 6;
/** A session younger than this has no speed to rely on, in seconds. */
const SETTLED_SECONDS = 3;
/** To which the end of all waiting is rounded, in seconds. */
const QUARTER_HOUR = 900;

/**
 * Remembers what must not jump between two documents of the same session.
 * @returns {Memory}
 */
export function createMemory() {
  return { session: "", done: 0, heldSince: 0, eta: -1, etaAt: 0, finishAt: 0 };
}

/**
 * Growing at once, shrinking only when it lasts.
 * @param {number} next
 * @param {number} now
 * @param {Memory} memory
 */
export function steadyDone(next, now, memory) {
  if (next >= memory.done) memory.heldSince = 0;
  else if (!memory.heldSince) memory.heldSince = now;
  if (next >= memory.done || now - memory.heldSince > HOLD_SECONDS) memory.done = next;
  return memory.done;
}

/**
 * The time left and the moments of the end; waiting: bytes that do not fit into the quota of now.
 * @param {EtaDocument | undefined} document
 * @param {{ left: number, total: number }} amounts
 * @param {{ seconds: number, speed: number, average: number }} pace
 * @param {number} waiting
 * @param {boolean} active
 * @param {number} now
 * @param {Memory} memory
 */
export function readEnds(document, amounts, pace, waiting, active, now, memory) {
  const { speed_at: speedAt, quotas_at: quotasAt } = obj(document);
  const settled = active && pace.seconds >= SETTLED_SECONDS;
  const whole = settled ? steadyEta(num(speedAt), amounts, pace.speed || pace.average, now, memory) : -1;
  const eta = whole > 0 && waiting > 0 ? whole * (1 - waiting / Math.max(amounts.left, waiting)) : whole;
  const finishAt = memory.finishAt = roundedFinish(eta, now, memory.finishAt);
  const later = waiting > 0 && finishAt > 0 && num(quotasAt) > finishAt;
  return { eta, finishAt, finishWithQuotasAt: later ? roundUp(num(quotasAt), QUARTER_HOUR) : 0 };
}

/**
 * Seconds for all that is left: the server's finish, or one by the speed; counts down by itself. -1 when unknown.
 * @param {number} speedAt
 * @param {{ left: number, total: number }} amounts
 * @param {number} speed
 * @param {number} now
 * @param {Memory} memory
 */
function steadyEta(speedAt, amounts, speed, now, memory) {
  const passed = Math.max(0, now - memory.etaAt);
  const expected = memory.eta - passed;
  memory.etaAt = now;
  if (speedAt > now) memory.eta = speedAt - now;
  else if (amounts.total <= 0 || speed <= 0) memory.eta = -1;
  else memory.eta = nearer(expected, amounts.left / speed, passed);
  return memory.eta;
}

/**
 * Follows slowly what changes little, at once what changes much.
 * @param {number} expected
 * @param {number} fresh
 * @param {number} passed
 */
function nearer(expected, fresh, passed) {
  if (expected <= 0 || fresh > 1.5 * expected || fresh < expected / 1.5) return fresh;
  return expected + (fresh - expected) * (1 - Math.exp(-passed / Math.min(10, 1 + fresh / 10)));
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
