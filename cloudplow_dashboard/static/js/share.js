// @ts-check
// One stream for all tabs of a browser. One tab leads: it has the connection and passes its messages on.
// A lock decides who leads and hands over at once when that tab closes or dies. Browsers give locks to secure pages
// only; elsewhere the tabs agree among themselves, and without channels each tab has its own stream.

import { createLive } from "./live.js";

const ANSWER_MS = 400;
const WATCH_MS = 3_000;
const QUIET_MS = 10_000;

/**
 * As `createLive`; one option more: document(): the whole document, for a tab that joins.
 * @param {import("./live.js").LiveOptions & { document: () => unknown }} options
 */
export function createShared(options) {
  if (typeof BroadcastChannel !== "function") return createLive(options);
  const name = `cloudplow ${new URL(".", location.href).pathname}`;
  const me = Math.random().toString(36).slice(2);
  /** @type {Status} */
  let status = { mode: "connecting", contactAt: Date.now() };
  /** @type {BroadcastChannel | null} */
  let channel = null;
  /** @type {ReturnType<typeof createLive> | null} */
  let live = null;
  let synced = false;
  let heardAt = 0;
  /** @type {(() => void) | null} */
  let letGo = null;
  /** @type {AbortController | null} */
  let waiting = null;
  let doubt = 0;
  let watch = 0;

  /** @param {{ kind: string, content?: unknown, boot?: string }} message */
  const post = (message) => channel?.postMessage({ from: me, ...message });

  function noDoubt() {
    clearTimeout(doubt);
    doubt = 0;
  }

  // --- leading ------------------------------------------------------------------------------------------------

  function lead() {
    if (live || !channel) return;
    noDoubt();
    const mine = createLive({
      ...options,
      onSnapshot(document) {
        if (!live) return;
        options.onSnapshot(document);
        post({ kind: "snapshot", content: document });
      },
      onPatch(patch, boot) {
        if (!live) return true;
        post({ kind: "patch", content: patch, boot });
        return options.onPatch(patch, boot);
      },
      onStatus() {
        if (live === mine) tell(mine.status);
      },
    });
    live = mine;
    post({ kind: "lead" });
    live.open();
  }

  /** @param {Status} next */
  function tell(next) {
    status = next;
    post({ kind: "status", content: status });
    options.onStatus(status);
  }

  /** @param {string} kind */
  function answer(kind) {
    if (kind === "join" && options.version() !== undefined) post({ kind: "snapshot", content: options.document() });
    post({ kind: "status", content: status });
  }

  // --- following ----------------------------------------------------------------------------------------------

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

  /**
   * Wait for the lock; steal: take it from a tab that says nothing any more.
   * @param {{ steal?: boolean }} how
   */
  function queue(how) {
    waiting?.abort();
    waiting = new AbortController();
    const signal = how.steal ? undefined : waiting.signal;
    navigator.locks.request(name, { ...how, signal }, () => new Promise((/** @type {(_: void) => void} */ resolve) => {
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
    doubt ||= window.setTimeout(lead, ANSWER_MS * (1 + Math.random()));
  }

  function look() {
    if (live || !channel) return;
    const quiet = Date.now() - heardAt;
    if (!navigator.locks && quiet > WATCH_MS) suspect();
    else if (navigator.locks && status.mode !== "live" && !document.hidden && quiet > QUIET_MS) queue({ steal: true });
  }

  // --- listening ----------------------------------------------------------------------------------------------

  /** @param {MessageEvent} message */
  function heard({ data: { from, kind, content, boot } }) {
    if (live) heardByLeader(live, from, kind);
    else if (kind === "join" || kind === "who" || kind === "wake") return;
    else if (kind !== "bye") follower(kind, content, boot);
    else if (!navigator.locks) suspect();
  }

  /** @param {ReturnType<typeof createLive>} mine @param {string} from @param {string} kind */
  function heardByLeader(mine, from, kind) {
    if (kind === "join" || kind === "who") answer(kind);
    else if (kind === "wake") mine.wake();
    else if (kind !== "lead" || navigator.locks) return;
    else if (from < me) follow();
    else post({ kind: "lead" });
  }

  /** @param {string} kind @param {any} content @param {string} boot */
  function follower(kind, content, boot) {
    heardAt = Date.now();
    noDoubt();
    if (kind === "lead") post({ kind: "join" });
    else if (kind === "status") options.onStatus((status = content));
    else if (kind === "snapshot") {
      synced = true;
      options.onSnapshot(content);
    } else if (kind === "patch" && synced && !options.onPatch(content, boot)) {
      // Nothing to change until the whole has come.
      synced = false;
      post({ kind: "join" });
    }
  }

  return {
    open() {
      if (channel) return;
      channel = new BroadcastChannel(name);
      channel.addEventListener("message", heard);
      watch = window.setInterval(look, WATCH_MS);
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
      noDoubt();
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
