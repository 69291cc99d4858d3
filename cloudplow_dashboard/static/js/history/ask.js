// @ts-check
// What can be asked about the past, and the answer as the panel shows it.

import { list, members, num, obj } from "../read.js";

const MINUTE = 60;
export const HOUR = 3600;
export const DAY = 24 * HOUR;
/** Accounts that have a row of their own. */
const ACCOUNTS = 12;

/**
 * How far back in seconds, the steps of a speed and of a sum in seconds, and what a sum is of.
 * @type {Record<string, { back: number, fine: number, coarse: number, unit: string }>}
 */
export const RANGES = {
  "1 h": { back: HOUR, fine: 10, coarse: MINUTE, unit: "minute" },
  "24 h": { back: DAY, fine: 5 * MINUTE, coarse: HOUR, unit: "hour" },
  "7 d": { back: 7 * DAY, fine: HOUR, coarse: DAY, unit: "day" },
  "30 d": { back: 30 * DAY, fine: 4 * HOUR, coarse: DAY, unit: "day" },
};
/** @type {Record<string, string>} */
export const METRICS = { speed: "Speed", bytes: "Data", files: "Files", errors: "Failures", accounts: "Accounts" };

/**
 * times and values belong together; accounts: (name, bytes, share of the largest).
 * @typedef {object} Answer
 * @property {string} metric
 * @property {string} range
 * @property {number} until as of when, in epoch seconds
 * @property {number} step
 * @property {number[]} times
 * @property {number[]} values
 * @property {{ name: string, size: number, share: number }[]} accounts
 */

/**
 * Ask for a metric over a range. Rejects when the network does not answer or `signal` ends it.
 * @param {string} metric
 * @param {string} range
 * @param {string} uploader
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export async function askHistory(metric, range, uploader, signal) {
  const { back, fine, coarse } = RANGES[range];
  const asked = metric === "speed" ? fine : Math.min(coarse, HOUR);
  const query = new URLSearchParams({ metric, since: String(-back), step: String(asked), uploader });
  const response = await fetch(`api/history?${query}`, { signal, cache: "no-store" });
  if (!response.ok) throw new Error(`the answer was ${response.status}`);
  /** @type {Partial<HistoryDocument>} */
  const told = obj(await response.json());
  const points = readPoints(told);
  const days = coarse === DAY && metric !== "speed" && metric !== "accounts";
  const shown = days ? byDay(points) : points;
  return {
    metric,
    range,
    until: num(told.until),
    step: days ? DAY : num(told.step),
    times: shown.map(([at]) => num(at)),
    values: shown.map(([, value]) => num(value)),
    accounts: topAccounts(told.accounts),
  };
}

/**
 * @param {Partial<HistoryDocument>} told
 * @returns {[number, number][]}
 */
function readPoints(told) {
  return list(obj(told).points).filter((point) => Array.isArray(point));
}

/**
 * The speeds of the last seconds as [time, value], for the line in the headline; none when nobody answers.
 * @param {string} uploader
 * @param {number} seconds
 * @returns {Promise<[number, number][]>}
 */
export async function askSpeeds(uploader, seconds) {
  try {
    const query = new URLSearchParams({ metric: "speed", since: String(-Math.ceil(seconds)), step: "3", uploader });
    const response = await fetch(`api/history?${query}`, { cache: "no-store" });
    return response.ok ? readPoints(await response.json()) : [];
  } catch {
    return [];
  }
}

/**
 * Sums of hours as sums of days in the viewer's zone.
 * @param {[number, number][]} points
 * @returns {[number, number][]}
 */
export function byDay(points) {
  const days = new Map();
  for (const [at, value] of points) {
    const day = new Date(num(at) * 1000).setHours(0, 0, 0, 0) / 1000;
    days.set(day, (days.get(day) ?? 0) + num(value));
  }
  return [...days];
}

/**
 * The accounts that took most, and the others as one.
 * @param {HistoryDocument["accounts"] | undefined} uploaders
 */
export function topAccounts(uploaders) {
  /** @type {Map<string, number>} */
  const sums = new Map();
  for (const [name, days] of Object.values(obj(uploaders)).flatMap((accounts) => Object.entries(obj(accounts)))) {
    const size = members(days).reduce((sum, point) => sum + num(list(point)[1]), 0);
    sums.set(name, (sums.get(name) ?? 0) + size);
  }
  const all = [...sums].map(([name, size]) => ({ name, size })).sort((a, b) => b.size - a.size);
  const rest = all.slice(ACCOUNTS);
  const shown = all.slice(0, ACCOUNTS);
  const size = rest.reduce((sum, one) => sum + one.size, 0);
  if (size > 0) shown.push({ name: rest.length === 1 ? "1 other" : `${rest.length} others`, size });
  const most = Math.max(1, ...shown.map((one) => one.size));
  return shown.map((one) => ({ ...one, share: one.size / most }));
}
