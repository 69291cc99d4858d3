// @ts-check
// Which uploader is looked at. Hidden while there is only one. The choice is kept in the address.

import { el, keyedRows, mark, setAttr, setMark, setText, show } from "../dom.js";
import * as words from "../words.js";

const PREFIX = "#uploader=";

/** @typedef {UploaderCard & { chosen: boolean }} Tab */

function fromAddress() {
  if (!location.hash.startsWith(PREFIX)) return "";
  try {
    return decodeURIComponent(location.hash.slice(PREFIX.length));
  } catch {
    return "";
  }
}

/**
 * root: a nav element. Returns {update(view), wanted}; wanted: what somebody chose, "" for nothing.
 * @param {HTMLElement} root
 * @param {() => void} redraw
 */
export function uploaders(root, redraw) {
  const bar = el("div.tabs");
  root.replaceChildren(bar);
  const setTabs = keyedRows(bar, (/** @type {Tab} */ item) => item.name, createTab, updateTab);
  const control = { wanted: fromAddress(), update };

  window.addEventListener("hashchange", () => {
    control.wanted = fromAddress();
    redraw();
  });

  /** @param {string} name */
  function choose(name) {
    control.wanted = name;
    history.replaceState(null, "", `${location.pathname}${location.search}${PREFIX}${encodeURIComponent(name)}`);
    redraw();
  }

  /** @param {Tab} item */
  function createTab(item) {
    const shape = mark();
    const text = el("bdi.tab__name", { text: item.name });
    const word = el("span.tab__phase");
    const node = el("button.tab", { type: "button", title: item.name }, shape, text, word);
    node.addEventListener("click", () => choose(item.name));
    return { node, shape, word };
  }

  /** @param {View} view */
  function update(view) {
    setTabs(view.uploaders.map((one) => ({ ...one, chosen: one.name === view.name })));
    show(root, view.uploaders.length > 1);
  }

  return control;
}

/** @param {{ node: HTMLElement, shape: HTMLElement, word: HTMLElement }} row @param {Tab} item */
function updateTab(row, item) {
  const state = words.card(item);
  setMark(row.shape, state);
  setText(row.word, state.word);
  if (item.chosen && row.node.ariaPressed !== "true") {
    // In a moment: it may not be in the page yet.
    requestAnimationFrame(() => row.node.scrollIntoView({ block: "nearest", inline: "nearest" }));
  }
  setAttr(row.node, "aria-pressed", String(item.chosen));
}
