// Small helpers for building and changing elements. Text goes in as text only; nothing here parses markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element: "span.name.name--long" is a span of these classes; attributes: `text`, and any by its name but `style`. */
export function el(kind, attributes, ...children) {
  const [tag, ...classes] = kind.split(".");
  return build(document.createElement(tag), classes, attributes, children);
}

/** An SVG element, in the same way. */
export function svg(kind, attributes, ...children) {
  const [tag, ...classes] = kind.split(".");
  return build(document.createElementNS(SVG, tag), classes, attributes, children);
}

function build(node, classes, attributes = {}, children) {
  node.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

/** Change a text only when it differs: selections survive and nothing is laid out again. */
export function setText(node, text) {
  const first = node.firstChild;
  if (first && first === node.lastChild && first.nodeType === Node.TEXT_NODE) {
    if (first.data !== text) first.data = text;
  } else if (node.textContent !== text || first) {
    node.textContent = text;
  }
}

/** Change an attribute only when it differs; null removes it. */
export function setAttr(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, String(value));
  }
}

/** Show or hide. */
export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/**
 * Children that belong to items: one row per key, made once, changed in place, moved only when the order changes.
 * create(item) and update(row, item) work on {node, ...}; the returned function takes the items in order.
 */
export function keyedRows(parent, keyOf, create, update) {
  const rows = new Map();
  return (items) => {
    const keys = new Set(items.map(keyOf));
    for (const [key, row] of rows) {
      if (keys.has(key)) continue;
      row.node.remove();
      rows.delete(key);
    }
    let cursor = parent.firstElementChild;
    for (const item of items) {
      const key = keyOf(item);
      let row = rows.get(key);
      if (!row) {
        row = create(item);
        rows.set(key, row);
      }
      update(row, item);
      if (row.node === cursor) cursor = cursor.nextElementSibling;
      else parent.insertBefore(row.node, cursor);
    }
  };
}

/** A bar; its length is a transform, so that it moves without layout. Returns {node, set(fraction, words)}. */
export function bar(className, label) {
  const fill = el("span.bar__fill");
  const node = el("div", {
    class: `bar ${className}`, role: "progressbar", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100",
  }, fill);
  return {
    node,
    /** fraction: 0 to 1, or -1 when unknown; words: what a screen reader says. */
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

/** A mark that tells a state by its shape; the word beside it tells it too. */
export function mark(shape = "ring", tone = "quiet") {
  return el("span.mark", { "data-shape": shape, "data-tone": tone, "aria-hidden": "true" });
}

/** Change a mark. */
export function setMark(node, shape, tone) {
  setAttr(node, "data-shape", shape);
  setAttr(node, "data-tone", tone);
}

/** A button that shows all rows or only the first ones. Returns {node, expanded, update(total, limit, noun)}. */
export function moreButton(onToggle) {
  const node = el("button.more", { type: "button", "aria-expanded": "false", hidden: true });
  const control = {
    node,
    expanded: false,
    update(total, limit, noun) {
      show(node, total > limit);
      setAttr(node, "aria-expanded", control.expanded);
      setText(node, control.expanded ? `Show the first ${limit} ${noun}` : `Show all ${total} ${noun}`);
    },
  };
  node.addEventListener("click", () => {
    control.expanded = !control.expanded;
    onToggle();
  });
  return control;
}
