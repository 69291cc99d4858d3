// @ts-check
// The server's clock as seen from here: countdowns stay right when the viewer's clock is wrong.

const TOLERANCE_SECONDS = 2;
let offset = 0;

/**
 * Learn from a message that has just arrived. ts: epoch seconds at which it was made.
 * @param {unknown} ts
 */
export function learn(ts) {
  if (typeof ts !== "number" || !Number.isFinite(ts) || ts <= 0) return;
  const difference = ts - Date.now() / 1000;
  offset = Math.abs(difference) > TOLERANCE_SECONDS ? difference : 0;
}

/** Epoch seconds by the server's clock. */
export function now() {
  return at(Date.now());
}

/**
 * A moment of the viewer's clock (epoch milliseconds) by the server's, in epoch seconds.
 * @param {number} milliseconds
 */
export function at(milliseconds) {
  return milliseconds / 1000 + offset;
}
