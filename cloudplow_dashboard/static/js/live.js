// Keeps a document up to date: a stream where it works, polling where it does not. Knows nothing about the page.
//
// Modes: "connecting", "live" (stream), "reconnecting" (nothing works at the moment), "polling", "closed".

const FAILURES_BEFORE_POLLING = 3;
const FIRST_MESSAGE_MS = 8_000;
const STEADY_MS = 10_000;
const BACKOFF_MS = [1_000, 2_000, 5_000, 10_000, 20_000];
const STREAM_RETRY_MS = 30_000;
const REQUEST_TIMEOUT_MS = 10_000;
const WATCH_MS = 5_000;
const QUIET_BUSY_MS = 10_000;
const QUIET_IDLE_MS = 60_000;

/**
 * @param {object} options
 *   eventsUrl, stateUrl: addresses; onSnapshot(document), onPatch(patch): messages in order;
 *   onStatus({mode, contactAt}): the connection changed, contactAt in epoch ms of the last sign of life;
 *   interval(): seconds between two polls; busy(): whether the stream should have something to say all the time;
 *   version(): the version of the document that is shown; boot(): the process that it is of.
 */
export function createLive({ eventsUrl, stateUrl, onSnapshot, onPatch, onStatus, interval, busy, version, boot }) {
  let mode = "connecting";
  let contactAt = Date.now();
  let messageAt = Date.now();
  let failures = 0;
  let source = null;
  let etag = "";
  let polling = false;
  let asking = null;
  const timers = { reopen: 0, first: 0, steady: 0, poll: 0, watch: 0 };

  function setMode(next) {
    mode = next;
    onStatus({ mode, contactAt });
  }

  function later(name, milliseconds, action) {
    clearTimeout(timers[name]);
    timers[name] = setTimeout(action, milliseconds);
  }

  function touched() {
    contactAt = Date.now();
  }

  // --- the stream ---------------------------------------------------------------------------------------------

  function closeStream() {
    clearTimeout(timers.first);
    clearTimeout(timers.steady);
    if (source) source.close();
    source = null;
  }

  function openStream() {
    closeStream();
    clearTimeout(timers.reopen);
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
    stream.addEventListener("patch", (event) => received(stream, event, onPatch));
    stream.addEventListener("error", () => {
      if (source !== stream) return;
      if (stream.readyState === EventSource.CLOSED) streamFailed(1);
      else interrupted();
    });
  }

  function received(stream, event, deliver) {
    if (source !== stream) return;
    let message;
    try {
      message = JSON.parse(event.data);
    } catch {
      // A frame cut short by a proxy: the next snapshot mends it.
      return;
    }
    if (message === null || typeof message !== "object") return;
    clearTimeout(timers.first);
    timers.first = 0;
    failures = 0;
    messageAt = Date.now();
    touched();
    deliver(message);
    streamWorks();
  }

  function streamWorks() {
    stopPolling();
    if (mode !== "live") setMode("live");
  }

  /** The browser connects again by itself; after some fruitless attempts we stop it. */
  function interrupted() {
    failures += 1;
    clearTimeout(timers.steady);
    if (failures >= FAILURES_BEFORE_POLLING) streamFailed(0);
    else if (mode !== "polling") setMode("reconnecting");
  }

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
    if (asking) asking.abort();
    const controller = new AbortController();
    asking = controller;
    const timeout = setTimeout(() => controller.abort(), REQUEST_TIMEOUT_MS);
    try {
      const headers = etag ? { "If-None-Match": etag } : {};
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
    clearTimeout(timers.poll);
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
    later("watch", WATCH_MS, watch);
    if (mode !== "live") return;
    const limit = busy() ? Math.max(QUIET_BUSY_MS, 4000 * interval()) : QUIET_IDLE_MS;
    if (Date.now() - messageAt < limit) return;
    const answer = await ask();
    if (mode !== "live" || Date.now() - messageAt < limit) return;
    messageAt = Date.now();
    if (answer === "same") return;
    setMode("reconnecting");
    openStream();
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
      if (asking) asking.abort();
      for (const name of Object.keys(timers)) clearTimeout(timers[name]);
      setMode("closed");
    },
    /** The state of the connection. */
    get status() {
      return { mode, contactAt };
    },
  };
}
