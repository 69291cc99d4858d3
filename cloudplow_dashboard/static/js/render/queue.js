// What waits, and how large it is.

import { bar, el, keyedRows, setAttr, setText, show } from "../dom.js";
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
  const body = el("div", { class: "queue" }, totals, buckets, percentiles, confidence);
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
    const { word, level: filled } = words.confidence(waiting.confidence);
    setAttr(level, "data-level", filled);
    setText(trust, trustText(word, waiting));
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
