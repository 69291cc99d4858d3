// One stream for all tabs of a browser. One tab leads: it has the connection and passes its messages on.
// A lock decides who leads and hands over at once when that tab closes or dies. Browsers give locks to secure pages
// only; elsewhere the tabs agree among themselves, and without channels each tab has its own stream.

import { createLive } from "./live.js";

const ANSWER_MS = 400;
const WATCH_MS = 3_000;
const QUIET_MS = 10_000;

/** As `createLive`; one option more: document(): the whole document, for a tab that joins. */
export function createShared(options) {
  if (typeof BroadcastChannel !== "function") return createLive(options);
  const name = `cloudplow ${new URL(".", location.href).pathname}`;
  const me = Math.random().toString(36).slice(2);
  let status = { mode: "connecting", contactAt: Date.now() };
  let channel = null;
  let live = null;
  let synced = false;
  let heardAt = 0;
  let letGo = null;
  let waiting = null;
  let doubt = 0;
  let watch = 0;

  const post = (message) => channel?.postMessage({ from: me, ...message });

  function lead() {
    if (live || !channel) return;
    clearTimeout(doubt);
    doubt = 0;
    const mine = createLive({
      ...options,
      onSnapshot: (document) => pass("snapshot", document),
      onPatch: (patch) => pass("patch", patch),
      onStatus: () => {
        if (live === mine) tell(mine.status);
      },
    });
    live = mine;
    post({ kind: "lead" });
    live.open();
  }

  function pass(kind, content) {
    if (!live) return;
    if (kind === "snapshot") options.onSnapshot(content);
    else options.onPatch(content);
    post({ kind, content });
  }

  function tell(next) {
    status = next;
    post({ kind: "status", content: status });
    options.onStatus(status);
  }

  function follow() {
    const old = live;
    live = null;
    synced = false;
    old?.close();
    letGo?.();
    letGo = null;
    if (!channel) return;
    heardAt = Date.now();
    post({ kind: "join" });
    if (navigator.locks) queue({});
    else suspect();
  }

  /** Wait for the lock; steal: take it from a tab that says nothing any more. */
  function queue(how) {
    waiting?.abort();
    waiting = new AbortController();
    const signal = how.steal ? undefined : waiting.signal;
    navigator.locks.request(name, { ...how, signal }, () => new Promise((resolve) => {
      if (!channel) return resolve();
      letGo = resolve;
      return lead();
    })).catch(() => {
      // Another tab took it.
      if (live) follow();
    });
  }

  /** Without locks: whoever gets no answer leads. */
  function suspect() {
    post({ kind: "who" });
    doubt ||= setTimeout(lead, ANSWER_MS * (1 + Math.random()));
  }

  function look() {
    if (live || !channel) return;
    const quiet = Date.now() - heardAt;
    if (!navigator.locks && quiet > WATCH_MS) suspect();
    else if (navigator.locks && status.mode !== "live" && !document.hidden && quiet > QUIET_MS) queue({ steal: true });
  }

  function heard({ data: { from, kind, content } }) {
    if (live) {
      if (kind === "join" || kind === "who") answer(kind);
      else if (kind === "wake") live.wake();
      else if (kind === "lead" && !navigator.locks) (from < me ? follow : () => post({ kind: "lead" }))();
      return;
    }
    if (kind === "join" || kind === "who" || kind === "wake") return;
    if (kind === "bye") {
      if (!navigator.locks) suspect();
      return;
    }
    heardAt = Date.now();
    clearTimeout(doubt);
    doubt = 0;
    if (kind === "lead") post({ kind: "join" });
    else if (kind === "status") options.onStatus((status = content));
    else if (kind === "snapshot") {
      synced = true;
      options.onSnapshot(content);
    } else if (kind === "patch" && synced) {
      // Before the whole, a patch has nothing to change.
      options.onPatch(content);
    }
  }

  function answer(kind) {
    if (kind === "join" && options.version() !== undefined) post({ kind: "snapshot", content: options.document() });
    post({ kind: "status", content: status });
  }

  return {
    open() {
      if (channel) return;
      channel = new BroadcastChannel(name);
      channel.addEventListener("message", heard);
      watch = setInterval(look, WATCH_MS);
      options.onStatus(status);
      follow();
    },
    wake() {
      if (live) live.wake();
      else post({ kind: "wake" });
    },
    lost() {
      live?.lost();
    },
    close() {
      const led = live !== null;
      clearTimeout(doubt);
      doubt = 0;
      clearInterval(watch);
      waiting?.abort();
      live?.close();
      live = null;
      letGo?.();
      letGo = null;
      if (led) post({ kind: "bye" });
      channel?.close();
      channel = null;
      status = { mode: "connecting", contactAt: status.contactAt };
    },
    get status() {
      return status;
    },
  };
}
