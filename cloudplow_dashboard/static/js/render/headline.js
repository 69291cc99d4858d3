// The first thing to read: one sentence, the great bar, the numbers that matter now.

import { bar, el, keyedRows, mark, setAttr, setMark, setText, show } from "../dom.js";
import * as format from "../format.js";
import { plain, roundedFinish, sentence } from "../sentence.js";
import * as words from "../words.js";
import { spark } from "./spark.js";

const MOVING = new Set(["uploading", "throttled", "switching", "scanning"]);

/** root: the section of the headline. Returns update(view). */
export function headline(root) {
  const badgeMark = mark();
  const badgeWord = el("span");
  const badge = el("span.badge", {}, badgeMark, badgeWord);
  const chips = el("span.headline__chips");
  const title = el("h1.headline__sentence", { id: "headline-sentence" });
  const share = el("p.headline__share");
  const amount = el("p.headline__amount");
  const figures = el("dl.figures");
  const line = spark();
  const lineNote = el("span");
  const scale = el("p.headline__scale", {}, el("span", { text: "Speed, last 3 minutes" }), lineNote);
  const lineBox = el("div.headline__line", { hidden: true }, line.node, scale);
  const progress = bar("bar--great", "Progress of the upload by bytes");
  const main = el("div.headline__main", {}, share, amount);
  const numbers = el("div.headline__numbers", {}, main, figures, lineBox);
  root.replaceChildren(el("div.headline__state", {}, badge, chips), title, numbers, progress.node);

  const setFigures = keyedRows(figures, (item) => item.key, createFigure, updateFigure);
  const setChips = keyedRows(chips, (item) => item, (item) => ({ node: el("span.chip", { text: item }) }), () => {});
  let shownSentence = null;
  let finishAt = 0;
  let sparkFor = "";

  return (view) => {
    finishAt = roundedFinish(view, finishAt);
    const state = view.engine === "stopped"
      ? { word: "Stopped", shape: "square", tone: "quiet" }
      : view.phase === "finished" && view.session.outcome ? words.outcome(view.session.outcome) : words.phase(view.phase);
    setMark(badgeMark, state.shape, state.tone);
    setText(badgeWord, state.word);
    setAttr(root, "data-tone", state.tone);
    setChips(chipsOf(view));
    const parts = sentence(view, finishAt);
    const text = plain(parts);
    if (text !== shownSentence) {
      shownSentence = text;
      setAttr(title, "title", text.length > 120 ? text : null);
      title.replaceChildren(...parts.map((part) => (typeof part === "string" ? part : el("bdi", { text: part.data }))));
    }
    const hasTotal = view.fraction >= 0 && view.session.exists;
    show(main, hasTotal || MOVING.has(view.phase));
    show(share, hasTotal);
    setText(share, format.percent(view.fraction));
    setText(amount, hasTotal ? `${format.bytes(view.done)} of ${format.bytes(view.total)}` : "Size not known yet");
    show(progress.node, hasTotal || view.active);
    setAttr(progress.node, "data-tone", view.active ? null : state.tone);
    progress.set(hasTotal ? view.fraction : -1, hasTotal ? `${format.percent(view.fraction)}, ${amount.textContent}` : "");
    const items = MOVING.has(view.phase) ? figuresNow(view, finishAt) : figuresThen(view);
    setFigures(items);
    show(numbers, !main.hidden || items.length > 0);
    drawSpeed(view);
  };

  function drawSpeed(view) {
    if (sparkFor !== view.session.id + view.name) {
      sparkFor = view.session.id + view.name;
      line.clear();
    }
    if (view.active) line.add(view.sampleAt, view.speed);
    line.draw();
    const drawn = view.active && MOVING.has(view.phase);
    show(lineBox, drawn);
    setAttr(root, "data-line", drawn ? "" : null);
    setText(lineNote, line.peak > 0 ? `peak ${format.speed(line.peak)}` : "");
  }
}

function chipsOf(view) {
  const chips = [];
  if (view.session.dryRun) chips.push("Dry run");
  if (view.session.recovered) chips.push("Recovered after a restart");
  if (view.active && view.throttle.active && view.phase !== "throttled") chips.push("Throttled");
  return chips;
}

function figuresNow(view, finishAt) {
  const { accountIndex, accountsTotal, account, stage, stagesTotal } = view.session;
  const eta = view.eta >= 0 ? format.duration(Math.max(1, view.eta)) : "-";
  const finish = finishAt ? `${view.fits ? "done about" : "quota ends about"} ${format.clock(finishAt, view.now)}` : "not known yet";
  const figures = [
    { key: "speed", label: "Speed", value: format.speed(view.speed), note: `average ${format.speed(view.average)}` },
    { key: "eta", label: view.fits ? "Time left" : "Quota lasts", value: eta, note: finish },
    { key: "files", label: "Files", value: format.count(view.filesDone), note: view.filesTotal ? `of ${format.count(view.filesTotal)}` : "" },
  ];
  if (accountIndex >= 0 && accountsTotal > 0) {
    const note = stage > 0 ? `stage ${stage}${stagesTotal > 0 ? ` of ${stagesTotal}` : ""}` : account;
    const value = `${format.count(accountIndex + 1)} of ${format.count(accountsTotal)}`;
    figures.push({ key: "account", label: "Account", value, note, title: account });
  }
  return figures;
}

function figuresThen(view) {
  const figures = [];
  if (view.session.exists) {
    const when = format.clock(view.session.endedAt, view.now);
    figures.push({ key: "files", label: "Files", value: format.count(view.filesDone), note: `of ${format.count(view.filesTotal)}` });
    figures.push({
      key: "took", label: "Took", value: format.duration(view.seconds), note: when ? `until ${when}` : `average ${format.speed(view.average)}`,
    });
    figures.push({ key: "left", label: "Left", value: format.bytes(view.left), note: format.plural(view.filesLeft, "file") });
  } else if (view.queue.available) {
    figures.push({ key: "queue", label: "In the queue", value: format.bytes(view.queue.bytes), note: format.plural(view.queue.files, "file") });
  }
  if (view.pool.total > 0 && view.pool.limit > 0) {
    figures.push({ key: "free", label: "Quota free", value: format.bytes(view.free), note: `on ${format.plural(view.pool.total, "account")}` });
  }
  const next = view.phase === "suspended" ? view.suspension.until : view.session.nextCapacityAt;
  if (next > view.now) {
    const label = view.phase === "suspended" ? "Goes on in" : "Next quota in";
    figures.push({ key: "next", label, value: format.duration(next - view.now), note: `at ${format.clock(next, view.now)}` });
  }
  return figures;
}

function createFigure() {
  const label = el("dt.figure__label");
  const value = el("dd.figure__value");
  const note = el("dd.figure__note");
  return { node: el("div.figure", {}, label, value, note), label, value, note };
}

function updateFigure(row, item) {
  setText(row.label, item.label);
  setText(row.value, item.value);
  setText(row.note, item.note);
  setAttr(row.node, "title", item.title || null);
}
