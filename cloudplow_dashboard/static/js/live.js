// @ts-check
// Keeps a document up to date: a stream where it works, polling where it does not. Knows nothing about the page.
//
// Modes: "connecting", "live" (stream), "reconnecting" (nothing works at the moment), "polling", "closed".

const FAILURES_BEFORE_POLLING = 3;
const FIRST_MESSAGE_MS = 8_000;
const STEADY_MS = 10_000;
const BACKOFF_MS = [1_000, 2_000, 5_000, 10_000, 20_000];
const STREAM_RETRY_MS = 30_000;
const REQUEST_TIMEOUT_MS = 10_000;
const WATCH_MS = 1_000;
/** How late a message may be that comes once an interval while something is uploaded. */
const QUIET_BUSY_MS = 750;
const QUIET_IDLE_MS = 60_000;
/** Whoever says nothing and does not answer for so long counts as lost; a request may still come through. */
const DOUBT_MS = 1_000;

/**
 * @typedef {object} LiveOptions
 * @property {string} eventsUrl
 * @property {string} stateUrl
 * @property {(document: any) => void} onSnapshot
 * @property {(patch: any, boot: string) => boolean} onPatch messages come in order; false when the patch does not
 *   follow what is shown. boot: the process that made it, "" when unknown
 * @property {(status: Status) => void} onStatus the connection changed
 * @property {() => number} interval seconds between two polls
 * @property {() => boolean} busy whether the stream should have something to say all the time
 * @property {() => number | undefined} version of the document that is shown
 * @property {() => string | undefined} boot the process that it is of
 */

