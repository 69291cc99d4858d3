// @ts-check
// A command to type, with a button that copies it.

import { el, setText, show } from "./dom.js";

const SAID_MS = 2_000;

/**
 * Copy the text of an element; the selection is the way on pages that are not secure.
 * @param {HTMLElement} node
 */
async function copyText(node) {
  try {
    await navigator.clipboard.writeText(node.textContent ?? "");
    return true;
  } catch {
    getSelection()?.selectAllChildren(node);
    return document.execCommand("copy");
  }
}

/** Returns {node, set(command)}; "" hides it. */
export function commandLine(command = "") {
  const code = el("code.command__text", { text: command });
  const word = el("span", { text: "Copy" });
  const button = el("button.command__copy", { type: "button" }, word);
  const node = el("span.command", { hidden: command === "" || undefined }, code, button);
  const name = () => button.setAttribute("aria-label", `Copy “${code.textContent}”`);
  button.addEventListener("click", async () => {
    setText(word, await copyText(code) ? "Copied" : "Press Ctrl+C");
    setTimeout(() => setText(word, "Copy"), SAID_MS);
  });
  name();
  return {
    node,
    /** @param {string} text */
    set(text) {
      show(node, text !== "");
      if (code.textContent === text) return;
      setText(code, text);
      name();
    },
  };
}
