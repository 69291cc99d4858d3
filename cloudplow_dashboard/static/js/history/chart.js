// @ts-check
// The chart: an area over the time, or bars; lines and marks at round values; what is at the pointer in words.

import * as clock from "../clock.js";
import { el, keyedRows, setAttr, setText, show, svg } from "../dom.js";
import * as format from "../format.js";
import { DAY, RANGES } from "./ask.js";
import { short, splits, stamp, times } from "./axes.js";
import { said, unitNote } from "./words.js";

/** @typedef {import("./ask.js").Answer} Answer */
/** @typedef {{ at: number, text: string }} Label at: from the left or the bottom, between 0 and 1 */

const WIDTH = 1000;
const HEIGHT = 200;
/** So wide is the name of a time, in pixels. */
const LABEL_WIDTH = 72;

/**
 * place: the element that holds it; tell(text): what the pointer is at, or what a bar stands for.
 * @param {HTMLElement} place
 * @param {(text: string) => void} tell
 */
export function createChart(place, tell) {
  const grid = svg("path.chart__grid", { "vector-effect": "non-scaling-stroke" });
  const area = svg("path.chart__area");
  const line = svg("path.chart__line", { "vector-effect": "non-scaling-stroke" });
  const frame = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" };
  const picture = svg("svg.chart__picture", frame, grid, area, line);
  const pointer = el("i.chart__pointer", { hidden: true });
  const values = el("div.chart__values", { "aria-hidden": "true" });
  const dates = el("div.chart__times", { "aria-hidden": "true" });
  const plot = el("div.chart__plot", {}, picture, pointer);
  place.replaceChildren(values, plot, dates);
  const setValues = labels(values, "bottom");
  const setTimes = labels(dates, "left");
  /** @type {Answer | null} */
  let answer = null;
  let [from, until] = [0, 1];

  new ResizeObserver(draw).observe(place);
  plot.addEventListener("pointermove", (event) => {
    if (!answer || answer.times.length === 0) return;
    const box = plot.getBoundingClientRect();
    const at = from + ((event.clientX - box.left) / box.width) * (until - from);
    const nearest = answer.times.reduce((best, time, step, all) => (
      Math.abs(time - at) < Math.abs(all[best] - at) ? step : best), 0);
    pointer.style.left = `${100 * share(answer.times[nearest])}%`;
    show(pointer, true);
    tell(pointed(answer, nearest));
  });
  plot.addEventListener("pointerleave", () => {
    show(pointer, false);
    if (answer) tell(unitNote(answer));
  });

  /** @param {number} at */
  function share(at) {
    return (at - from) / (until - from);
  }

  function draw() {
    if (!answer) return;
    const { metric, range, step, times: moments, values: found } = answer;
    const { back } = RANGES[range];
    const bars = metric !== "speed";
    const now = clock.now();
    const last = moments[moments.length - 1] ?? now;
    [from, until] = bars && moments.length
      ? [moments[0] - step / 2, last + step / 2] : [now - back, Math.max(now, last)];
    const most = Math.max(...found, 0);
    const top = most > 0 ? most * 1.1 : 1;
    const marks = most > 0 ? splits(top, metric === "files" || metric === "errors") : [0];
    const y = (/** @type {number} */ value) => (HEIGHT * (1 - value / top)).toFixed(1);
    const x = (/** @type {number} */ at) => (WIDTH * share(at)).toFixed(1);
    setAttr(grid, "d", marks.map((value) => `M0 ${y(value)}H${WIDTH}`).join(""));
    setValues(marks.map((value) => ({ at: value / top, text: most > 0 ? short(metric, value) : "" })));
    // Half a label beside the end would be cut.
    const edge = LABEL_WIDTH / 4 / Math.max(1, plot.clientWidth);
    setTimes(times(from, until, Math.max(2, Math.floor(place.clientWidth / LABEL_WIDTH)))
      .map((at) => ({ at: share(at), text: stamp(at, back) })).filter((one) => one.at > edge && one.at < 1 - edge));
    const half = 0.4 * step;
    const points = moments.map((at, place) => ({ at, value: found[place] }));
    const way = points.map(({ at, value }) => `${x(at)} ${y(value)}`).join("L");
    const blocks = points.filter((one) => one.value > 0)
      .map(({ at, value }) => `M${x(at - half)} ${HEIGHT}V${y(value)}H${x(at + half)}V${HEIGHT}`);
    const drawn = points.length > 1;
    setAttr(line, "d", !bars && drawn ? `M${way}` : null);
    setAttr(area, "data-bars", bars ? "" : null);
    const below = drawn ? `M${x(moments[0])} ${HEIGHT}L${way}L${x(last)} ${HEIGHT}Z` : null;
    setAttr(area, "d", bars ? blocks.join("") : below);
  }

  return {
    /** @param {Answer} next */
    draw(next) {
      answer = next;
      draw();
    },
  };
}

/**
 * Texts along an axis.
 * @param {HTMLElement} parent
 * @param {"left" | "bottom"} side
 */
function labels(parent, side) {
  const keyOf = (/** @type {Label} */ item) => item.text;
  return keyedRows(parent, keyOf, () => ({ node: el("span") }), ({ node }, item) => {
    setText(node, item.text);
    node.style[side] = `${(100 * item.at).toFixed(2)}%`;
  });
}

/**
 * What is at the pointer.
 * @param {Answer} answer
 * @param {number} place
 */
function pointed({ metric, range, times: moments, values }, place) {
  const { back } = RANGES[range];
  const [at, value] = [moments[place], values[place]];
  const when = metric !== "speed" && back > DAY ? stamp(at, back) : format.clock(at, clock.now());
  return `${when}: ${metric === "speed" && value <= 0 ? "nothing" : said(metric, value)}`;
}
