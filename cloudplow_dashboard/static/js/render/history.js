// What happened over time. Asked for when its panel comes into view; the chart library is loaded then.

import { bar, el, keyedRows, setAttr, setText, show } from "../dom.js";
import * as format from "../format.js";
import { list, members, num, obj, str } from "../read.js";

const LIBRARY = "static/vendor/uplot/uPlot.iife.min.js";
const HOUR = 3600;
const DAY = 24 * HOUR;
const HEIGHT = 200;
const ACCOUNTS = 12;
/** How many seconds back, the step of a speed and of a sum in seconds, and what a sum is of. */
const RANGES = {
  "1 h": [HOUR, 10, 60, "minute"],
  "24 h": [DAY, 300, HOUR, "hour"],
  "7 d": [7 * DAY, HOUR, DAY, "day"],
  "30 d": [30 * DAY, 4 * HOUR, DAY, "day"],
};
const METRICS = { speed: "Speed", bytes: "Data", files: "Files", errors: "Failures", accounts: "Accounts" };
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

let library = null;

/** The chart library, which is a plain script and not a module. */
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

function choices(label, names, pick) {
  const buttons = names.map(([key, text]) => {
    const button = el("button.choice", { type: "button", text });
    button.addEventListener("click", () => pick(key));
    return [key, button];
  });
  const node = el("div.choices", { role: "group", "aria-label": label }, ...buttons.map(([, button]) => button));
  return { node, set: (chosen) => buttons.forEach(([key, button]) => setAttr(button, "aria-pressed", key === chosen)) };
}

/** root: the section. Returns update(view); what it shows it asks for by itself. */
export function history(root) {
  const note = root.querySelector("[data-note]");
  let metric = "speed";
  let range = "24 h";
  let name = "";
  let askedAt = 0;
  let asking = null;
  let answer = null;
  let chart = null;
  let seen = true;
  let active = false;

  const metrics = choices("What to show", Object.entries(METRICS), (key) => {
    metric = key;
    if (key === "accounts" && RANGES[range][0] < 7 * DAY) range = "7 d";
    ask();
  });
  const ranges = choices("How far back", Object.keys(RANGES).map((key) => [key, key]), (key) => {
    range = key;
    ask();
  });
  const plot = el("div.chart", { role: "img" });
  const table = el("ul.buckets");
  const words = el("p.panel__line");
  const controls = el("div.controls", {}, metrics.node, ranges.node);
  root.querySelector("[data-body]").replaceChildren(controls, plot, table, words);
  const setAccounts = keyedRows(table, (item) => item.name, createAccount, updateAccount);

  new IntersectionObserver((entries) => {
    seen = entries.at(-1).isIntersecting;
  }).observe(root);
  new ResizeObserver(() => chart?.setSize({ width: plot.clientWidth, height: HEIGHT })).observe(plot);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  async function ask() {
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    askedAt = Date.now();
    metrics.set(metric);
    ranges.set(range);
    const asked = { metric, range };
    const [back, fine, coarse] = RANGES[range];
    const step = metric === "speed" ? fine : Math.min(coarse, HOUR);
    try {
      const query = new URLSearchParams({ metric, since: -back, step, uploader: name });
      const response = await fetch(`api/history?${query}`, { signal, cache: "no-store" });
      answer = { ...asked, ...(response.ok ? obj(await response.json()) : {}) };
      if (coarse === DAY && !["speed", "accounts"].includes(asked.metric)) Object.assign(answer, { step: DAY, points: byDay(list(answer.points)) });
      if (!signal.aborted) await draw();
    } catch (error) {
      if (!signal.aborted) setText(words, `The history could not be read: ${error.message}`);
    }
  }

  async function draw() {
    if (!answer) return;
    const isAccounts = answer.metric === "accounts";
    const points = list(answer.points).filter((point) => Array.isArray(point));
    const values = points.map((point) => num(point[1]));
    const total = values.reduce((sum, value) => sum + value, 0);
    const peak = Math.max(0, ...values);
    show(plot, !isAccounts);
    show(table, isAccounts);
    setText(note, isAccounts ? "by days (UTC)" : answer.metric === "speed" ? "" : `per ${RANGES[answer.range][3]}`);
    setText(words, summary(answer, values, total, peak));
    setAttr(plot, "aria-label", `${METRICS[answer.metric]}: ${words.textContent}`);
    if (isAccounts) {
      setAccounts(topAccounts(obj(answer.accounts)));
      return;
    }
    setAccounts([]);
    const UPlot = await loadLibrary();
    chart?.destroy();
    chart = new UPlot(chartOptions(UPlot, answer, plot, (text) => setText(note, text)), [points.map((point) => num(point[0])), answer.metric === "speed" ? values : values.map((value) => value || null)], plot);
  }

  return (view) => {
    const changed = view.name !== name;
    // Of a first session a day shows nothing.
    if (!name && view.sessions.length === 0) range = "1 h";
    name = view.name;
    show(controls, view.known);
    if (!view.known) {
      show(plot, false);
      setText(words, "Nothing has been recorded yet.");
      return;
    }
    const ended = active && !view.active;
    active = view.active;
    const rest = active ? (range === "1 h" ? 10_000 : 60_000) : 300_000;
    if (changed || ended || (seen && !document.hidden && Date.now() - askedAt > rest)) ask();
  };
}

