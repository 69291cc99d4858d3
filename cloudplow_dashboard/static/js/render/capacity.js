// The pool as a whole: what is free, what comes back next, and how much in each of the next 24 hours.

import { el, setAttr, setText, show, svg } from "../dom.js";
import * as format from "../format.js";
import { list, num } from "../read.js";

const HOURS = 24;
const LABELS = 4;
const HEIGHT = 40;

/** root: the section. Returns update(view). */
export function capacity(root) {
  const note = root.querySelector("[data-note]");
  const empty = el("p.empty", { text: "Nothing is known of the quota yet." });
  const figures = ["Free now", "Used", "Next return"].map((label) => {
    const value = el("dd.stat__value");
    const more = el("dd.stat__note");
    return { node: el("div.stat", {}, el("dt.stat__label", { text: label }), value, more), value, more };
  });
  const bars = Array.from({ length: HOURS }, (_, hour) => {
    const title = svg("title");
    const node = svg("rect.strip__bar", { x: hour * 10 + 1, width: 8 }, title);
    // The whole height answers to the pointer, not only the bar.
    return { node, title, area: svg("rect.strip__area", { x: hour * 10, y: 0, width: 10, height: HEIGHT }, title.cloneNode()) };
  });
  const chart = svg("svg.strip", { viewBox: `0 0 ${HOURS * 10} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" },
    ...bars.map((bar) => bar.node), ...bars.map((bar) => bar.area));
  const times = Array.from({ length: LABELS + 1 }, () => el("span"));
  const later = el("p.panel__line");
  const strip = el("div.strip__box", {}, chart, el("p.strip__times", { "aria-hidden": "true" }, ...times), later);
  const body = el("div.stack", {}, el("dl.stats.stats--three", {}, ...figures.map((figure) => figure.node)), strip);
  root.querySelector("[data-body]").replaceChildren(body, empty);

  return ({ capacity: pool, now, pool: { total } }) => {
    const limit = num(pool.limit_bytes);
    const used = num(pool.used_bytes);
    show(body, limit > 0 || used > 0);
    show(empty, body.hidden);
    setText(note, total > 0 ? format.plural(total, "account") : "");
    if (body.hidden) return;
    const amounts = Array.from({ length: HOURS }, (_, hour) => Math.max(0, num(list(pool.strip)[hour])));
    const from = num(pool.strip_from, now);
    const next = num(pool.next_return_at);
    const back = amounts.reduce((sum, size) => sum + size, 0);
    const [free, spent, soon] = figures;
    setText(free.value, format.bytes(num(pool.free_bytes)));
    setText(free.more, limit > 0 ? `${format.percent(num(pool.free_bytes) / limit, 0)} of the pool` : "");
    setText(spent.value, format.bytes(used));
    setText(spent.more, limit > 0 ? `of ${format.bytes(limit)}` : "");
    setText(soon.value, next > 0 ? format.bytes(num(pool.next_return_bytes)) : "-");
    setText(soon.more, next > 0 ? `at ${format.clock(next, now)}` : "nothing is spent");
    const peak = Math.max(...amounts);
    for (const [hour, bar] of bars.entries()) {
      const height = amounts[hour] > 0 ? Math.max(1.5, (amounts[hour] / peak) * (HEIGHT - 2)) : 0;
      setAttr(bar.node, "y", (HEIGHT - height).toFixed(2));
      setAttr(bar.node, "height", height.toFixed(2));
      const text = `${format.clock(from + hour * 3600, now)} – ${format.clock(from + hour * 3600 + 3600, now)}: ${format.bytes(amounts[hour])}`;
      setText(bar.area.firstChild, text);
    }
    for (const [place, label] of times.entries()) setText(label, format.clockOnly(from + (place * HOURS * 3600) / LABELS));
    const rest = num(pool.later_bytes);
    const words = back > 0 ? `${format.bytes(back)} come back within 24 hours` : "Nothing comes back within 24 hours";
    setText(later, `${words}${rest > 0 ? `, ${format.bytes(rest)} later` : ""}${peak > 0 ? `; at most ${format.bytes(peak)} in one hour` : ""}.`);
    setAttr(chart, "aria-label", words);
    show(strip, used > 0);
  };
}
