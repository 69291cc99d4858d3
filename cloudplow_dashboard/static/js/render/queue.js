// What waits, how large it is, and what of it does not fit now.

import { bar, el, keyedRows, setAttr, setText, show, svg } from "../dom.js";
import { RANKS } from "../derive.js";
import { fileName } from "../filename.js";
import * as format from "../format.js";
import * as words from "../words.js";
import { restText } from "./plan.js";

/** root: the section. Returns update(view). */
export function queue(root) {
  const note = root.querySelector("[data-note]");
  const empty = el("p.empty", { text: "The queue has not been listed yet." });
  const files = el("span.queue__number");
  const size = el("span.queue__number");
  const largest = el("span.queue__largest");
  const since = el("span");
  const name = fileName();
  const oldest = el("p.queue__oldest", {}, since, name.node);
  const rest = el("p.panel__line");
  const buckets = el("ul.buckets");
  const sizes = histogram();
  const values = RANKS.map(() => el("dd.percentile__value"));
  const percentiles = el("dl.percentiles", {}, ...RANKS.map((rank, place) => (
    el("div", {}, el("dt.stat__label", { text: `P${rank}`, title: `${rank}% of the files are no larger` }), values[place]))));
  const level = el("span.level", { "aria-hidden": "true" }, ...[1, 2, 3, 4].map(() => el("i")));
  const trust = el("span");
  const totals = el("p.queue__totals", {}, el("span", {}, size, " in ", files), largest);
  const body = el("div.queue", {}, el("div", {}, totals, oldest, rest), buckets, sizes.node, percentiles, el("p.queue__confidence", {}, level, trust));
  root.querySelector("[data-body]").replaceChildren(body, empty);
  const setBuckets = keyedRows(buckets, (item) => item.name, createBucket, updateBucket);

  return (view) => {
    const { queue: waiting, now } = view;
    show(body, waiting.available);
    show(empty, !waiting.available);
    const at = format.clock(waiting.learnedAt, now);
    setText(note, waiting.available && at ? `listed ${at}` : "");
    setAttr(note, "title", format.fullTime(waiting.learnedAt) || null);
    if (!waiting.available) return;
    setText(size, format.bytes(waiting.bytes));
    setText(files, format.plural(waiting.files, "file"));
    setText(largest, waiting.maxFileSize > 0 ? `largest ${format.bytes(waiting.maxFileSize)}` : "");
    show(oldest, waiting.oldestModifiedAt > 0);
    setText(since, `oldest ${format.clock(waiting.oldestModifiedAt, now)}`);
    setAttr(since, "title", format.fullTime(waiting.oldestModifiedAt));
    name.set(waiting.oldestFile);
    const text = restText(view);
    setText(rest, text);
    show(rest, text !== "");
    setBuckets(waiting.buckets);
    const measured = waiting.bins.length > 0;
    for (const node of [buckets, sizes.node, percentiles]) show(node, measured);
    if (measured) sizes.draw(waiting);
    for (const [place, value] of values.entries()) setText(value, format.bytes(waiting.percentiles[place]));
    const { word, level: filled } = words.confidence(waiting.confidence);
    setAttr(level, "data-level", filled);
    setText(trust, trustText(word, waiting));
  };
}

const STEPS = 4;
const HEIGHT = 40;

/** Sizes from left to right, doubling in equal steps: a bar for the files of each size, the percentiles as lines. */
function histogram() {
  const bars = svg("path.sizes__bars");
  const marks = svg("path.sizes__marks", { "vector-effect": "non-scaling-stroke" });
  const chart = svg("svg.sizes", { viewBox: `0 0 100 ${HEIGHT}`, preserveAspectRatio: "none" }, bars, marks);
  const names = [el("span"), el("span")];
  const labels = Array.from({ length: STEPS + 1 }, () => el("span"));
  return {
    node: el("div", { "aria-hidden": "true" }, el("p.sizes__names", {}, ...names), chart, el("p.sizes__axis", {}, ...labels)),
    draw({ bins, percentiles }) {
      const first = Math.log2(bins[0].from);
      const step = Math.ceil((Math.log2(bins.at(-1).to) - first) / STEPS);
      const x = (bytes) => Math.min(1, Math.max(0, (Math.log2(bytes) - first) / (step * STEPS))) * 100;
      const most = Math.max(...bins.map((bin) => bin.files));
      setAttr(bars, "d", bins.map(({ from, to, files }) => `M${x(from)} ${HEIGHT}V${HEIGHT - Math.max(1, (files / most) * HEIGHT)}H${x(to) - 0.3}V${HEIGHT}`).join(""));
      setAttr(marks, "d", percentiles.map((bytes) => `M${x(bytes)} 0V${HEIGHT}`).join(""));
      const ends = [x(percentiles[0]), x(percentiles.at(-1))];
      const near = ends[1] - ends[0] < 16;
      for (const [place, node] of names.entries()) node.style.setProperty("--at", `${ends[place]}%`);
      setText(names[0], near ? "P50 – P99" : "P50");
      setText(names[1], near ? "" : "P99");
      for (const [place, node] of labels.entries()) setText(node, format.bytes(2 ** (first + place * step)).replace(".0", ""));
    },
  };
}

function trustText(word, waiting) {
  if (waiting.confidence === "exact") {
    const took = format.duration(waiting.durationSeconds);
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
  const files = el("span.bucket__files");
  const size = el("span.bucket__bytes");
  return { node: el("li.bucket", {}, el("span.bucket__label", { text: bucketLabel(item.name) }), progress.node, files, size), progress, files, size };
}

function updateBucket(row, item) {
  row.progress.set(item.percentage / 100, `${item.percentage}%`);
  setText(row.files, format.count(item.count));
  setText(row.size, item.count > 0 ? format.bytes(item.totalBytes) : "-");
  setAttr(row.node, "title", `${format.plural(item.count, "file")}, ${item.percentage}% of all, ${format.bytes(item.totalBytes)}`);
  setAttr(row.node, "data-empty", item.count === 0 ? "" : null);
}
