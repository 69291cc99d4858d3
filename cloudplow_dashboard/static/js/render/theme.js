// @ts-check
// The button for the theme: the system's, light, dark, and round again.

import { part, setAttr, setText } from "../dom.js";

const KEY = "cloudplow.theme";
/** @type {Record<string, { word: string, next: string }>} */
const THEMES = {
  auto: { word: "Auto", next: "light" },
  light: { word: "Light", next: "dark" },
  dark: { word: "Dark", next: "auto" },
};

/**
 * button: with a child [data-word] for the word.
 * @param {HTMLElement} button
 */
export function themeButton(button) {
  const place = part(button, "[data-word]");
  const current = () => document.documentElement.dataset.theme ?? "auto";
  const theme = () => THEMES[current()] ?? THEMES.auto;

  function draw() {
    setText(place, theme().word);
    setAttr(button, "data-theme-now", current());
    setAttr(button, "aria-label", `Theme: ${theme().word}. Change it`);
  }

  button.addEventListener("click", () => {
    const { next } = theme();
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
