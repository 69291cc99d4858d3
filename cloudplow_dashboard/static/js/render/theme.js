// The button for the theme: the system's, light, dark, and round again.

import { setAttr, setText } from "../dom.js";

const KEY = "cloudplow.theme";
const NEXT = { auto: "light", light: "dark", dark: "auto" };
const WORDS = { auto: "Auto", light: "Light", dark: "Dark" };

/** button: with a child [data-word] for the word. */
export function themeButton(button) {
  const word = button.querySelector("[data-word]");
  const current = () => document.documentElement.dataset.theme ?? "auto";

  function draw() {
    setText(word, WORDS[current()] ?? WORDS.auto);
    setAttr(button, "data-theme-now", current());
    setAttr(button, "aria-label", `Theme: ${WORDS[current()] ?? WORDS.auto}. Change it`);
  }

  button.addEventListener("click", () => {
    const next = NEXT[current()] ?? "auto";
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      if (next === "auto") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, next);
    } catch {
      // Storage may be forbidden: the theme then lasts as long as the page.
    }
    draw();
  });
  button.hidden = false;
  draw();
}
