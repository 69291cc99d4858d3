// @ts-check
// What happened over time. Asked for when its panel comes into view.

import { el, fillPanel, setAttr, setText, show } from "../dom.js";
import { accountRows } from "../history/accounts.js";
import { askHistory, DAY, METRICS, RANGES } from "../history/ask.js";
import { createChart } from "../history/chart.js";
import { choices } from "../history/choices.js";
import { summary, unitNote } from "../history/words.js";
import { keep, kept } from "../kept.js";

/** @param {object} table @param {string} key @param {string} other */
function known(table, key, other) {
  return Object.hasOwn(table, key) ? key : other;
}

/** How old an answer may get, in milliseconds: of the last hour, of more, and while nothing runs. */
const FRESH_MS = { hour: 10_000, more: 60_000, idle: 300_000 };

/**
 * root: the section. What it shows it asks for by itself.
 * @param {HTMLElement} root
 * @returns {Update}
 */
export function pastCharts(root) {
  const wanted = {
    metric: known(METRICS, kept("history metric"), "speed"),
    range: known(RANGES, kept("history range"), "24 h"),
    uploader: "",
  };
  let askedAt = 0;
  let seen = true;
  let active = false;
  let asking = new AbortController();
  /** @type {import("../history/ask.js").Answer | null} */
  let answer = null;

  const metrics = choices("What to show", Object.entries(METRICS), (metric) => {
    // What single accounts took is kept by days.
    const short = metric === "accounts" && RANGES[wanted.range].back <= DAY;
    ask({ metric, range: short ? "7 d" : wanted.range });
  });
  const ranges = choices("How far back", Object.keys(RANGES).map((key) => [key, key]), (range) => ask({ range }));
  const controls = el("div.controls", {}, metrics.node, ranges.node);
  const plot = el("div.chart", { role: "img" });
  show(plot, false);
  const rows = accountRows();
  const words = el("p.panel__line");
  const note = fillPanel(root, controls, plot, rows.node, words);
  const chart = createChart(plot, (text) => setText(note, text));

  new IntersectionObserver((entries) => {
    seen = entries[entries.length - 1].isIntersecting;
  }).observe(root);

  /** @param {Partial<typeof wanted>} [change] */
  async function ask(change) {
    Object.assign(wanted, change);
    for (const [name, value] of Object.entries(change ?? {})) keep(`history ${name}`, value);
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    askedAt = Date.now();
    metrics.set(wanted.metric);
    ranges.set(wanted.range);
    try {
      answer = await askHistory(wanted.metric, wanted.range, wanted.uploader, signal);
      if (!signal.aborted) draw();
    } catch (error) {
      if (signal.aborted) return;
      // What was drawn before is not what was asked for now.
      if (change) for (const node of [plot, rows.node]) show(node, false);
      setText(words, `The history could not be read: ${/** @type {Error} */ (error).message}. It is tried again.`);
    }
  }

  function draw() {
    if (!answer) return;
    const isAccounts = answer.metric === "accounts";
    show(plot, !isAccounts);
    show(rows.node, isAccounts);
    setText(note, unitNote(answer));
    setText(words, summary(answer));
    setAttr(plot, "aria-label", `${METRICS[answer.metric]}: ${words.textContent}`);
    rows.set(isAccounts ? answer.accounts : []);
    if (!isAccounts) chart.draw(answer);
  }

  /** @param {View} view */
  function isOld(view) {
    const most = !view.active ? FRESH_MS.idle : wanted.range === "1 h" ? FRESH_MS.hour : FRESH_MS.more;
    return seen && !document.hidden && Date.now() - askedAt > most;
  }

  return (view) => {
    const changed = view.name !== wanted.uploader;
    // Of a first session a day shows nothing.
    if (!wanted.uploader && view.sessions.length === 0 && !kept("history range")) wanted.range = "1 h";
    wanted.uploader = view.name;
    if (!view.known) return;
    const ended = active && !view.active;
    active = view.active;
    if (changed || ended || isOld(view)) ask();
  };
}
