// @ts-check
// All uploaders: which there are, which one is looked at, and how each of them is getting on.

import { num, obj, read, str } from "../read.js";
import { roundUp } from "./steady.js";

const FIVE_MINUTES = 300;

/** @param {string} a @param {string} b */
const byName = (a, b) => a.localeCompare(b, "en", { numeric: true });

/**
 * The uploader to look at: the wanted one, else the one that the server means; "" for none.
 * @param {Partial<StateDocument>} document
 * @param {string} wanted
 */
export function chosenUploader(document, wanted) {
  const uploaders = obj(document.uploaders);
  if (Object.hasOwn(uploaders, wanted)) return wanted;
  const focus = str(document.focus);
  return Object.hasOwn(uploaders, focus) ? focus : Object.keys(uploaders).sort(byName)[0] ?? "";
}

/**
 * @param {Record<string, UploaderDocument> | undefined} document
 * @returns {UploaderCard[]}
 */
export function readCards(document) {
  const uploaders = obj(document);
  return Object.keys(uploaders).sort(byName).map((name) => card(name, obj(uploaders[name])));
}

const STATUS = {
  state: "", why: "", until: 0, nextCheckAt: 0, thresholdBytes: 0, waitingFiles: 0, waitingBytes: 0, checkedAt: 0,
};
/** What is told of an upload that runs, and says more than its phase. */
const TROUBLES = ["offline", "stalled", "stopping"];

/**
 * What the uploader does, in one word, and what the scheduler says of it; told: whether that is the word.
 * @param {Partial<UploaderDocument>} uploader
 */
export function readStatus(uploader) {
  const status = read(uploader.status, STATUS);
  const silent = num(obj(uploader.progress).silent_since) > 0;
  const active = uploader.active === true;
  const { state, why } = status;
  // Until a time of its own: what an interrupted stage sent may still appear at the destination.
  const settling = active && state === "scanning" && status.until > 0;
  const told = why !== "" && state !== "idle" && !silent && (!active || settling || TROUBLES.includes(state));
  const phase = silent ? "stalled" : told ? (settling ? "settling" : state) : str(uploader.phase) || "idle";
  return { phase, told, idle: told && !active, status };
}

/**
 * @param {string} name
 * @param {Partial<UploaderDocument>} uploader
 * @returns {UploaderCard}
 */
function card(name, uploader) {
  const active = uploader.active === true;
  const session = read(uploader.session, { outcome: "", bytesTotal: 0, bytesDone: 0, endedAt: 0, dryRun: false });
  const { finishAt, percentage, staleSince } = read(uploader.figures, { finishAt: 0, percentage: -1, staleSince: 0 });
  const { phase, idle, status } = readStatus(uploader);
  return {
    name,
    active,
    phase,
    why: idle ? status.why : "",
    outcome: session.outcome,
    dryRun: session.dryRun,
    done: session.bytesDone,
    total: session.bytesTotal,
    fraction: percentage < 0 ? -1 : percentage / 100,
    speed: num(obj(uploader.progress).speed),
    doneAt: active ? roundUp(finishAt, FIVE_MINUTES) : 0,
    endedAt: session.endedAt,
    staleSince,
    silentSince: num(obj(uploader.progress).silent_since),
  };
}
