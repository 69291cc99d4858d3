// @ts-check
// A file name that always fits: its folder dimmed, its middle left out, the whole of it on hover, focus and in copies.

import { el, setAttr, setText } from "./dom.js";

const TAIL_LENGTH = 14;
const WHOLE_LENGTH = 24;
/** A longer folder is never squeezed to nothing. */
const FOLDER_LENGTH = 8;
const SEGMENTER = typeof Intl.Segmenter === "function"
  ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : null;

/** @param {string} text */
function graphemes(text) {
  return SEGMENTER ? Array.from(SEGMENTER.segment(text), (part) => part.segment) : Array.from(text);
}

const CONTROLS = /[\u0000-\u001f\u007f]/g;
/** They turn the text around them, so that "exe.gpj" reads as a picture. */
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g;

/** @param {string} control */
function sign(control) {
  return control === "\u007f" ? "\u2421" : String.fromCharCode(0x2400 + control.charCodeAt(0));
}

/**
 * Line ends and other control characters as the signs that stand for them.
 * @param {string} text
 */
function visible(text) {
  return text.replace(CONTROLS, sign).replace(DIRECTIONS, "\ufffd");
}

/**
 * The part that may shrink and the end that always shows, split between characters as people see them.
 * @param {string} name
 */
export function split(name) {
  if (name.length <= WHOLE_LENGTH) return { head: name, tail: "" };
  const near = name.slice(-TAIL_LENGTH * 4);
  const tail = graphemes(near).slice(1).slice(-TAIL_LENGTH).join("");
  return { head: name.slice(0, name.length - tail.length), tail };
}

/** Returns {node, set(name)}. */
export function fileName() {
  const whole = el("span.name__whole");
  const folder = el("span.name__folder", { "aria-hidden": "true" });
  const head = el("span.name__head", { "aria-hidden": "true" });
  const tail = el("span.name__tail", { "aria-hidden": "true" });
  const node = el("span.name", { dir: "auto", tabindex: "0" }, whole, folder, head, tail);
  /** @type {string | null} */
  let shown = null;
  return {
    node,
    /** @param {string} name */
    set(name) {
      if (name === shown) return;
      shown = name;
      const cut = name.lastIndexOf("/", name.length - 2) + 1;
      const parts = split(visible(name.slice(cut)));
      setText(whole, name);
      setText(folder, visible(name.slice(0, cut)));
      setAttr(folder, "data-long", cut > FOLDER_LENGTH ? "" : null);
      setText(head, parts.head);
      setText(tail, parts.tail);
      setAttr(node, "title", name);
    },
  };
}
