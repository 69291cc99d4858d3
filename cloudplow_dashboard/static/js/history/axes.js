// @ts-check
// Where the marks of an axis stand, and what they say.

import * as format from "../format.js";
import { DAY } from "./ask.js";

const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
/** At most so many marks above 0. */
const MARKS = 4.5;
/** What a step may be, in the largest power that is not above the highest value. */
const COUNT_STEPS = [0.5, 1, 2, 5, 10];
const BYTE_STEPS = [0.25, 0.5, 1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1024];

/**
 * Round marks from 0 on: of bytes in powers of two, of counts whole.
 * @param {number} most
 * @param {boolean} whole
 */
export function splits(most, whole) {
  const [base, steps] = whole ? [10, COUNT_STEPS] : [1024, BYTE_STEPS];
  const unit = base ** Math.max(0, Math.floor(Math.log(Math.max(1, most)) / Math.log(base)));
  const found = steps.map((one) => one * unit).find((one) => most / one <= MARKS) ?? unit;
  const step = whole ? Math.max(1, Math.round(found)) : found;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, place) => place * step);
}

/**
 * A value at the axis.
 * @param {string} metric
 * @param {number} value
 */
export function short(metric, value) {
  if (value <= 0) return "0";
  if (metric === "files" || metric === "errors") return format.count(value);
  const size = format.bytes(value).replace(/\.0 /, " ");
  return metric === "speed" ? `${size}/s` : size;
}

/**
 * A time at the axis; back: how far back it goes, in seconds.
 * @param {number} at
 * @param {number} back
 */
export function stamp(at, back) {
  return (back > DAY ? DATE : TIME).format(new Date(at * 1000));
}
