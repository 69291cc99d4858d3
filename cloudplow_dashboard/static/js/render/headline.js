// @ts-check
// The first thing to read: one sentence, the great bar, the numbers that matter now, and what comes next.

import { commandLine } from "../command.js";
import { bar, el, figures, keyedRows, mark, setAttr, setMark, setText, show } from "../dom.js";
import * as format from "../format.js";
import { great, hasEnded, headState } from "../great.js";
import { askSpeeds } from "../history/ask.js";
import { nextStep, plain, sentence, waitsForMore, workerPlace } from "../sentence.js";
import * as words from "../words.js";
import { LINE_SECONDS, spark } from "../spark.js";

const MOVING = new Set(["uploading", "throttled", "stalled", "switching", "scanning"]);

/**
 * Whether speed and time left say something: not of a first listing, and not of a dry run.
 * @param {View} view
 */
function moves({ phase, filesTotal, session: { dryRun } }) {
  return MOVING.has(phase) && !dryRun && (phase !== "scanning" || filesTotal > 0);
}

/** A longer sentence may be cut short: it is then the tooltip too. */
const LONG_SENTENCE = 120;

/**
 * @param {HTMLElement} root
 * @param {() => void} redraw
 * @returns {Update}
 */
export function headline(root, redraw) {
  const badgeMark = mark();
  const badgeWord = el("span");
  const chips = el("span.headline__chips");
  const state = el("div.headline__state", {}, el("span.badge", {}, badgeMark, badgeWord), chips);
  const title = sentenceLine();
  const next = nextLine();
  const amounts = amountsBox();
  const list = el("dl.figures");
  const speed = speedBox(root, redraw);
  const numbers = el("div.headline__numbers", {}, amounts.node, list, speed.node);
  root.replaceChildren(state, title.node, numbers, amounts.progress, next.node);
  const setFigures = figures(list, "figure");
  const setChips = keyedRows(chips, (/** @type {Chip} */ item) => item.text,
    (item) => ({ node: el("span.chip", { text: item.text }) }), (row, item) => setAttr(row.node, "title", item.title));

  return (view) => {
    const badge = headState(view);
    setMark(badgeMark, badge);
    setText(badgeWord, badge.word);
    setAttr(root, "data-tone", badge.tone);
    setChips(chipsOf(view));
    title.set(view);
    amounts.set(view, badge.tone);
    const items = view.idle ? figuresIdle(view) : moves(view) ? figuresNow(view) : figuresThen(view);
    setFigures(items);
    show(numbers, !amounts.node.hidden || items.length > 0);
    speed.set(view);
    next.set(view);
  };
}

/** @typedef {{ text: string, title: string | null }} Chip */

/** @param {View} view */
function chipsOf(view) {
  /** @type {Chip[]} */
  const chips = [];
  const add = (/** @type {string} */ text, /** @type {string | null} */ title = null) => chips.push({ text, title });
  if (hasEnded(view)) add("cloudplow has ended: this is its last state");
  else if (view.program === "none") add("cloudplow is not running: this is its last state");
  else if (view.session.recovered) add("Recovered after a restart");
  if (view.session.dryRun && view.active && view.phase !== "uploading") add("Dry run");
  if (view.active && view.throttle.active && view.phase !== "throttled" && !view.limit) add("Throttled");
  if (view.limit > 0) add(`Limited to ${format.speed(view.limit)}`, "cloudplow limit off ends that");
  if (view.unreached.length) add(unreachedText(view), unreachedTitle(view));
  return chips;
}

/** @param {View} view */
function unreachedText({ unreached }) {
  const more = unreached.length > 1 ? ` and ${unreached.length - 1} more` : "";
  return `Notifications failed: ${unreached[0].name}${more}`;
}

/** @param {View} view */
function unreachedTitle({ unreached, now }) {
  const said = unreached.slice(0, 5).map(({ name, failed, error, at }) => (
    `${name}: ${format.plural(failed, "failure")}, the last at ${format.moment(at, now)}: ${error}`
  ));
  return said.join("\n");
}

