// Texts that lie on each other, as ["text | text", ...]: what a person sees of each line, cut by the boxes around it.
() => {
  const clipped = (node, box) => {
    // The whole of a name lies unseen over its parts, to be selected.
    if (getComputedStyle(node).webkitTextFillColor === "rgba(0, 0, 0, 0)") return null;
    let { left, top, right, bottom } = box;
    for (let at = node; at && at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.display === "none" || style.visibility === "hidden" || style.opacity === "0") return null;
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      const edge = at.getBoundingClientRect();
      [left, top, right, bottom] = [Math.max(left, edge.left), Math.max(top, edge.top), Math.min(right, edge.right), Math.min(bottom, edge.bottom)];
    }
    // A pixel is left for glyphs that only touch.
    return right - left > 2 && bottom - top > 4 ? { left, top, right, bottom } : null;
  };
  const lines = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    if (!text.data.trim() || text.parentElement.closest("script, noscript, svg, option")) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    for (const box of range.getClientRects()) {
      const seen = clipped(text.parentElement, box);
      if (seen) lines.push({ text, ...seen });
    }
  }
  lines.sort((a, b) => a.top - b.top);
  const found = [];
  for (const [place, one] of lines.entries()) {
    for (let next = place + 1; next < lines.length && lines[next].top < one.bottom - 4; next += 1) {
      const other = lines[next];
      if (other.text === one.text) continue;
      const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      if (wide > 1.5 && high > 4) found.push(`${one.text.data.slice(0, 40)} | ${other.text.data.slice(0, 40)} (${Math.round(wide)} x ${Math.round(high)})`);
    }
  }
  return found;
}
