// What waits, and how large it is.

import { bar, el, keyedRows, setAttr, setText, show, svg } from "../dom.js";
import { BUCKETS } from "../derive.js";
import * as format from "../format.js";
import * as words from "../words.js";

/** root: the section. Returns update(view). */
export function queue(root) {
  const note = root.querySelector("[data-note]");
  const empty = el("p", { class: "empty", text: "The queue has not been listed yet." });
  const files = el("span", { class: "queue__number" });
  const size = el("span", { class: "queue__number" });
  const totals = el("p", { class: "queue__totals" }, size, el("span", { text: "in" }), files);
  const buckets = el("ul", { class: "buckets" });
  const percentiles = el("dl", { class: "percentiles" });
  const level = el("span", { class: "level", "aria-hidden": "true" }, ...[1, 2, 3, 4].map(() => el("i")));
  const trust = el("span");
  const confidence = el("p", { class: "queue__confidence" }, level, trust);
  const sizes = histogram();
  const largest = el("span", { class: "queue__largest" });
  totals.append(largest);
  const body = el("div", { class: "queue" }, totals, buckets, sizes.node, percentiles, confidence);
  root.querySelector("[data-body]").replaceChildren(body, empty);
  const setBuckets = keyedRows(buckets, (item) => item.name, createBucket, updateBucket);
  const setPercentiles = keyedRows(percentiles, (item) => item.key, createPercentile, updatePercentile);

  return (view) => {
    const { queue: waiting } = view;
    const known = waiting.available || waiting.files > 0;
    show(body, known);
    show(empty, !known);
    const at = format.clock(waiting.learnedAt, view.now);
    setText(note, known && at ? `listed ${at}` : "");
    setAttr(note, "title", format.fullTime(waiting.learnedAt) || null);
    if (!known) return;
    setText(size, format.bytes(waiting.bytes));
    setText(files, format.plural(waiting.files, "file"));
    setBuckets(waiting.buckets);
    show(buckets, waiting.buckets.length > 0);
    const measured = waiting.percentiles.some((item) => item.bytes > 0);
    show(percentiles, measured);
    setPercentiles(measured ? waiting.percentiles : []);
    show(sizes.node, measured);
    if (measured) sizes.draw(waiting);
    setText(largest, waiting.largest > 0 ? `largest ${format.bytes(waiting.largest)}` : "");
    const { word, level: filled } = words.confidence(waiting.confidence);
    setAttr(level, "data-level", filled);
    setText(trust, trustText(word, waiting));
  };
}

const MIB = 2 ** 20;
const EDGES = [1, 100, 1024, 10240, 51200].map((size) => size * MIB);
const WIDTH = 200;
const HEIGHT = 40;

/** Sizes from left to right, each ten times the one before it in equal steps; the percentiles as lines on them. */
function histogram() {
  const bars = EDGES.map(() => svg("rect", { class: "sizes__bar" }));
  const marks = ["p50", "p75", "p90", "p95", "p99"].map(() => svg("line", { class: "sizes__mark", y1: 0, y2: HEIGHT, "vector-effect": "non-scaling-stroke" }));
  const node = svg("svg", { class: "sizes", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" }, ...bars, ...marks);
  return {
    node,
    draw({ buckets, percentiles, largest }) {
      const edges = [...EDGES, Math.max(largest, 2 * EDGES.at(-1))];
      const x = (size) => (Math.log(Math.max(1, size / MIB)) / Math.log(edges.at(-1) / MIB)) * WIDTH;
      const most = Math.max(1, ...buckets.map((bucket) => bucket.files));
      for (const [place, rect] of bars.entries()) {
        const files = buckets.find((bucket) => bucket.name === BUCKETS[place])?.files ?? 0;
        const height = files > 0 ? Math.max(1, (files / most) * (HEIGHT - 4)) : 0;
        const left = x(edges[place]);
        for (const [key, value] of [["x", left], ["width", Math.max(0, x(edges[place + 1]) - left - 1)], ["y", HEIGHT - height], ["height", height]]) {
          setAttr(rect, key, value.toFixed(1));
        }
      }
      for (const [place, line] of marks.entries()) {
        const at = Math.min(WIDTH - 0.5, x(percentiles[place].bytes)).toFixed(1);
        setAttr(line, "x1", at);
        setAttr(line, "x2", at);
      }
    },
  };
}

function trustText(word, waiting) {
  if (waiting.confidence === "exact") {
    const took = format.duration(waiting.seconds);
    return `Exact: every file was listed${took === "-" ? "" : ` in ${took}`}`;
  }
  if (!waiting.confidence) return "Confidence not known";
  return `${word} confidence${waiting.samples > 0 ? `, from ${format.plural(waiting.samples, "size")}` : ""}`;
}

/** "100MB-1GB" as people write it. */
function bucketLabel(name) {
  return name.replaceAll(/(\d)([A-Z]+)/g, "$1 $2").replace("-", " – ").replace("+", " and more").replace(/^0 – /, "up to ");
}

function createBucket(item) {
  const progress = bar("bar--bucket", `Share of the files of ${bucketLabel(item.name)}`);
  const files = el("span", { class: "bucket__files" });
  const size = el("span", { class: "bucket__bytes" });
  const label = el("span", { class: "bucket__label", text: bucketLabel(item.name) });
  return { node: el("li", { class: "bucket" }, label, progress.node, files, size), progress, files, size };
}

function updateBucket(row, item) {
  row.progress.set(item.percentage / 100, `${item.percentage}%`);
  setText(row.files, format.count(item.files));
  setText(row.size, item.files > 0 ? format.bytes(item.bytes) : "-");
  setAttr(row.node, "title", `${format.plural(item.files, "file")}, ${item.percentage}% of all, ${format.bytes(item.bytes)}`);
  setAttr(row.node, "data-empty", item.files === 0 ? "" : null);
}

function createPercentile(item) {
  const label = el("dt", { class: "stat__label", text: item.key.toUpperCase() });
  label.title = `${item.key.slice(1)}% of the files are no larger`;
  const value = el("dd", { class: "percentile__value" });
  return { node: el("div", { class: "percentile" }, label, value), value };
}

function updatePercentile(row, item) {
  setText(row.value, format.bytes(item.bytes));
}