function sentenceLine() {
  const node = el("h1.headline__sentence", { id: "headline-sentence" });
  /** @type {string | null} */
  let shown = null;
  return {
    node,
    /** @param {View} view */
    set(view) {
      const parts = sentence(view);
      const text = plain(parts);
      if (text === shown) return;
      shown = text;
      setAttr(node, "title", text.length > LONG_SENTENCE ? text : null);
      node.replaceChildren(...parts.map((part) => (typeof part === "string" ? part : el("bdi", { text: part.data }))));
    },
  };
}

/** What happens by itself, or what to do. */
function nextLine() {
  const words = el("span");
  const line = commandLine();
  const node = el("p.headline__next", {}, words, " ", line.node);
  return {
    node,
    /** @param {View} view */
    set(view) {
      const { text, command } = nextStep(view);
      show(node, text !== "");
      setText(words, text);
      line.set(command);
    },
  };
}

/** The large number and the bar. */
function amountsBox() {
  const share = el("p.headline__share");
  const amount = el("p.headline__amount");
  const progress = bar("bar--great", "");
  const node = el("div.headline__main", {}, share, amount);
  return {
    node,
    progress: progress.node,
    /** @param {View} view @param {string} tone */
    set(view, tone) {
      const { number, below, fraction, label } = great(view);
      show(node, number !== "" || below !== "");
      show(share, number !== "");
      setText(share, number);
      setText(amount, below);
      show(progress.node, fraction >= 0 || view.active);
      // What stands still has the colour of its state.
      setAttr(progress.node, "data-tone", view.active && MOVING.has(view.phase) && !view.silentSince ? null : tone);
      setAttr(progress.node, "aria-label", label);
      progress.set(fraction, fraction >= 0 ? `${format.percent(fraction)}, ${below}` : "");
    },
  };
}

/**
 * The line of the speed; what was before this page was opened comes from the history.
 * @param {HTMLElement} root
 * @param {() => void} redraw
 */
function speedBox(root, redraw) {
  const line = spark();
  const peak = el("span");
  const scale = el("p.headline__scale", {}, el("span", { text: "Speed, last 3 minutes" }), peak);
  const node = el("div.headline__line", { hidden: true }, line.node, scale);
  let drawnFor = "";

  /** @param {View} view @param {string} session */
  async function fill({ name, seconds }, session) {
    const points = await askSpeeds(name, Math.min(LINE_SECONDS, seconds));
    if (session !== drawnFor) return;
    // The last interval is not over: its speed is not known yet.
    line.before(points.slice(0, -1).map(([at, value]) => ({ at, value })));
    redraw();
  }

  return {
    node,
    /** @param {View} view */
    set(view) {
      const session = view.session.id + view.name;
      const drawn = view.active && moves(view);
      if (drawnFor !== session) {
        line.clear();
        drawnFor = session;
        if (drawn && view.seconds > 0) fill(view, session);
      }
      if (view.active) line.add(view.sampleAt, view.speed);
      line.draw();
      show(node, drawn);
      setAttr(root, "data-line", drawn ? "" : null);
      setText(peak, line.peak >= 1 ? `peak ${format.speed(line.peak)}` : "");
    },
  };
}

/**
 * While files move.
 * @param {View} view
 */
function figuresNow(view) {
  const { account } = view.session;
  // Of an upload of which nothing is heard nobody knows.
  const eta = view.silentSince ? -1 : view.eta;
  const at = eta >= 0 ? format.moment(view.finishAt, view.now) : "";
  const finish = at && !format.isEndless(eta) ? `${view.fits ? "done" : "used up"} around ${at}` : "not known yet";
  const total = view.filesTotal ? `of ${format.count(view.filesTotal)}` : "";
  const note = format.isEndless(eta) ? "at this speed" : finish;
  const average = view.average > 0 ? `average ${format.speed(view.average)}` : "";
  const waits = view.fits ? note : `${format.bytes(view.waiting)} must wait`;
  /** @type {import("../dom.js").Figure[]} */
  const items = [
    { label: view.fits ? "Time left" : "Quota lasts", value: format.timeLeft(eta), note: waits },
    { label: "Speed", value: format.speed(view.speed), note: average },
    { label: "Files", value: format.count(view.filesDone), note: total },
  ];
  const where = workerPlace(view.session);
  if (account) items.push({ label: "Account", value: account, note: where, title: account });
  else if (where) items.push({ label: "Account", value: where, note: "" });
  return items;
}

