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

/** From then on what was drawn for somebody else is taken away, in milliseconds. */
const SLOW_MS = 500;

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
  let drawnFor = "";
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
    const { uploader } = wanted;
    // What was drawn before is not what is asked for now: not for long.
    const isOther = change !== undefined || uploader !== drawnFor;
    const slow = setTimeout(() => isOther && !signal.aborted && clear("Asking for the history…"), SLOW_MS);
    metrics.set(wanted.metric);
    ranges.set(wanted.range);
    try {
      answer = await askHistory(wanted.metric, wanted.range, wanted.uploader, signal);
      if (signal.aborted) return;
      drawnFor = uploader;
      draw();
    } catch (error) {
      if (signal.aborted) return;
      const why = `The history could not be read: ${/** @type {Error} */ (error).message}. It is tried again.`;
      if (isOther) clear(why);
      else setText(words, why);
    } finally {
      clearTimeout(slow);
    }
  }

  /** @param {string} why */
  function clear(why) {
    drawnFor = "";
    for (const node of [plot, rows.node]) show(node, false);
    setText(note, "");
    setText(words, why);
  }

  function draw() {
    if (!answer) return;
    const isAccounts = answer.metric === "accounts";
    // Of nothing there is nothing to draw.
    const some = Math.max(0, ...answer.values) > 0;
    show(plot, !isAccounts && some);
    show(rows.node, isAccounts);
    setText(note, unitNote(answer));
    setText(words, summary(answer, Date.now() / 1000));
    setAttr(plot, "aria-label", `${METRICS[answer.metric]}: ${words.textContent}`);
    rows.set(isAccounts ? answer.accounts : []);
    if (!isAccounts && some) chart.draw(answer);
  }

  /** @param {View} view */
  function isOld(view) {
    const most = !view.active ? FRESH_MS.idle : wanted.range === "1 h" ? FRESH_MS.hour : FRESH_MS.more;
    return seen && !document.hidden && Date.now() - askedAt > most;
  }

  return (view) => {
    const changed = view.name !== wanted.uploader;
    // Of a first session a day shows nothing, and nothing of one that is days ago.
    if (!wanted.uploader && !kept("history range")) {
      const { active: works, now, session: { endedAt } } = view;
      if (view.sessions.length === 0) wanted.range = "1 h";
      else if (!works && endedAt > 0 && now - endedAt > DAY) wanted.range = "30 d";
    }
    wanted.uploader = view.name;
    if (!view.known) return;
    const ended = active && !view.active;
    active = view.active;
    if (changed || ended || isOld(view)) ask();
  };
}
