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
/** Between two marks of the time, in seconds. */
const TIME_STEPS = [300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200];
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
 * Round moments of the viewer's zone, at most so many; days begin at midnight, also where the clocks change.
 * @param {number} from
 * @param {number} until
 * @param {number} most
 */
export function times(from, until, most) {
  const begin = new Date(from * 1000);
  const [year, month, day] = [begin.getFullYear(), begin.getMonth(), begin.getDate()];
  const midnight = new Date(year, month, day).getTime();
  const step = TIME_STEPS.find((one) => (until - from) / one <= most) ?? DAY * Math.ceil((until - from) / DAY / most);
  const found = [];
  for (let count = 0; found.length <= most + 1; count += 1) {
    const date = new Date(year, month, day + count * (step / DAY));
    const at = step < DAY ? midnight / 1000 + count * step : date.getTime() / 1000;
    if (at > until) break;
    if (at >= from) found.push(at);
  }
  return found;
}

/**
 * A time at the axis; back: how far back it goes, in seconds.
 * @param {number} at
 * @param {number} back
 */
export function stamp(at, back) {
  return (back > DAY ? DATE : TIME).format(new Date(at * 1000));
}
