// @ts-check
// All uploaders: which there are, which one is looked at, and how each of them is getting on.

import { num, obj, read, str } from "../read.js";
import { roundUp } from "./steady.js";

const FIVE_MINUTES = 300;

/** @param {string} a @param {string} b */
const byName = (a, b) => a.localeCompare(b, "en", { numeric: true });

/**
 * The uploader to look at: the wanted one, else the first, of those that are active if there are any; "" for none.
 * @param {Partial<StateDocument>} document
 * @param {string} wanted
 */
export function chosenUploader(document, wanted) {
  const uploaders = obj(document.uploaders);
  if (Object.hasOwn(uploaders, wanted)) return wanted;
  const rank = (/** @type {string} */ name) => (obj(uploaders[name]).active ? 0 : 1);
  return Object.keys(uploaders).sort((a, b) => rank(a) - rank(b) || byName(a, b))[0] ?? "";
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
  const told = why !== "" && state !== "idle" && !silent && (!active || TROUBLES.includes(state));
  const phase = silent ? "stalled" : told ? state : str(uploader.phase) || "idle";
  return { phase, told, idle: told && !active, status };
}

/**
 * @param {string} name
 * @param {Partial<UploaderDocument>} uploader
 * @returns {UploaderCard}
 */
function card(name, uploader) {
  const active = uploader.active === true;
  const session = read(uploader.session, { outcome: "", bytesTotal: 0, bytesLeft: 0, bytesDone: 0, endedAt: 0 });
  const ends = read(uploader.eta, { speedAt: 0, quotasAt: 0 });
  const { phase, idle, status } = readStatus(uploader);
  const total = session.bytesTotal;
  const done = active ? total - session.bytesLeft : session.bytesDone;
  return {
    name,
    active,
    phase,
    why: idle ? status.why : "",
    outcome: session.outcome,
    done,
    total,
    fraction: total > 0 ? done / total : -1,
    speed: num(obj(uploader.progress).speed),
    doneAt: active ? roundUp(Math.max(ends.speedAt, ends.quotasAt), FIVE_MINUTES) : 0,
    endedAt: session.endedAt,
  };
}
