// Which uploader is looked at. Hidden while there is only one. The choice is kept in the address.

import { el, keyedRows, mark, setAttr, setMark, setText, show } from "../dom.js";
import { obj, str } from "../read.js";
import { uploaderNames } from "../derive.js";
import * as words from "../words.js";

const PREFIX = "#uploader=";

function fromAddress() {
  if (!location.hash.startsWith(PREFIX)) return "";
  try {
    return decodeURIComponent(location.hash.slice(PREFIX.length));
  } catch {
    return "";
  }
}

/** root: a nav element. Returns {update(document), selected, total}. */
export function uploaders(root, redraw) {
  const bar = el("div.tabs");
  root.replaceChildren(bar);
  const setTabs = keyedRows(bar, (item) => item.name, createTab, updateTab);
  const control = { selected: "", total: 0, update };
  let chosen = fromAddress();

  window.addEventListener("hashchange", () => {
    chosen = fromAddress();
    redraw();
  });

  function choose(name) {
    chosen = name;
    history.replaceState(null, "", `${location.pathname}${location.search}${PREFIX}${encodeURIComponent(name)}`);
    redraw();
  }

  function createTab(item) {
    const shape = mark();
    const text = el("bdi.tab__name", { text: item.name });
    const word = el("span.tab__phase");
    const node = el("button.tab", { type: "button", title: item.name }, shape, text, word);
    node.addEventListener("click", () => choose(item.name));
    return { node, shape, word };
  }

  function updateTab(row, item) {
    const { word, shape, tone } = words.phase(item.phase);
    setMark(row.shape, shape, tone);
    setText(row.word, word);
    setAttr(row.node, "aria-pressed", item.name === control.selected);
  }

  function update(document) {
    const all = obj(document.uploaders);
    const byActivity = uploaderNames(document);
    control.total = byActivity.length;
    control.selected = Object.hasOwn(all, chosen) ? chosen : byActivity[0] ?? "";
    const names = [...byActivity].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    setTabs(names.map((name) => ({ name, phase: str(obj(all[name]).phase, "idle") })));
    show(root, control.total > 1);
  }

  return control;
}