/**
 * While the scheduler waits.
 * @param {View} view
 */
function figuresIdle(view) {
  const { now, session, status } = view;
  const { state, until, nextCheckAt, waitingFiles, waitingBytes, checkedAt } = status;
  const cooling = state === "cooling";
  const items = [];
  // What the large number says already is not said again.
  const more = waitsForMore(view);
  if (nextCheckAt > now && more) {
    items.push(countdown("Next check in", nextCheckAt, now));
  } else if (nextCheckAt > now && Math.abs(nextCheckAt - until) > 60 && !cooling) {
    items.push(countdown("Next check in", nextCheckAt, now));
  }
  if (waitingFiles || (checkedAt && !waitingBytes)) {
    const files = format.plural(waitingFiles, "file");
    const size = format.bytes(waitingBytes);
    const beside = more || (state === "waiting" && until <= now);
    // The size stands beside the large number then.
    const [value, note] = !waitingFiles ? ["Nothing", ""] : beside ? [files, ""] : [size, files];
    items.push({ label: "To upload", value, note });
  }
  if (session.endedAt) {
    const note = `${format.clock(session.endedAt, now)}, ${format.plural(view.filesDone, "file")}`;
    items.push({ label: "Last session", value: words.outcome(session.outcome).word, note, title: session.reason });
  }
  // Where what is free is enough, nobody waits for more.
  const enough = cooling || view.capacity.free > waitingBytes;
  return [...items, ...quotaFigures(view, enough ? 0 : Math.max(session.nextCapacityAt, view.capacity.nextAt))];
}

/** @param {string} label @param {number} at @param {number} now */
function countdown(label, at, now) {
  return { label, value: format.duration(at - now), note: `at ${format.moment(at, now)}` };
}

/**
 * While nothing moves.
 * @param {View} view
 */
function figuresThen(view) {
  const { now, session, queue } = view;
  const items = [];
  if (session.exists) {
    const ended = format.clock(session.endedAt, now);
    const average = view.average > 0 ? `average ${format.speed(view.average)}` : "";
    const took = ended ? `until ${ended}` : average;
    // An earlier process may never have known how much there was.
    const unknown = view.filesDone > 0 && !view.filesTotal;
    const ofFiles = unknown ? "" : `of ${format.count(view.filesTotal)}`;
    const some = view.left > 0 || view.filesLeft > 0;
    const left = unknown ? "-" : some ? format.bytes(view.left) : "Nothing";
    const files = some ? format.plural(view.filesLeft, "file") : "";
    // One that could not begin, or found nothing, has nothing to count; nor has one that uploads nothing.
    if ((view.filesDone || view.filesTotal || view.filesLeft) && !session.dryRun) {
      items.push({ label: "Files", value: format.count(view.filesDone), note: ofFiles });
      items.push({ label: "Left", value: left, note: unknown ? "not known" : files });
    }
    if (view.seconds >= 1) items.push({ label: "Duration", value: format.duration(view.seconds), note: took });
  } else if (queue.available) {
    items.push({ label: "In the queue", value: format.bytes(queue.bytes), note: format.plural(queue.files, "file") });
  }
  return [...items, ...quotaFigures(view, 0)];
}

/**
 * What may be spent, and when there is more.
 * @param {View} view
 * @param {number} next
 */
function quotaFigures({ now, pool, capacity }, next) {
  const items = [];
  // Free is nothing that nobody may use.
  if (pool.limit > 0 && pool.states.some(({ state }) => state !== "denied" && state !== "failed")) {
    const { free } = capacity;
    const note = pool.total > 1 ? `on ${free ? "all accounts" : "any account"}` : "";
    items.push({ label: "Free quota", value: free ? format.bytes(free) : "None", note });
  }
  if (next > now) items.push(countdown("More quota in", next, now));
  return items;
}
