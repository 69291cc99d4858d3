// Runs before the page's own scripts, and notes in window.probe what the page does. It changes nothing, and what it
// holds does not grow as long as nothing is amiss.
(() => {
  const probe = window.probe = {
    violations: [], longTasks: 0, blocked: 0, shifted: 0, largest: 0, marks: {}, words: [],
    served: "", drawn: "", streams: 0, snapshots: 0, patches: 0, gaps: [], version: 0,
  };

  document.addEventListener("securitypolicyviolation", (event) => {
    probe.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
  });

  const observe = (type, take) => {
    new PerformanceObserver((found) => found.getEntries().forEach(take)).observe({ type, buffered: true });
  };
  // Longer than this a task is felt, in milliseconds.
  const LONG = 50;
  observe("longtask", ({ duration }) => {
    probe.longTasks += 1;
    probe.blocked += duration - LONG;
  });
  observe("layout-shift", ({ hadRecentInput, value }) => {
    if (!hadRecentInput) probe.shifted += value;
  });
  observe("largest-contentful-paint", ({ startTime }) => { probe.largest = startTime; });

  // What the server wrote, before a script of the page has run.
  const headline = () => document.getElementById("headline");
  const text = (node) => (node?.textContent ?? "").replace(/\s+/g, " ").trim();
  document.addEventListener("readystatechange", () => {
    if (document.readyState === "interactive") probe.served = text(headline());
  });

  const mark = (name) => { probe.marks[name] ??= performance.now(); };
  const note = (node) => {
    const word = text(node);
    if (word && !probe.words.includes(word)) probe.words.push(word);
  };
  new MutationObserver((records) => {
    for (const { target, removedNodes, type } of records) {
      // The parser only adds; the scripts put their own elements in the place of what the server wrote.
      if (type === "childList" && target.id === "headline" && removedNodes.length > 0 && !probe.marks.headline) {
        mark("headline");
        probe.drawn = text(target);
      }
      if (target.id === "page" && target.dataset.drawn === "" && !probe.marks.drawn) {
        mark("drawn");
        requestAnimationFrame(() => setTimeout(() => mark("shown")));
      }
      if (target.id === "connection" && target.dataset.mode === "live") mark("live");
      const element = target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement;
      if (element?.closest(".badge, .tab__phase, .side__word")) note(element);
    }
  }).observe(document, { subtree: true, childList: true, characterData: true, attributeFilter: ["data-mode", "data-drawn"] });

  // A version that was not followed by the next one is a patch that the page has missed.
  window.EventSource = class extends EventSource {
    constructor(...given) {
      super(...given);
      probe.streams += 1;
      // What the page shows already, as it says itself.
      probe.version = Number(new URL(this.url).searchParams.get("last_event_id")?.split(":").pop() ?? probe.version);
      this.addEventListener("snapshot", ({ data }) => {
        probe.snapshots += 1;
        probe.version = JSON.parse(data).version;
      });
      this.addEventListener("patch", ({ data }) => {
        const { version, ...changed } = JSON.parse(data);
        // Nothing was missed: only said, so that the page knows at once.
        if (version === probe.version && Object.keys(changed).join() === "ts") return;
        if (version !== probe.version + 1) probe.gaps.push([probe.version, version]);
        probe.patches += 1;
        probe.version = version;
      });
    }
  };
})();
