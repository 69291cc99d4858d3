// @ts-check
// What a history says in words, for those who cannot see the chart, too.

import * as format from "../format.js";
import { RANGES } from "./ask.js";

/**
 * A value of a metric.
 * @param {string} metric
 * @param {number} value
 */
export function said(metric, value) {
  if (metric === "speed") return format.speed(value);
  if (metric === "files") return format.plural(value, "file");
  return metric === "errors" ? format.plural(value, "failure") : format.bytes(value);
}

/**
 * What it comes to, and as of when: it is asked for less often than the rest of the page is told.
 * @param {import("./ask.js").Answer} answer
 * @param {number} now
 */
export function summary(answer, now) {
  const at = format.clockSeconds(answer.until, now);
  return sums(answer) + (at && ` As of ${at}.`);
}

/** @param {import("./ask.js").Answer} answer */
function sums({ metric, range, values }) {
  const total = values.reduce((sum, value) => sum + value, 0);
  const peak = Math.max(0, ...values);
  if (peak <= 0) return "Nothing in this period.";
  if (metric === "speed") {
    const average = total / values.filter((value) => value > 0).length;
    return `${format.speed(average)} on average while uploading, at most ${format.speed(peak)}.`;
  }
  const most = metric === "accounts" ? "in one day" : `in one ${RANGES[range].unit}`;
  return `${said(metric, total)} in total, at most ${said(metric, peak)} ${most}.`;
}

/**
 * What one point or bar stands for.
 * @param {import("./ask.js").Answer} answer
 */
export function unitNote({ metric, range }) {
  if (metric === "accounts") return "by days (UTC)";
  return metric === "speed" ? "" : `per ${RANGES[range].unit}`;
}
