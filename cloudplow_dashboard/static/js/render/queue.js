// @ts-check
// What waits, and how large it is.

import { RANKS } from "../derive/queue.js";
import { el, fillPanel, setAttr, setText, setTitled, show, svg } from "../dom.js";
import { fileName } from "../filename.js";
import * as format from "../format.js";
import * as words from "../words.js";

const STEPS = 4;
const HEIGHT = 40;
/** Nearer than this the names of two percentiles do not fit beside each other, in percent of the width. */
const NAME_WIDTH = 16;

/**
 * @param {HTMLElement} root
 * @returns {Update}
 */
export function queue(root) {
  const total = totals();
  const sizes = histogram();
  const ranks = percentiles();
  const level = el("span.level", { "aria-hidden": "true" }, ...[1, 2, 3, 4].map(() => el("i")));
  const trust = el("span");
  const confidence = el("p.queue__confidence", {}, level, trust);
  const head = el("div", {}, ...total.nodes);
  const explained = el("details.explain", {}, el("summary", { text: "What do P50 and P99 mean?" }), el("p", {
    text: "Half of the files are no larger than P50, and 99 of 100 no larger than P99. A bar is how many files are "
      + "of a size.",
  }));
  const body = el("div.queue", {}, head, sizes.node, ranks.node, explained, confidence);
  const note = fillPanel(root, body);

  return (view) => {
    const { queue: waiting, now } = view;
    show(root, waiting.available);
    if (!waiting.available) return;
    const { files, bytes } = waiting;
    setText(note, files ? `${format.bytes(bytes)} in ${format.plural(files, "file")}` : "empty");
    total.set(waiting, now);
    // Of one file, or none, the sizes of what was listed say nothing.
    const measured = waiting.files > 1 && waiting.bins.length > 0;
    for (const node of [sizes.node, ranks.node, explained]) show(node, measured);
    if (measured) sizes.draw(waiting);
    ranks.set(waiting);
    const { word, level: filled } = words.confidence(waiting.confidence);
    setAttr(level, "data-level", filled);
    setTitled(trust, trustText(word, waiting, now), format.fullTime(waiting.learnedAt));
  };
}

/** How much there is, the largest and the oldest file. */
function totals() {
  const amount = el("span.queue__number");
  const largest = el("span.queue__largest");
  const since = el("span");
  const name = fileName();
  const oldest = el("p.queue__oldest", {}, since, name.node);
  return {
    nodes: [el("p.queue__totals", {}, amount, largest), oldest],
    /** @param {Queue} waiting @param {number} now */
    set(waiting, now) {
      const { files, maxFileSize } = waiting;
      setText(amount, files ? `${format.bytes(waiting.bytes)} in ${format.plural(files, "file")}` : "Nothing waits");
      setText(largest, files > 1 && maxFileSize > 0 ? `largest ${format.bytes(maxFileSize)}` : "");
      const changed = waiting.oldestModifiedAt;
      show(oldest, files > 1 && changed > 0);
      setTitled(since, `oldest ${format.clock(changed, now)}`, format.fullTime(changed));
      name.set(waiting.oldestFile);
    },
  };
}

function percentiles() {
  const values = RANKS.map(() => el("dd.percentile__value"));
  const names = RANKS.map((rank) => (
    el("dt.stat__label", { text: `P${rank}`, title: `${rank}% of the files are no larger` })));
  return {
    node: el("dl.percentiles", {}, ...names.map((name, place) => el("div", {}, name, values[place]))),
    /** @param {Queue} waiting */
    set(waiting) {
      for (const [place, value] of values.entries()) setText(value, format.bytes(waiting.percentiles[place]));
    },
  };
}

/** Sizes from left to right, doubling in equal steps: a bar for the files of each size, the percentiles as lines. */
function histogram() {
  const bars = svg("path.sizes__bars");
  const marks = svg("path.sizes__marks", { "vector-effect": "non-scaling-stroke" });
  const chart = svg("svg.sizes", { viewBox: `0 0 100 ${HEIGHT}`, preserveAspectRatio: "none" }, bars, marks);
  const names = [el("span"), el("span")];
  const labels = Array.from({ length: STEPS + 1 }, () => el("span"));
  const axis = el("p.sizes__axis", {}, ...labels);
  return {
    node: el("div", { "aria-hidden": "true" }, el("p.sizes__names", {}, ...names), chart, axis),
    /** @param {Queue} waiting */
    draw({ bins, percentiles: sizes }) {
      const first = Math.log2(bins[0].from);
      const step = Math.ceil((Math.log2(bins[bins.length - 1].to) - first) / STEPS);
      const x = (/** @type {number} */ bytes) => (
        100 * Math.min(1, Math.max(0, (Math.log2(bytes) - first) / (step * STEPS))));
      setAttr(bars, "d", barsPath(bins, x));
      setAttr(marks, "d", sizes.map((bytes) => `M${x(bytes)} 0V${HEIGHT}`).join(""));
      nameEnds(names, x(sizes[0]), x(sizes[sizes.length - 1]));
      for (const [place, node] of labels.entries()) {
        setText(node, format.bytes(2 ** (first + place * step)).replace(".0", ""));
      }
    },
  };
}

/** @param {Queue["bins"]} bins @param {(bytes: number) => number} x */
function barsPath(bins, x) {
  const most = Math.max(...bins.map((bin) => bin.files));
  return bins.map(({ from, to, files }) => {
    const top = HEIGHT - Math.max(1, (files / most) * HEIGHT);
    return `M${x(from)} ${HEIGHT}V${top}H${x(to) - 0.3}V${HEIGHT}`;
  }).join("");
}

/**
 * Name the first and the last percentile, in one when they are near each other.
 * @param {HTMLElement[]} names
 * @param {number} left
 * @param {number} right
 */
function nameEnds([first, last], left, right) {
  const near = right - left < NAME_WIDTH;
  first.style.setProperty("--at", `${left}%`);
  last.style.setProperty("--at", `${right}%`);
  setText(first, near ? "P50 – P99" : "P50");
  setText(last, near ? "" : "P99");
}

/** @param {string} word @param {Queue} waiting @param {number} now */
function trustText(word, waiting, now) {
  if (waiting.confidence === "exact") {
    const at = format.moment(waiting.learnedAt, now);
    const took = format.duration(waiting.durationSeconds);
    const when = at && ` at ${at}`;
    const long = took === "-" ? "" : ` in ${took}`;
    return `Exact: every file was listed${when}${long}`;
  }
  if (!waiting.confidence) return "Confidence not known";
  const source = waiting.samples > 0 ? `, from ${format.plural(waiting.samples, "size")}` : "";
  return `${word} confidence${source}`;
}
