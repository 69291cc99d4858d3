// @ts-check
// The large number of each state: the one that answers "is it all right, and when is it done?". Pure.

import * as format from "./format.js";
import { isNothing, isRehearsed, waitsForMore, wouldGo } from "./sentence.js";
import * as words from "./words.js";

/** States that end at a time of their own. */
const UNTIL = new Set(["settling", "outside_window", "asleep", "paused", "suspended", "vetoed"]);
const MOVES = new Set(["uploading", "throttled", "stalled", "switching", "offline", "stopping"]);

/**
 * Whether the program has ended whose state this is.
 * @param {View} view
 */
export function hasEnded({ engine, program }) {
  return engine === "stopped" || program === "ended";
}

/**
 * The word, the shape and the colour of what is going on.
 * @param {View} view
 */
export function headState(view) {
  const { outcome, dryRun } = view.session;
  if (isNothing(view) && !view.told) return words.phase("nothing");
  if (view.active && dryRun && view.phase === "uploading") return words.phase("rehearsing");
  if (isRehearsed(view) && !view.told) return words.phase("rehearsed");
  const ended = view.phase === "finished" || (hasEnded(view) && !view.active);
  return ended && outcome && !view.told ? words.outcome(outcome) : words.phase(view.phase);
}

/**
 * number: "" where there is none; below: what it is of; fraction: of the bar, -1 for none; label: what the bar says.
 * @param {View} view
 */
export function great(view) {
  const { idle, now, active, status: { state, thresholdBytes, waitingBytes, until } } = view;
  const cooling = state === "cooling";
  if (waitsForMore(view)) {
    const fraction = waitingBytes / thresholdBytes;
    const below = `${format.bytes(waitingBytes)} of the ${format.bytes(thresholdBytes)} an upload begins with`;
    return { number: format.percent(fraction), below, fraction, label: "What waits, of what an upload begins with" };
  }
  if (idle && state === "waiting" && until > now) {
    const below = `until the next check at ${format.moment(until, now)}`;
    return { number: format.duration(until - now), below, fraction: -1, label: "" };
  }
  if (idle && state === "waiting" && waitingBytes > 0) {
    return { number: format.bytes(waitingBytes), below: "to upload", fraction: -1, label: "" };
  }
  const label = "Progress of the upload by bytes";
  const known = view.fraction >= 0 && view.session.exists && !isNothing(view);
  const files = `${format.count(view.filesDone)} of ${format.plural(view.filesTotal, "file")}`;
  const done = !known ? "" : view.total ? `${format.bytes(view.done)} of ${format.bytes(view.total)}` : files;
  const fraction = known && (!idle || cooling) ? view.fraction : -1;
  const back = backAt(view);
  if (back > now) {
    const { nextBytes, nextAt } = view.capacity;
    const amount = nextBytes > 0 && back === nextAt ? `, when ${format.bytes(nextBytes)} come back` : "";
    const below = `until quota at ${format.moment(back, now)}${amount}`;
    return { number: format.duration(back - now), below, fraction, label };
  }
  const ends = idle || view.phase === "settling" ? until : view.phase === "suspended" ? view.suspension.until : 0;
  if (UNTIL.has(view.phase) && ends > now) {
    return { number: format.duration(ends - now), below: `until ${format.moment(ends, now)}`, fraction, label };
  }
  if (!view.told && view.session.dryRun && (active ? view.total > 0 : isRehearsed(view))) {
    const would = wouldGo(view);
    const below = `in ${format.plural(would.files, "file")} would go${active ? " so far" : ""}`;
    return { number: format.bytes(would.bytes), below, fraction: active ? would.bytes / view.total : -1, label };
  }
  if (!active && view.session.outcome === "failed" && view.session.filesFailed > 0 && !idle) {
    const below = `failed; ${done} uploaded`;
    return { number: format.plural(view.session.filesFailed, "file"), below: done ? below : "failed", fraction, label };
  }
  if (known && (!idle || cooling)) return { number: format.percent(view.fraction), below: done, fraction, label };
  return { number: "", below: MOVES.has(view.phase) && !idle ? "Size not known yet" : "", fraction: -1, label };
}

/**
 * When quota comes back that the upload waits for, 0 when it waits for none.
 * @param {View} view
 */
function backAt(view) {
  const { active, idle, session, status, capacity } = view;
  if (idle) return status.state === "cooling" ? status.until || status.nextCheckAt || capacity.nextAt : 0;
  if (active || view.told || session.dryRun) return 0;
  return session.outcome === "quota_used" && view.filesLeft > 0 ? session.nextCapacityAt || capacity.nextAt : 0;
}