/** @param {LiveOptions} options */
export function createLive({ eventsUrl, stateUrl, onSnapshot, onPatch, onStatus, interval, busy, version, boot }) {
  /** @type {Status["mode"]} */
  let mode = "connecting";
  let contactAt = Date.now();
  let messageAt = Date.now();
  let failures = 0;
  let etag = "";
  let polling = false;
  let catching = false;
  let missed = false;
  let doubting = false;
  let calm = 0;
  /** @type {EventSource | null} */
  let source = null;
  /** @type {AbortController | null} */
  let asking = null;
  /** @type {Record<string, ReturnType<typeof setTimeout> | undefined>} */
  const timers = {};

  /** @param {Status["mode"]} next */
  function setMode(next) {
    mode = next;
    onStatus({ mode, contactAt });
  }

  /** @param {string} name @param {number} milliseconds @param {() => void} action */
  function later(name, milliseconds, action) {
    clearTimeout(timers[name]);
    timers[name] = setTimeout(action, milliseconds);
  }

  /** @param {string} name */
  function never(name) {
    clearTimeout(timers[name]);
    timers[name] = undefined;
  }

  function touched() {
    contactAt = Date.now();
  }

  // --- the stream ---------------------------------------------------------------------------------------------

  function closeStream() {
    never("first");
    never("steady");
    source?.close();
    source = null;
  }

  function openStream() {
    closeStream();
    never("reopen");
    // What is shown already need not come once more.
    const stream = new EventSource(version() ? `${eventsUrl}?last_event_id=${boot()}:${version()}` : eventsUrl);
    source = stream;
    // A proxy that holds events back lets the stream open and then says nothing.
    later("first", FIRST_MESSAGE_MS, () => streamFailed(FAILURES_BEFORE_POLLING));
    stream.addEventListener("open", () => {
      touched();
      later("steady", STEADY_MS, () => { failures = 0; });
      if (mode === "reconnecting" && !timers.first) streamWorks();
    });
    stream.addEventListener("snapshot", (event) => received(stream, event, onSnapshot));
    stream.addEventListener("patch", (event) => received(stream, event, (patch) => {
      // An id is "BOOT:VERSION".
      if (!onPatch(patch, event.lastEventId.split(":")[0])) catchUp();
    }));
    stream.addEventListener("error", () => {
      if (source !== stream) return;
      if (stream.readyState === EventSource.CLOSED) streamFailed(1);
      else interrupted();
    });
  }

  /** @param {EventSource} stream @param {MessageEvent} event @param {(message: any) => void} deliver */
  function received(stream, event, deliver) {
    if (source !== stream) return;
    let message;
    try {
      message = JSON.parse(event.data);
    } catch {
      // Cut short by a proxy: the next patch does not follow what is shown.
      return;
    }
    if (message === null || typeof message !== "object") return;
    never("first");
    failures = 0;
    calm = 0;
    messageAt = Date.now();
    touched();
    deliver(message);
    streamWorks();
  }

  function streamWorks() {
    stopPolling();
    if (mode !== "live") setMode("live");
  }

  /** A patch does not follow what is shown: ask for the whole, and again if more came while it was on its way. */
  async function catchUp() {
    missed = true;
    if (catching) return;
    catching = true;
    while (missed) {
      missed = false;
      etag = "";
      if (await ask() !== "failed" || mode !== "live") continue;
      setMode("reconnecting");
      openStream();
    }
    catching = false;
  }

  /** The browser connects again by itself; after some fruitless attempts we stop it. */
  function interrupted() {
    failures += 1;
    never("steady");
    if (failures >= FAILURES_BEFORE_POLLING) streamFailed(0);
    else if (mode !== "polling") setMode("reconnecting");
  }

  /** @param {number} weight */
  function streamFailed(weight) {
    closeStream();
    failures += weight;
    if (failures >= FAILURES_BEFORE_POLLING) startPolling();
    else if (mode !== "polling") setMode("reconnecting");
    const base = polling ? STREAM_RETRY_MS : BACKOFF_MS[Math.min(failures, BACKOFF_MS.length) - 1] ?? BACKOFF_MS[0];
    later("reopen", base * (0.8 + 0.4 * Math.random()), openStream);
  }

  // --- polling ------------------------------------------------------------------------------------------------

  /** Ask for the whole document; returns "new", "same" or "failed". */
  async function ask() {
    asking?.abort();
    const controller = new AbortController();
    asking = controller;
    const timeout = setTimeout(() => controller.abort(), REQUEST_TIMEOUT_MS);
    try {
      const headers = new Headers(etag ? { "If-None-Match": etag } : {});
      const response = await fetch(stateUrl, { headers, cache: "no-store", signal: controller.signal });
      if (response.status === 304) {
        touched();
        return "same";
      }
      if (!response.ok) return "failed";
      const document = await response.json();
      if (asking !== controller) return "failed";
      etag = response.headers.get("ETag") ?? "";
      touched();
      const before = version();
      onSnapshot(document);
      return version() === before ? "same" : "new";
    } catch {
      return "failed";
    } finally {
      clearTimeout(timeout);
      if (asking === controller) asking = null;
    }
  }

  function startPolling() {
    if (polling) return;
    polling = true;
    if (mode === "live") setMode("reconnecting");
    poll();
  }

  function stopPolling() {
    polling = false;
    never("poll");
  }

  async function poll() {
    const answer = await ask();
    if (!polling) return;
    const next = answer === "failed" ? "reconnecting" : "polling";
    // Somebody answers again.
    if (mode === "reconnecting" && next === "polling") later("reopen", 0, openStream);
    if (next !== mode || next === "polling") setMode(next);
    later("poll", Math.max(1, interval()) * 1000, poll);
  }

  // --- watching -----------------------------------------------------------------------------------------------

  /** A connection that has died silently raises no error: ask when the stream is quiet for too long. */
  async function watch() {
    // Who has nothing to say, as while rclone is silent, is asked less and less often.
    const limit = busy() ? Math.min(QUIET_IDLE_MS, (QUIET_BUSY_MS + 1000 * interval()) * 2 ** calm) : QUIET_IDLE_MS;
    const left = messageAt + limit - Date.now();
    later("watch", left > 0 ? Math.min(left, WATCH_MS) : WATCH_MS, watch);
    if (mode !== "live" || doubting || left > 0) return;
    doubting = true;
    later("doubt", DOUBT_MS, () => setMode("reconnecting"));
    const answer = await ask();
    never("doubt");
    doubting = false;
    // Closed meanwhile, or the stream has come back to life.
    if (isClosed() || polling || Date.now() - messageAt < limit) return;
    messageAt = Date.now();
    if (answer === "same") {
      calm += 1;
      setMode("live");
    } else {
      setMode("reconnecting");
      openStream();
    }
  }

  function isClosed() {
    return mode === "closed";
  }

  function wake() {
    if (mode === "live" || mode === "closed") return;
    failures = Math.min(failures, FAILURES_BEFORE_POLLING - 1);
    openStream();
    if (polling) later("poll", 0, poll);
  }

  return {
    /** Begin. */
    open() {
      mode = "connecting";
      openStream();
      later("watch", WATCH_MS, watch);
      onStatus({ mode, contactAt });
    },
    /** Try again at once: the network is back, or the page is looked at again. */
    wake,
    /** The network is gone: no need to wait for an error. */
    lost() {
      if (mode === "live") setMode("reconnecting");
    },
    /** End everything, for a page that is put away. */
    close() {
      closeStream();
      stopPolling();
      asking?.abort();
      Object.keys(timers).forEach(never);
      setMode("closed");
    },
    /**
     * The state of the connection.
     * @returns {Status}
     */
    get status() {
      return { mode, contactAt };
    },
  };
}
