// @ts-check
// A row of buttons of which one is chosen.

import { el, setAttr } from "../dom.js";

/**
 * Returns {node, set(chosen)}. names: [key, text] of each; pick(key): one was pressed.
 * @param {string} label
 * @param {[string, string][]} names
 * @param {(key: string) => void} pick
 */
export function choices(label, names, pick) {
  const buttons = names.map(([key, text]) => {
    const node = el("button.choice", { type: "button", text });
    node.addEventListener("click", () => pick(key));
    return { key, node };
  });
  return {
    node: el("div.choices", { role: "group", "aria-label": label }, ...buttons.map((one) => one.node)),
    /** @param {string} chosen */
    set(chosen) {
      for (const { key, node } of buttons) setAttr(node, "aria-pressed", String(key === chosen));
    },
  };
}
