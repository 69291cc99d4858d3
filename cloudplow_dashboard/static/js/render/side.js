// @ts-check
// All uploaders side by side; a press shows one of them in detail. Hidden while there is only one.

import { bar, el, fillPanel, keyedRows, mark, setAttr, setMark, setText, show } from "../dom.js";
import * as format from "../format.js";
import { silence } from "../sentence.js";
import * as words from "../words.js";

/** @typedef {UploaderCard & { chosen: boolean, now: number }} Card */

/**
 * @param {HTMLElement} root
 * @returns {Update}
 */
export function side(root) {
  const cards = el("ul.side");
  const note = fillPanel(root, cards);
  const setCards = keyedRows(cards, (/** @type {Card} */ item) => item.name, createCard, updateCard);

  return ({ uploaders, name, now, fits, finishAt, finishWithQuotasAt }) => {
    const several = uploaders.length > 1;
    show(root, several);
    const working = uploaders.filter((one) => one.active).length;
    setText(note, `${format.count(working)} of ${format.count(uploaders.length)} at work`);
    if (!several) return;
    setCards(uploaders.map((one) => {
      const chosen = one.name === name;
      // As the headline rounds it.
      return { ...one, chosen, now, doneAt: chosen ? (fits ? finishAt : finishWithQuotasAt) : one.doneAt };
    }));
  };
}

/** @param {Card} item */
function createCard(item) {
  const shape = mark();
  const word = el("span.side__word");
  const progress = bar("bar--row", "Progress of this uploader");
  const amount = el("span.side__amount");
  const note = el("span.side__note");
  const name = el("span.side__name", { text: item.name, dir: "auto", title: item.name });
  const link = el("a.side__card", { href: `#uploader=${encodeURIComponent(item.name)}` },
    name, el("span.state", {}, shape, word), amount, note);
  return { node: el("li", {}, link, progress.node), link, shape, word, amount, note, progress };
}

/** @param {ReturnType<typeof createCard>} row @param {Card} item */
function updateCard(row, item) {
  const { active, done, total, fraction } = item;
  const state = words.card(item);
  setAttr(row.link, "aria-current", item.chosen ? "true" : null);
  setMark(row.shape, state);
  setText(row.word, state.word);
  const known = done > 0 ? format.bytes(done) : "Nothing uploaded yet";
  setText(row.amount, total > 0 ? `${format.bytes(done)} of ${format.bytes(total)}` : known);
  setText(row.note, active ? noteNow(item) : noteThen(item));
  show(row.progress.node, active);
  if (active) row.progress.set(fraction, format.percent(fraction));
}

/** @param {Card} item */
function noteNow(item) {
  const at = format.moment(item.doneAt, item.now);
  return format.speed(item.speed) + (silence(item) || (at && `, done by ${at}`));
}

/** @param {Card} item */
function noteThen({ why, endedAt, now }) {
  const at = format.clock(endedAt, now);
  return why || (at && `ended ${at}`);
}
