// @ts-check
// The first thing to read: one sentence, the great bar, the numbers that matter now.

import { bar, el, figures, keyedRows, mark, setAttr, setMark, setText, show } from "../dom.js";
import * as format from "../format.js";
import { plain, sentence } from "../sentence.js";
import * as words from "../words.js";
import { spark } from "../spark.js";

const MOVING = new Set(["uploading", "throttled", "stalled", "switching", "scanning"]);
/** A longer sentence may be cut short: it is then the tooltip too. */
const LONG_SENTENCE = 120;

/**
 * @param {HTMLElement} root
 * @returns {Update}
 */
export function headline(root) {
  const badgeMark = mark();
  const badgeWord = el("span");
  const chips = el("span.headline__chips");
  const state = el("div.headline__state", {}, el("span.badge", {}, badgeMark, badgeWord), chips);
  const title = sentenceLine();
  const amounts = amountsBox();
  const list = el("dl.figures");
  const speed = speedBox(root);
  const numbers = el("div.headline__numbers", {}, amounts.node, list, speed.node);
  root.replaceChildren(state, title.node, numbers, amounts.progress);
  const setFigures = figures(list, "figure");
  const setChips = keyedRows(chips, (/** @type {string} */ item) => item,
    (item) => ({ node: el("span.chip", { text: item }) }), () => {});

  return (view) => {
    const badge = stateOf(view);
    setMark(badgeMark, badge);
    setText(badgeWord, badge.word);
    setAttr(root, "data-tone", badge.tone);
    setChips(chipsOf(view));
    title.set(view);
    amounts.set(view, badge.tone);
    const items = view.idle ? figuresIdle(view) : MOVING.has(view.phase) ? figuresNow(view) : figuresThen(view);
    setFigures(items);
    show(numbers, !amounts.node.hidden || items.length > 0);
    speed.set(view);
  };
}

/** @param {View} view */
function stateOf(view) {
  if (view.engine === "stopped") return { word: "Stopped", shape: "square", tone: "quiet" };
  const { outcome } = view.session;
  return view.phase === "finished" && outcome ? words.outcome(outcome) : words.phase(view.phase);
}

/** @param {View} view */
function chipsOf(view) {
  const chips = [];
  if (view.session.dryRun) chips.push("Dry run");
  if (view.session.recovered) chips.push("Recovered after a restart");
  if (view.active && view.throttle.active && view.phase !== "throttled") chips.push("Throttled");
  return chips;
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

/** The share and the bar. */
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
      const { idle, status: { state, thresholdBytes, waitingBytes, checkedAt } } = view;
      const cooling = state === "cooling";
      const due = idle && !cooling && thresholdBytes > 0 && (waitingBytes > 0 || checkedAt > 0);
      const fraction = due ? Math.min(1, waitingBytes / thresholdBytes) : view.fraction;
      const known = due || (fraction >= 0 && view.session.exists && (!idle || cooling));
      const percent = format.percent(fraction);
      const sizes = due ? [waitingBytes, thresholdBytes] : [view.done, view.total];
      const text = known ? sizes.map(format.bytes).join(" of ") : "Size not known yet";
      const label = due ? "What waits, of what an upload begins with" : "Progress of the upload by bytes";
      show(node, known || (!idle && MOVING.has(view.phase)));
      show(share, known);
      setText(share, percent);
      setText(amount, text);
      show(progress.node, known || view.active);
      setAttr(progress.node, "data-tone", view.active ? null : tone);
      setAttr(progress.node, "aria-label", label);
      progress.set(known ? fraction : -1, known ? `${percent}, ${text}` : "");
    },
  };
}

/**
 * The line of the speed.
 * @param {HTMLElement} root
 */
function speedBox(root) {
  const line = spark();
  const peak = el("span");
  const scale = el("p.headline__scale", {}, el("span", { text: "Speed, last 3 minutes" }), peak);
  const node = el("div.headline__line", { hidden: true }, line.node, scale);
  let drawnFor = "";
  return {
    node,
    /** @param {View} view */
    set(view) {
      const session = view.session.id + view.name;
      if (drawnFor !== session) line.clear();
      drawnFor = session;
      if (view.active) line.add(view.sampleAt, view.speed);
      line.draw();
      const drawn = view.active && MOVING.has(view.phase);
      show(node, drawn);
      setAttr(root, "data-line", drawn ? "" : null);
      setText(peak, line.peak > 0 ? `peak ${format.speed(line.peak)}` : "");
    },
  };
}

