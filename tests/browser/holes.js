// What columns leave empty: evaluated in the page with the share of the screen's height that may be; an empty list is good.
(mostEmpty) => {
  const shown = (one) => one.checkVisibility();
  const ends = (one) => one.getBoundingClientRect().bottom;
  /** Columns by where they begin from the left: of two columns the first one has two boxes. */
  const columns = new Map();
  for (const panel of [...document.querySelectorAll(".column > .panel")].filter(shown)) {
    const left = Math.round(panel.getBoundingClientRect().left);
    columns.set(left, [...columns.get(left) ?? [], panel]);
  }
  const tops = [...columns.values()].map(([first]) => first.getBoundingClientRect().top);
  const last = [...columns.values()].map((panels) => panels.at(-1));
  const most = Math.max(...last.map(ends));
  /** Where the words of a panel end; a chart fills its panel. */
  const said = (panel) => (panel.id === "history" ? ends(panel) : Math.max(...[...panel.querySelectorAll("*")]
    .filter((one) => one.childElementCount === 0 && shown(one) && ends(one) <= ends(panel)).map(ends)));
  const found = Math.max(...tops) - Math.min(...tops) > 2 ? ["columns begin at different heights"] : [];
  for (const panel of last) {
    if (most - ends(panel) > 2) found.push(`${panel.id} ends before another column does`);
    const empty = (most - said(panel)) / innerHeight;
    if (empty > mostEmpty) found.push(`below what ${panel.id} says ${Math.round(100 * empty)}% of the screen are empty`);
  }
  return found;
};
