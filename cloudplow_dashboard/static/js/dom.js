// @ts-check
// Small helpers for building and changing elements. Text goes in as text only; nothing here parses markup.

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Record<string, string | number | boolean | undefined>} Attributes */

/**
 * An element: "span.name.name--long" is a span of these classes; attributes: `text`, and any by its name but `style`.
 * @param {string} kind
 * @param {Attributes} [attributes]
 * @param {(Node | string)[]} children
 */
export function el(kind, attributes, ...children) {
  const [tag, ...classes] = kind.split(".");
  return build(document.createElement(tag), classes, attributes, children);
}

/**
 * An SVG element, in the same way.
 * @param {string} kind
 * @param {Attributes} [attributes]
 * @param {(Node | string)[]} children
 */
export function svg(kind, attributes, ...children) {
  const [tag, ...classes] = kind.split(".");
  return build(document.createElementNS(SVG, tag), classes, attributes, children);
}

/**
 * @template {Element} E
 * @param {E} node
 * @param {string[]} classes
 * @param {Attributes | undefined} attributes
 * @param {(Node | string)[]} children
 */
function build(node, classes, attributes, children) {
  node.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name === "text") node.textContent = String(value);
    else if (value !== undefined) node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

/**
 * What is in the page from the beginning, or was just built.
 * @template {HTMLElement} [E=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {E}
 */
export function part(root, selector) {
  return /** @type {E} */ (root.querySelector(selector));
}

/**
 * Fill the body of a panel; returns the place of the note beside its title.
 * @param {HTMLElement} root
 * @param {Node[]} content
 */
export function fillPanel(root, ...content) {
  part(root, "[data-body]").replaceChildren(...content);
  return part(root, "[data-note]");
}

/**
 * Change a text only when it differs: selections survive and nothing is laid out again.
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
  const first = node.firstChild;
  if (first instanceof Text && first === node.lastChild) {
    if (first.data !== text) first.data = text;
  } else if (node.textContent !== text || first) {
    node.textContent = text;
  }
}

/**
 * A text and its tooltip; none when that is "".
 * @param {HTMLElement} node
 * @param {string} text
 */
export function setTitled(node, text, title = text) {
  setText(node, text);
  setAttr(node, "title", title || null);
}

/**
 * Change an attribute only when it differs; null, undefined and false remove it.
 * @param {Element} node
 * @param {string} name
 * @param {string | number | boolean | null | undefined} value
 */
export function setAttr(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, String(value));
  }
}

/**
 * Show or hide.
 * @param {HTMLElement} node
 * @param {boolean} visible
 */
export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/**
 * Show a line of text, or hide it when there is none.
 * @param {HTMLElement} node
 * @param {string} text
 */
export function showText(node, text) {
  setText(node, text);
  show(node, text !== "");
}

/**
 * Children that belong to items: one row per key, made once, changed in place, moved only when the order changes.
 * create(item) and update(row, item) work on {node, ...}; the returned function takes the items in order.
 * @template I
 * @template {{ node: Element }} R
 * @param {Element} parent
 * @param {(item: I) => string | number} keyOf
 * @param {(item: I) => R} create
 * @param {(row: R, item: I) => void} update
 */
export function keyedRows(parent, keyOf, create, update) {
  /** @type {Map<string | number, R>} */
  const rows = new Map();
  return (/** @type {I[]} */ items) => {
    const keys = new Set(items.map(keyOf));
    for (const [key, row] of rows) {
      if (keys.has(key)) continue;
      row.node.remove();
      rows.delete(key);
    }
    let cursor = parent.firstElementChild;
    for (const item of items) {
      const key = keyOf(item);
      const row = rows.get(key) ?? create(item);
      rows.set(key, row);
      update(row, item);
      if (row.node === cursor) cursor = cursor.nextElementSibling;
      else parent.insertBefore(row.node, cursor);
    }
  };
}

/**
 * A bar; its length is a transform, so that it moves without layout. Returns {node, set(fraction, words)}.
 * @param {string} className
 * @param {string} label
 */
