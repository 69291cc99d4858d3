// Whether what is shown is what is: live, polling, reconnecting, or stale since a time. The page dims when stale.

import { el, mark, setAttr, setMark, setText } from "../dom.js";
import * as format from "../format.js";

const STALE_SECONDS = 10;

/** root: the place in the header; page: what dims. Returns update(status, interval). */
export function connection(root, page) {
  const shape = mark("ring", "quiet");
  const text = el("span");
  root.replaceChildren(shape, text);

  return (status, interval) => {
    const quiet = (Date.now() - status.contactAt) / 1000;
    const stale = status.mode !== "live" && quiet > Math.max(STALE_SECONDS, 4 * interval);
    const shown = stale ? staleState(status) : stateOf(status.mode, interval);
    setMark(shape, shown.shape, shown.tone);
    setText(text, shown.text);
    setAttr(root, "data-mode", stale ? "stale" : status.mode);
    setAttr(root, "title", shown.title);
    setAttr(page, "data-stale", stale ? "" : null);
  };
}

function staleState(status) {
  const at = format.clock(status.contactAt / 1000, Date.now() / 1000);
  return { shape: "alert", tone: "warn", text: `Stale since ${at}`, title: "The dashboard does not answer; it is asked again and again." };
}

function stateOf(mode, interval) {
  if (mode === "live") return { shape: "dot", tone: "ok", text: "Live", title: "Changes arrive as they happen." };
  if (mode === "polling") {
    const every = `every ${Math.max(1, interval)} s`;
    return { shape: "half", tone: "ok", text: `Polling ${every}`, title: `The stream does not get through; the state is asked for ${every}.` };
  }
  if (mode === "connecting") return { shape: "ring", tone: "quiet", text: "Connecting…", title: "Waiting for the first message." };
  return { shape: "half", tone: "warn", text: "Reconnecting…", title: "The connection was lost; it is being made again." };
}
