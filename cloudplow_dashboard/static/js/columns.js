// @ts-check
// On wide screens the panels stand in two or three columns of about the same height: some of them stand where there is
// room. They are put there anew when others come or go, never because a number or a list has grown.

/**
 * Heights in rem that change while somebody looks, or with the room there is: they count as these.
 * @type {Record<string, number>}
 */
const STEADY = { transfers: 16, history: 24 };
/** Heights of a log in rem: without entries, of what is above them, of an entry; and how many it shows at least. */
const LOG = { empty: 5, head: 8, row: 1.75, rows: 12 };
/** How much higher a chart may be than it must, in rem. */
const SLACK = 18;
/** Panels that may stand in any column. */
const FREE = new Set(["capacity", "history", "sessions", "log"]);
/** What a panel must save to stand elsewhere, in rem. */
const EASE = 2;
/** Heights of the accounts, in rem: of what is above them, of one, and of their list at most. */
const ACCOUNTS = { head: 11, row: 2.75, rows: 36 };

/** @typedef {{ home: number, height: number, slack: number, free: boolean }} Block */

/**
 * The column of each panel: the one that it is written in, or of those that are free to move the one that makes the
 * page short and leaves little of it empty. Pure.
 * @param {Block[]} blocks
 * @param {number} count of columns
 */
export function arranged(blocks, count) {
  const free = blocks.filter((one) => one.free);
  let least = Infinity;
  /** @type {number[]} */
  let best = [];
  for (let number = 0; number < count ** free.length; number += 1) {
    const places = blocks.map((one) => (
      one.free ? Math.floor(number / count ** free.indexOf(one)) % count : one.home % count));
    const cost = costOf(blocks, places, count);
    if (cost >= least) continue;
    least = cost;
    best = places;
  }
  return best;
}

/** @param {Block[]} blocks @param {number[]} places @param {number} count */
function costOf(blocks, places, count) {
  const sums = Array(count).fill(0);
  const room = Array(count).fill(0);
  let cost = 0;
  for (const [number, { home, height, slack }] of blocks.entries()) {
    sums[places[number]] += height + 1;
    room[places[number]] += slack;
    if (places[number] !== home % count) cost += EASE;
  }
  const most = Math.max(...sums);
  return sums.reduce((all, sum, place) => all + Math.max(0, most - sum - room[place]), cost + most);
}

/**
 * Puts the panels into their columns.
 * @param {HTMLElement} page
 * @param {() => void} redraw
 * @returns {Update}
 */
export function columns(page, redraw) {
  const [two, three] = [70, 110].map((rem) => matchMedia(`(min-width: ${rem}rem)`));
  const boxes = [...document.querySelectorAll(".column")];
  const panels = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".column > .panel")]);
  const place = (/** @type {Element} */ panel) => boxes.findIndex((box) => box.contains(panel));
  const homes = panels.map(place);
  let now = "";
  for (const query of [two, three]) query.addEventListener("change", redraw);

  /** @param {HTMLElement} panel @param {boolean} used @param {number} list of accounts @returns {Block} */
  function block(panel, used, list) {
    const { id } = panel;
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    const own = [...panel.children].reduce((sum, one) => sum + /** @type {HTMLElement} */ (one).offsetHeight, 0) / rem;
    const rows = panel.querySelectorAll(".log__row").length;
    const log = rows ? LOG.head + LOG.row * Math.min(rows, LOG.rows) : LOG.empty;
    return {
      home: used ? place(panel) : homes[panels.indexOf(panel)],
      height: id === "log" ? log : id === "accounts" ? ACCOUNTS.head + list : STEADY[id] ?? own,
      slack: id === "history" ? SLACK : LOG.row * Math.max(0, rows - LOG.rows),
      free: !used && FREE.has(id),
    };
  }

  return ({ name, active, pool }) => {
    const count = three.matches ? 3 : two.matches ? 2 : 1;
    const shown = panels.filter((panel) => !panel.hidden);
    const list = Math.min(ACCOUNTS.rows, ACCOUNTS.row * pool.total);
    const wanted = [count, active, list, ...shown.map((panel) => panel.id), name].join(" ");
    if (wanted === now) return;
    now = wanted;
    // What somebody is using stays where it is.
    const used = panels.find((panel) => panel.contains(document.activeElement));
    const places = arranged(shown.map((panel) => block(panel, panel === used, list)), count);
    for (const [number, panel] of shown.entries()) {
      const home = homes[panels.indexOf(panel)];
      // Of two columns the first one has two boxes, of which the second may grow.
      const other = places[number] || (count > 2 ? 0 : 2);
      const box = panel === used ? place(panel) : places[number] === home % count ? home : other;
      const next = panels.slice(panels.indexOf(panel) + 1).find((one) => place(one) === box) ?? null;
      if (place(panel) !== box || panel.nextElementSibling !== next) boxes[box].insertBefore(panel, next);
    }
    page.dataset.columns = String(new Set(shown.map(place)).size);
  };
}