/**
 * While files move.
 * @param {View} view
 */
function figuresNow(view) {
  const { accountIndex, accountsTotal, account, stage, stagesTotal } = view.session;
  const eta = view.eta >= 0 ? format.duration(Math.max(1, view.eta)) : "-";
  const at = format.clock(view.finishAt, view.now);
  const finish = at ? `${view.fits ? "done" : "used up"} around ${at}` : "not known yet";
  const total = view.filesTotal ? `of ${format.count(view.filesTotal)}` : "";
  /** @type {import("../dom.js").Figure[]} */
  const items = [
    { label: "Speed", value: format.speed(view.speed), note: `average ${format.speed(view.average)}` },
    { label: view.fits ? "Time left" : "Quota lasts", value: eta, note: finish },
    { label: "Files", value: format.count(view.filesDone), note: total },
  ];
  if (accountIndex >= 0 && accountsTotal > 0) {
    const value = `${format.count(accountIndex + 1)} of ${format.count(accountsTotal)}`;
    const stages = stagesTotal > 0 ? ` of ${stagesTotal}` : "";
    items.push({ label: "Account", value, note: stage > 0 ? `stage ${stage}${stages}` : account, title: account });
  }
  return items;
}

/**
 * While the scheduler waits.
 * @param {View} view
 */
function figuresIdle(view) {
  const { now, session, status: { state, nextCheckAt, waitingFiles, waitingBytes, checkedAt } } = view;
  const cooling = state === "cooling";
  const items = [];
  if (nextCheckAt > now) items.push(countdown(cooling ? "Goes on in" : "Next check in", nextCheckAt, now));
  if (waitingFiles || checkedAt) {
    items.push({ label: "To upload", value: format.bytes(waitingBytes), note: format.plural(waitingFiles, "file") });
  }
  if (session.endedAt) {
    const note = `${format.clock(session.endedAt, now)}, ${format.plural(view.filesDone, "file")}`;
    items.push({ label: "Last session", value: words.outcome(session.outcome).word, note, title: session.reason });
  }
  return [...items, ...quotaFigures(view, cooling ? 0 : Math.max(session.nextCapacityAt, view.capacity.nextAt))];
}

/** @param {string} label @param {number} at @param {number} now */
function countdown(label, at, now) {
  return { label, value: format.duration(at - now), note: `at ${format.clock(at, now)}` };
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
    const took = ended ? `until ${ended}` : `average ${format.speed(view.average)}`;
    // An earlier process may never have known how much there was.
    const unknown = view.filesDone > 0 && !view.filesTotal;
    const ofFiles = unknown ? "" : `of ${format.count(view.filesTotal)}`;
    const left = unknown ? "-" : format.bytes(view.left);
    items.push({ label: "Files", value: format.count(view.filesDone), note: ofFiles });
    items.push({ label: "Duration", value: format.duration(view.seconds), note: took });
    const note = unknown ? "not known" : format.plural(view.filesLeft, "file");
    items.push({ label: "Remaining", value: left, note });
  } else if (queue.available) {
    items.push({ label: "In the queue", value: format.bytes(queue.bytes), note: format.plural(queue.files, "file") });
  }
  const held = view.phase === "suspended";
  return [...items, ...quotaFigures(view, held ? view.suspension.until : session.nextCapacityAt, held)];
}

/**
 * What may be spent, and when there is more.
 * @param {View} view
 * @param {number} next
 */
function quotaFigures({ now, pool, capacity }, next, held = false) {
  const items = [];
  if (pool.total > 0 && pool.limit > 0) {
    const note = `on ${format.plural(pool.total, "account")}`;
    items.push({ label: "Free quota", value: format.bytes(capacity.free), note });
  }
  if (next > now) items.push(countdown(held ? "Resumes in" : "More quota in", next, now));
  return items;
}