/** Sums of hours as sums of days in the viewer's zone. */
export function byDay(points) {
  const days = new Map();
  for (const [at, value] of points) {
    const day = new Date(num(at) * 1000).setHours(0, 0, 0, 0) / 1000;
    days.set(day, (days.get(day) ?? 0) + num(value));
  }
  return [...days];
}

function said(metric, value) {
  if (metric === "speed") return format.speed(value);
  return metric === "bytes" || metric === "accounts" ? format.bytes(value) : format.plural(value, metric === "errors" ? "failure" : "file");
}

function summary({ metric, range }, values, total, peak) {
  if (peak <= 0) return "Nothing in this time.";
  const moving = values.filter((value) => value > 0);
  if (metric === "speed") return `${format.speed(total / moving.length)} on average while it ran, at most ${format.speed(peak)}.`;
  const most = metric === "accounts" ? "in a day" : `in one ${RANGES[range][3]}`;
  return `${said(metric, total)} in all, at most ${said(metric, peak)} ${most}.`;
}

function topAccounts(uploaders) {
  const sums = new Map();
  for (const days of Object.values(uploaders).flatMap((accounts) => Object.entries(obj(accounts)))) {
    const size = members(days[1]).reduce((sum, point) => sum + num(list(point)[1]), 0);
    sums.set(days[0], (sums.get(days[0]) ?? 0) + size);
  }
  const all = [...sums].map(([name, size]) => ({ name, size })).sort((a, b) => b.size - a.size);
  const rest = all.slice(ACCOUNTS).reduce((sum, one) => sum + one.size, 0);
  const shown = all.slice(0, ACCOUNTS);
  if (rest > 0) shown.push({ name: `${format.count(all.length - ACCOUNTS)} others`, size: rest });
  const most = Math.max(1, ...shown.map((one) => one.size));
  return shown.map((one) => ({ ...one, share: one.size / most }));
}

function createAccount(item) {
  const progress = bar("bar--bucket", `Data of ${str(item.name)}`);
  const size = el("span.bucket__bytes");
  return { node: el("li.bucket.bucket--two", {}, el("span.bucket__label", { text: item.name, title: item.name, dir: "auto" }), progress.node, size), progress, size };
}

function updateAccount(row, item) {
  row.progress.set(item.share, format.bytes(item.size));
  setText(row.size, format.bytes(item.size));
}

/** Colours as the canvas takes them: what the tokens come to in the theme of now. */
function colours(plot) {
  const probe = plot.appendChild(el("i"));
  const read = (token) => {
    probe.style.color = `var(--${token})`;
    return getComputedStyle(probe).color;
  };
  const found = { line: read("accent"), area: read("accent-soft"), text: read("text-3"), grid: read("line") };
  probe.remove();
  return found;
}

function chartOptions(UPlot, { metric, range, step }, plot, tell) {
  const { line, area, text, grid } = colours(plot);
  const back = RANGES[range][0];
  const bars = metric !== "speed";
  const stamp = (at) => (back > DAY ? DATE : TIME).format(new Date(at * 1000));
  const short = (value) => (value <= 0 ? "0" : metric === "speed" ? `${compact(value)}/s` : metric === "bytes" ? compact(value) : format.count(value));
  const font = `12px ${getComputedStyle(plot).fontFamily}`;
  const axis = { stroke: text, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  const until = Date.now() / 1000;
  return {
    width: plot.clientWidth,
    height: HEIGHT,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: !bars } },
    scales: {
      x: { range: (_, from, to) => (bars ? [from - num(step) / 2, to + num(step) / 2] : [until - back, Math.max(to, until)]) },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
    },
    axes: [
      { ...axis, size: 28, space: 70, values: (_, marks) => marks.map(stamp), grid: { show: false } },
      { ...axis, size: 70, space: 40, splits: (_, __, ___, most) => splits(most, bars && metric !== "bytes"), values: (u, marks) => (u.data[1].some((value) => value > 0) ? marks.map(short) : marks.map(() => "")) },
    ],
    series: [{}, {
      stroke: line, width: 1.5, fill: bars ? line : area, points: { show: false },
      paths: bars ? UPlot.paths.bars({ size: [0.8, 40] }) : undefined,
    }],
    hooks: {
      setCursor: [(u) => {
        const at = u.cursor.idx;
        if (typeof at === "number") tell(`${bars && back > DAY ? stamp(u.data[0][at]) : format.clock(u.data[0][at], until)}: ${said(metric, u.data[1][at]).replace(/^-$/, "nothing")}`);
        else tell(bars ? `per ${RANGES[range][3]}` : "");
      }],
    },
  };
}

/** Four round marks from 0 on: of bytes in powers of two, of counts whole. */
function splits(most, whole) {
  const base = whole ? 10 : 1024;
  const unit = base ** Math.max(0, Math.floor(Math.log(Math.max(1, most)) / Math.log(base)));
  const steps = whole ? [0.5, 1, 2, 5, 10] : [0.25, 0.5, 1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1024];
  let step = steps.map((one) => one * unit).find((one) => most / one <= 4.5) ?? unit;
  if (whole) step = Math.max(1, Math.round(step));
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, place) => place * step);
}

const compact = (value) => format.bytes(value).replace(/\.0 /, " ");
