// @ts-check
// The pool as a whole: what is free, what comes back next, and how much in each of the next 24 hours.

import { el, figures, fillPanel, setAttr, setText, show, svg } from "../dom.js";
import * as format from "../format.js";
import { spentText } from "../sentence.js";

const HOUR = 3600;
const HOURS = 24;
const LABELS = 4;
const HEIGHT = 40;

/**
 * @param {HTMLElement} root
 * @returns {Update}
 */
export function capacity(root) {
  const stats = el("dl.stats.stats--three");
  const setStats = figures(stats, "stat");
  const strip = hourStrip();
  const later = el("p.panel__line");
  const stripBox = el("div.strip__box", {}, strip.chart, strip.times, later);
  const body = el("div.stack", {}, stats, stripBox);
  const note = fillPanel(root, body);

  return ({ capacity: pool, now }) => {
    show(root, pool.known);
    if (!pool.known) return;
    setText(note, `${pool.free ? format.bytes(pool.free) : "nothing"} free`);
    setStats(figuresOf(pool, now));
    strip.draw(pool, now);
    setText(later, returnsText(pool));
    setAttr(strip.chart, "aria-label", withinText(pool));
    show(stripBox, pool.used > 0);
    for (const node of [strip.chart, strip.times]) setAttr(node, "hidden", pool.within > 0 ? null : "");
  };
}

/** @param {Capacity} pool @param {number} now */
function figuresOf(pool, now) {
  const { free, spent, limit, nextAt, nextBytes } = pool;
  const share = limit > 0 ? `${format.percent(free / limit, 0)} of all` : "";
  const when = nextAt > 0 ? `at ${format.moment(nextAt, now)}` : spent > 0 ? "not known yet" : "nothing used";
  const next = nextAt > 0 ? format.bytes(nextBytes) : "-";
  return [
    { label: "Free now", value: format.bytes(free), note: share },
    {
      label: "Spent",
      value: format.bytes(spent),
      note: limit > 0 ? `of ${format.bytes(limit)}` : "",
      title: spentText(pool),
    },
    { label: "Next return", value: next, note: when },
  ];
}

/** @param {Capacity} pool */
function withinText({ within }) {
  return within > 0 ? `${format.bytes(within)} returns within 24 hours` : "Nothing returns within 24 hours";
}

/** @param {Capacity} pool */
function returnsText(pool) {
  const peak = Math.max(...pool.hours);
  const rest = pool.later > 0 ? `, ${format.bytes(pool.later)} later` : "";
  const most = peak > 0 ? `; at most ${format.bytes(peak)} in one hour` : "";
  return `${withinText(pool)}${rest}${most}.`;
}

/** A bar for each hour, with the times below. */
function hourStrip() {
  const bars = Array.from({ length: HOURS }, (_, hour) => {
    const title = svg("title");
    const bar = svg("rect.strip__bar", { x: hour * 10 + 1, width: 8 });
    // The whole height answers to the pointer, not only the bar.
    return { bar, title, area: svg("rect.strip__area", { x: hour * 10, y: 0, width: 10, height: HEIGHT }, title) };
  });
  const frame = { viewBox: `0 0 ${HOURS * 10} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" };
  const chart = svg("svg.strip", frame, ...bars.map((one) => one.bar), ...bars.map((one) => one.area));
  const labels = Array.from({ length: LABELS + 1 }, () => el("span"));
  return {
    chart,
    times: el("p.strip__times", { "aria-hidden": "true" }, ...labels),
    /** @param {Capacity} pool @param {number} now */
    draw({ hours, from }, now) {
      const peak = Math.max(...hours);
      for (const [hour, { bar, title }] of bars.entries()) {
        const size = hours[hour];
        const height = size > 0 ? Math.max(1.5, (size / peak) * (HEIGHT - 2)) : 0;
        setAttr(bar, "y", (HEIGHT - height).toFixed(2));
        setAttr(bar, "height", height.toFixed(2));
        const begin = from + hour * HOUR;
        setText(title, `${format.clock(begin, now)} – ${format.clock(begin + HOUR, now)}: ${format.bytes(size)}`);
      }
      for (const [place, label] of labels.entries()) {
        setText(label, format.clockOnly(from + (place * HOURS * HOUR) / LABELS));
      }
    },
  };
}
