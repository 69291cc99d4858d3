// All uploaders side by side; a press shows one of them in detail. Hidden while there is only one.

import { bar, el, keyedRows, mark, setAttr, setMark, setText, show } from "../dom.js";
import * as format from "../format.js";
import { num, obj, str } from "../read.js";
import * as words from "../words.js";

/** root: the section. Returns update(view, total, document). */
export function side(root) {
  const cards = el("ul.side");
  root.querySelector("[data-body]").replaceChildren(cards);
  const setCards = keyedRows(cards, (item) => item.name, createCard, updateCard);

  return (view, total, document) => {
    show(root, total > 1);
    if (total <= 1) return;
    const all = obj(document.uploaders);
    const names = Object.keys(all).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    setCards(names.map((name) => ({ name, uploader: obj(all[name]), chosen: name === view.name, now: view.now })));
  };
}

function createCard(item) {
  const shape = mark();
  const word = el("span.side__word");
  const progress = bar("bar--row", "Progress of this uploader");
  const amount = el("span.side__amount");
  const note = el("span.side__note");
  const link = el("a.side__card", { href: `#uploader=${encodeURIComponent(item.name)}` },
    el("span.side__name", { text: item.name, dir: "auto", title: item.name }), el("span.state", {}, shape, word), amount, note);
  return { node: el("li", {}, link, progress.node), link, shape, word, amount, note, progress };
}

function updateCard(row, { uploader, chosen, now }) {
  const session = obj(uploader.session);
  const active = uploader.active === true;
  const ended = str(session.outcome);
  const { word, shape, tone } = !active && ended ? words.outcome(ended) : words.phase(str(uploader.phase));
  const total = num(session.bytes_total);
  const done = active ? total - num(session.bytes_left) : num(session.bytes_done);
  setAttr(row.link, "aria-current", chosen ? "true" : null);
  setMark(row.shape, shape, tone);
  setText(row.word, word);
  setText(row.amount, total > 0 ? `${format.bytes(done)} of ${format.bytes(total)}` : "Nothing uploaded yet");
  setText(row.note, active ? noteNow(uploader, now) : noteThen(session, now));
  show(row.progress.node, active);
  if (active) row.progress.set(total > 0 ? done / total : -1, format.percent(done / total));
}

function noteNow(uploader, now) {
  const eta = obj(uploader.eta);
  const at = format.clock(Math.ceil(Math.max(num(eta.quotas_at), num(eta.speed_at)) / 300) * 300, now);
  return [format.speed(num(obj(uploader.progress).speed)), at ? `done about ${at}` : ""].filter(Boolean).join(", ");
}

function noteThen(session, now) {
  const at = format.clock(num(session.ended_at), now);
  return at ? `ended ${at}` : "";
}
