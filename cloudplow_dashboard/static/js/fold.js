// @ts-check
// On a narrow screen a panel is one line with its figure, and opens when it is pressed. Which ones are open is kept.

import { el, part, setAttr } from "./dom.js";
import { keep, kept } from "./kept.js";

/** A button over the head of each panel; the style sheet shows it on narrow screens only. */
export function foldPanels() {
  for (const panel of document.querySelectorAll(".panel")) {
    const head = part(panel, ".panel__head");
    const name = `open ${panel.id}`;
    const button = el("button.panel__fold", { type: "button", "aria-labelledby": `${panel.id}-title` });
    const set = (/** @type {boolean} */ open) => {
      setAttr(panel, "data-open", open ? "" : null);
      setAttr(button, "aria-expanded", String(open));
    };
    button.addEventListener("click", () => {
      const open = !panel.hasAttribute("data-open");
      set(open);
      keep(name, open ? "1" : "");
    });
    set(kept(name) !== "");
    head.append(button);
  }
}
