// What the page says at this moment, as texts, by place. Hidden places say nothing.
() => {
  const seen = (node) => node !== null && node.checkVisibility();
  const text = (root, selector) => {
    const node = root.querySelector(selector);
    return node !== null && seen(node) ? node.textContent.trim() : "";
  };
  const rows = (selector, ...parts) => [...document.querySelectorAll(selector)].filter(seen)
    .map((row) => parts.map((part) => text(row, part)));
  const figures = (root, name) => rows(`${root} .${name}`, `.${name}__label`, `.${name}__value`, `.${name}__note`);
  // A wide page leaves out some of the notes, which a narrow one has in place of the panel.
  const note = (panel) => seen(document.querySelector(panel))
    ? document.querySelector(`${panel} [data-note]`).textContent.trim() : "";
  const chosen = document.querySelector("#uploaders .tab[aria-pressed=true] .tab__name");
  return {
    title: document.title,
    version: document.querySelector("#page").dataset.version ?? "",
    mode: document.querySelector("#connection").dataset.mode ?? "",
    connection: text(document, "#connection"),
    chosen: chosen ? chosen.textContent : "",
    tabs: rows("#uploaders .tab", ".tab__name", ".tab__phase"),
    badge: text(document, "#headline .badge"),
    chips: [...document.querySelectorAll("#headline .chip")].filter(seen).map((chip) => chip.textContent),
    sentence: text(document, "#headline-sentence"),
    share: text(document, ".headline__share"),
    amount: text(document, ".headline__amount"),
    figures: figures("#headline", "figure"),
    side_note: note("#side"),
    side: rows("#side li", ".side__name", ".side__word, .state", ".side__amount", ".side__note"),
    transfers_note: note("#transfers"),
    transfers: rows("#transfers tbody tr", ".name__whole", ".cell--share", ".cell--size", ".cell--speed", ".cell--eta"),
    plan_note: note("#plan"),
    plan: rows("#plan .plan__row", ".plan__name", ".plan__word", ".plan__what"),
    plan_rest: text(document, "#plan [data-body] > .panel__line"),
    session_note: note("#session"),
    session: figures("#session", "stat"),
    failures: rows("#session .failure", ".failure__count"),
    capacity_note: note("#capacity"),
    capacity: figures("#capacity", "stat"),
    returns: text(document, "#capacity .strip__box .panel__line"),
    queue_note: note("#queue"),
    queue_totals: text(document, "#queue .queue__totals"),
    percentiles: rows("#queue .percentiles > div", "dt", "dd"),
    accounts_note: note("#accounts"),
    accounts_states: rows("#accounts .pool__states .pick", "span:last-child").map(([state]) => state),
    accounts: rows("#accounts tr.account", ".account__name", ".state", ".account__why", ".account__amount",
      ".account__limit", ".account__share", ".cell--resets"),
    log_note: note("#log"),
    log: rows("#log .log__row", ".log__time", ".log__uploader", ".log__text"),
    sessions_note: note("#sessions"),
    sessions: rows("#sessions .past__row", ".past__word", ".past__when", ".past__what", ".past__why"),
    history_metric: text(document, "#history .choices:first-child .choice[aria-pressed=true]"),
    history_range: text(document, "#history .choices + .choices .choice[aria-pressed=true]"),
    history: text(document, "#history [data-body] > .panel__line"),
  };
}