export function bar(className, label) {
  const fill = el("span.bar__fill");
  const node = el("div", {
    class: `bar ${className}`, role: "progressbar", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100",
  }, fill);
  return {
    node,
    /**
     * fraction: 0 to 1, or -1 when unknown; words: what a screen reader says.
     * @param {number} fraction
     * @param {string} words
     */
    set(fraction, words) {
      const known = fraction >= 0;
      node.classList.toggle("bar--unknown", !known);
      const scale = known ? Math.min(1, fraction) : 0;
      const transform = `scaleX(${scale.toFixed(5)})`;
      if (fill.dataset.scale !== transform) {
        fill.dataset.scale = transform;
        fill.style.transform = transform;
      }
      setAttr(node, "aria-valuenow", known ? Math.floor(scale * 100) : null);
      setAttr(node, "aria-valuetext", words || null);
    },
  };
}

/**
 * Of a bar that shows what is spent: how much of it is not used, and not even on its way. The style sheet marks these.
 * @param {HTMLElement} node
 * @param {Account} account
 */
export function setParts(node, { used, inFlight, spent, limit }) {
  for (const [name, size] of Object.entries({ "--used": used, "--sent": used + inFlight })) {
    const rest = spent > used ? `${(100 - (100 * size) / limit).toFixed(2)}%` : "";
    if (node.style.getPropertyValue(name) !== rest) node.style.setProperty(name, rest);
  }
}

/** A mark that tells a state by its shape; the word beside it tells it too. */
export function mark(shape = "ring", tone = "quiet") {
  return el("span.mark", { "data-shape": shape, "data-tone": tone, "aria-hidden": "true" });
}

/**
 * Change a mark.
 * @param {Element} node
 * @param {{ shape: string, tone: string }} state
 */
export function setMark(node, { shape, tone }) {
  setAttr(node, "data-shape", shape);
  setAttr(node, "data-tone", tone);
}

/**
 * A number with its label above it and a note below. Returns {node, set({label, value, note, title, tone})}.
 * @param {string} name
 */
function figure(name) {
  const label = el(`dt.${name}__label`);
  const value = el(`dd.${name}__value`);
  const note = el(`dd.${name}__note`);
  const node = el(`div.${name}`, {}, label, value, note);
  return {
    node,
    /** @param {Figure} item */
    set(item) {
      setText(label, item.label);
      setText(value, item.value);
      setText(note, item.note);
      setAttr(node, "title", item.title || null);
      setAttr(node, "data-tone", item.tone || null);
    },
  };
}

/**
 * @typedef {object} Figure
 * @property {string} label
 * @property {string} value
 * @property {string} note
 * @property {string} [title]
 * @property {string} [tone]
 */

/**
 * Figures, each known by its label. Returns a function that takes them in order.
 * @param {Element} parent
 * @param {string} name
 */
export function figures(parent, name) {
  const labelOf = (/** @type {Figure} */ item) => item.label;
  return keyedRows(parent, labelOf, () => figure(name), (row, item) => row.set(item));
}

/**
 * A button that shows all rows or only the first ones. Returns {node, expanded, update(total, limit, noun)}.
 * @param {() => void} onToggle
 */
export function moreButton(onToggle) {
  const node = el("button.more", { type: "button", "aria-expanded": "false", hidden: true });
  const control = {
    node,
    expanded: false,
    /** @param {number} total @param {number} limit @param {string} noun */
    update(total, limit, noun) {
      show(node, total > limit);
      setAttr(node, "aria-expanded", String(control.expanded));
      setText(node, control.expanded ? `Show the first ${limit} ${noun}` : `Show all ${total} ${noun}`);
    },
  };
  node.addEventListener("click", () => {
    control.expanded = !control.expanded;
    onToggle();
  });
  return control;
}

/**
 * What somebody typed or picked.
 * @param {HTMLElement} field
 */
export function typed(field) {
  return /** @type {HTMLInputElement} */ (field).value;
}
