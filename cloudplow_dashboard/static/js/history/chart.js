// @ts-check
// The chart: uPlot, which is loaded when there is something to draw. New data go into the chart that is there; another
// metric, range or theme needs a new one.

import { el } from "../dom.js";
import * as format from "../format.js";
import { DAY, RANGES } from "./ask.js";
import { short, splits, stamp } from "./axes.js";
import { said, unitNote } from "./words.js";

/** @typedef {import("./ask.js").Answer} Answer */
/** @typedef {import("uplot")} UPlot */

const LIBRARY = "static/vendor/uplot/uPlot.iife.min.js";
const HEIGHT = 200;

/** @type {Promise<Window["uPlot"]> | null} */
let library = null;

/** The library is a plain script and not a module. */
function loadLibrary() {
  library ??= new Promise((resolve, reject) => {
    const script = el("script", { src: LIBRARY });
    script.addEventListener("load", () => resolve(window.uPlot));
    script.addEventListener("error", () => {
      library = null;
      script.remove();
      reject(new Error("the chart library did not load"));
    });
    document.head.append(script);
  });
  return library;
}

/**
 * place: the element that holds it; tell(text): what the pointer is at, or what a bar stands for.
 * @param {HTMLElement} place
 * @param {(text: string) => void} tell
 */
export function createChart(place, tell) {
  /** @type {UPlot | null} */
  let chart = null;
  let made = "";
  /** What the chart shows: its options look here, so that they outlive it. */
  const shown = { step: 0, until: 0 };

  new ResizeObserver(() => chart?.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);

  return {
    /** @param {Answer} answer */
    async draw(answer) {
      const Library = await loadLibrary();
      const colours = coloursOf(place);
      const wanted = [answer.metric, answer.range, ...Object.values(colours)].join();
      Object.assign(shown, { step: answer.step, until: Date.now() / 1000 });
      const values = answer.metric === "speed" ? answer.values : answer.values.map((value) => value || null);
      /** @type {[number[], (number | null)[]]} */
      const data = [answer.times, values];
      if (chart && wanted === made) {
        chart.setData(data);
        return;
      }
      chart?.destroy();
      made = wanted;
      chart = new Library(options(Library, answer, place, colours, shown, tell), data, place);
    },
  };
}

/**
 * Colours as the canvas takes them: what the tokens come to in the theme of now.
 * @param {HTMLElement} place
 */
function coloursOf(place) {
  const probe = place.appendChild(el("i"));
  const read = (/** @type {string} */ token) => {
    probe.style.color = `var(--${token})`;
    return getComputedStyle(probe).color;
  };
  const found = { line: read("accent"), area: read("accent-soft"), text: read("text-3"), grid: read("line") };
  probe.remove();
  return found;
}

/**
 * @param {Window["uPlot"]} Library
 * @param {Answer} answer
 * @param {HTMLElement} place
 * @param {ReturnType<typeof coloursOf>} colours
 * @param {{ step: number, until: number }} shown
 * @param {(text: string) => void} tell
 * @returns {import("uplot").Options}
 */
function options(Library, answer, place, colours, shown, tell) {
  const bars = answer.metric !== "speed";
  const { back } = RANGES[answer.range];
  return {
    width: place.clientWidth,
    height: HEIGHT,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: !bars } },
    scales: {
      x: {
        range: (_, from, to) => (bars
          ? [from - shown.step / 2, to + shown.step / 2]
          : [shown.until - back, Math.max(to, shown.until)]),
      },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
    },
    axes: axes(answer, colours, `12px ${getComputedStyle(place).fontFamily}`),
    series: [{}, {
      stroke: colours.line,
      width: 1.5,
      fill: bars ? colours.line : colours.area,
      points: { show: false },
      paths: bars ? Library.paths.bars?.({ size: [0.8, 40] }) : undefined,
    }],
    hooks: { setCursor: [(u) => tell(pointed(u, answer, shown.until))] },
  };
}

/**
 * @param {Answer} answer
 * @param {ReturnType<typeof coloursOf>} colours
 * @param {string} font
 * @returns {import("uplot").Axis[]}
 */
function axes({ metric, range }, { text, grid }, font) {
  const { back } = RANGES[range];
  const whole = metric === "files" || metric === "errors";
  const axis = { stroke: text, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  /** Without a value there is no scale that means anything. */
  const values = (/** @type {UPlot} */ u, /** @type {number[]} */ marks) => {
    const empty = !u.data[1].some((value) => Number(value) > 0);
    return marks.map((value) => (empty ? "" : short(metric, value)));
  };
  return [
    { ...axis, size: 28, space: 70, values: (_, marks) => marks.map((at) => stamp(at, back)), grid: { show: false } },
    { ...axis, size: 70, space: 40, splits: (_, __, ___, most) => splits(most, whole), values },
  ];
}

/**
 * What is at the pointer; without one, what a bar stands for.
 * @param {UPlot} u
 * @param {Answer} answer
 * @param {number} now
 */
function pointed(u, answer, now) {
  const { back } = RANGES[answer.range];
  const place = u.cursor.idx;
  if (typeof place !== "number") return unitNote(answer);
  const at = u.data[0][place];
  const value = Number(u.data[1][place]);
  const when = answer.metric !== "speed" && back > DAY ? stamp(at, back) : format.clock(at, now);
  return `${when}: ${answer.metric === "speed" && value <= 0 ? "nothing" : said(answer.metric, value)}`;
}
