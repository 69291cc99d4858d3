// @ts-check
// Whether what is shown is what is: live, polling, reconnecting, stale since a time, or the last state of a program
// that has ended. The page dims when stale, and its numbers stand still.

import { el, mark, setAttr, setMark, setText } from "../dom.js";
import * as format from "../format.js";

/** Looked at once a second, so that five are not passed. */
const STALE_SECONDS = 4.5;

/**
 * root: the place in the header; page: what dims. Returns update(status, interval, ended), which gives the last moment
 * (epoch milliseconds) of which something is known, 0 while that is now. ended: the program said that it ends.
 * @param {HTMLElement} root
 * @param {HTMLElement} page
 */
export function connection(root, page) {
  const shape = mark("ring", "quiet");
  const text = el("span");
  root.replaceChildren(shape, text);

  return (/** @type {Status} */ status, /** @type {number} */ interval, /** @type {boolean} */ ended) => {
    const quiet = (Date.now() - status.contactAt) / 1000;
    const lost = status.mode !== "live" && quiet > STALE_SECONDS + (status.mode === "polling" ? 2 * interval : 0);
    const stale = lost && !ended;
    const over = ended && status.mode !== "live" && status.mode !== "polling";
    const shown = over ? endedState() : stale ? staleState(status) : stateOf(status.mode, interval);
    setMark(shape, shown);
    setText(text, shown.text);
    setAttr(root, "data-mode", over ? "ended" : stale ? "stale" : status.mode);
    setAttr(root, "title", shown.title);
    setAttr(page, "data-stale", stale ? "" : null);
    return stale || over ? status.contactAt : 0;
  };
}

function endedState() {
  const title = "cloudplow has ended: this is its last state. The page goes on by itself when cloudplow runs again.";
  return { shape: "square", tone: "quiet", text: "Ended", title };
}

/** @param {Status} status */
function staleState(status) {
  const at = format.moment(status.contactAt / 1000, Date.now() / 1000);
  const title = "The dashboard does not answer. Still trying.";
  return { shape: "alert", tone: "warn", text: `Stale since ${at}`, title };
}

/** @param {Status["mode"]} mode @param {number} interval */
function stateOf(mode, interval) {
  if (mode === "live") return { shape: "dot", tone: "ok", text: "Live", title: "Changes arrive as they happen." };
  if (mode === "polling") {
    const every = `every ${Math.max(1, interval)} s`;
    const title = `The live stream does not get through. Asking for the state ${every}.`;
    return { shape: "half", tone: "ok", text: `Polling ${every}`, title };
  }
  if (mode === "connecting") {
    return { shape: "ring", tone: "quiet", text: "Connecting…", title: "Waiting for the first message." };
  }
  return { shape: "half", tone: "warn", text: "Reconnecting…", title: "The connection was lost. Connecting again." };
}
