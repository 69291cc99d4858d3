// @ts-check
// Ties it together: messages change the document, the document is drawn at most once a frame and once a second.
//
// The order of the imports is that of the joined script: panels beside each other, because that compresses best.

import { num, obj } from "./read.js";
import * as clock from "./clock.js";
import * as format from "./format.js";
import { derive } from "./derive.js";
import { createMemory } from "./derive/steady.js";
import { chosenUploader } from "./derive/uploaders.js";
import { part, setAttr, setText, show } from "./dom.js";
import { columns } from "./columns.js";
import { foldPanels } from "./fold.js";
import { headState } from "./great.js";
import { headline } from "./render/headline.js";
import { guide, isFirst, isUnused } from "./render/guide.js";
import { side } from "./render/side.js";
import { transfers } from "./render/transfers.js";
import { plan } from "./render/plan.js";
import { session } from "./render/session.js";
import { capacity } from "./render/capacity.js";
import { queue } from "./render/queue.js";
import { accounts } from "./render/accounts.js";
import { sessions } from "./render/sessions.js";
import { log } from "./render/log.js";
import { connection } from "./render/connection.js";
import { uploaders } from "./render/uploaders.js";
import { themeButton } from "./render/theme.js";
import { notifier } from "./notify.js";
import { createStore } from "./state.js";
import { createShared } from "./share.js";

/** How long the page may be busy at a time while it is built. */
const TURN_MS = 15;
/** How long to wait before a script that did not come is asked for again. */
const AGAIN_MS = 5_000;

/** @param {string} id */
const byId = (id) => part(document, `#${id}`);
const store = createStore(schedule);
/** @type {Map<string, Memory>} */
const memories = new Map();
const page = byId("page");
const announcer = byId("announcer");
const tellEnd = notifier(byId("notify"));

const selector = uploaders(byId("uploaders"), schedule);
const showConnection = connection(byId("connection"), page);
const icon = part(document, "link[rel=icon]");
const plainIcon = icon.getAttribute("href") ?? "";
/** @type {Record<string, (root: HTMLElement, redraw: () => void) => Update>} */
const makers = { headline, guide, transfers, side, plan, session, capacity, queue, accounts, sessions, log };
/** @type {Map<string, Update>} */
const panels = new Map();

const live = createShared({
  eventsUrl: "api/events",
  stateUrl: "api/state",
  onSnapshot(document) {
    clock.learn(document.ts);
    store.replace(document);
  },
  onPatch(patch, boot) {
    clock.learn(patch.ts);
    return store.patch(patch, boot);
  },
  onStatus: schedule,
  interval,
  busy: () => store.document.engine === "uploading",
  version: () => store.version,
  boot: () => store.document.boot,
  document: () => store.document,
});

function interval() {
  return num(store.document.refresh_interval, 3) || 3;
}

let scheduled = false;

function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(draw);
}

/** @param {number} frozenAt what is stale stands still: epoch milliseconds, else 0 */
function look(frozenAt = 0) {
  const name = chosenUploader(store.document, selector.wanted);
  const memory = memories.get(name) ?? createMemory();
  memories.set(name, memory);
  return derive(store.document, name, frozenAt ? clock.at(frozenAt) : clock.now(), memory);
}

function draw() {
  scheduled = false;
  const frozenAt = showConnection(live.status, interval(), store.document.engine === "stopped");
  const view = look(frozenAt);
  const first = isFirst(view) || (isUnused(view) && !view.facts.length);
  page.dataset.view = first ? "first" : view.active || view.transfers.length ? "active" : "idle";
  selector.update(view);
  show(byId("history"), view.active || [view, ...view.sessions].some((one) => one.filesDone > 0));
  for (const [name, update] of panels) drawPanel(name, update, view);
  announce(view);
  tellEnd(view);
  document.title = (page.hasAttribute("data-stale") ? "Stale · " : "") + titleOf(view);
  showIcon(view);
  // For who compares the page with the document: of which one all of this is.
  page.dataset.version = `${store.document.boot}:${store.version}`;
}

/**
 * The icon of the tab has the colour of the state.
 * @param {View} view
 */
function showIcon(view) {
  const { tone } = headState(view);
  const stale = page.hasAttribute("data-stale");
  const wanted = stale ? "warn" : view.known && tone !== "quiet" && tone !== "accent" ? tone : "";
  setAttr(icon, "href", wanted ? plainIcon.replace("favicon", `favicon-${wanted}`) : plainIcon);
}

/** @param {string} name @param {Update} update @param {View} view */
function drawPanel(name, update, view) {
  try {
    update(view);
  } catch (error) {
    // The others still are.
    console.error(`The panel ${name} could not be drawn`, error);
  }
}

/** @param {View} view */
function titleOf(view) {
  if (!view.known) return "cloudplow";
  const { word } = headState(view);
  const share = view.active && view.fraction >= 0 ? `${format.percent(view.fraction, 0)} ` : "";
  return `${share}${word} · ${view.name.slice(0, 60)} · cloudplow`;
}

let announced = "";

/**
 * Tell a screen reader about changes of phase and account, not about every number.
 * @param {View} view
 */
function announce(view) {
  if (!view.known) return;
  const account = view.active && view.session.account ? `, account ${view.session.account}` : "";
  const text = `${view.name}: ${headState(view).word}${account}`;
  if (text === announced) return;
  if (announced) setText(announcer, text);
  announced = text;
}

/** Some panels after the other, so that the page answers meanwhile. */
async function build() {
  let since = performance.now();
  draw();
  for (const [name, make] of Object.entries(makers)) {
    const update = make(byId(name), schedule);
    panels.set(name, update);
    drawPanel(name, update, look());
    if (performance.now() - since < TURN_MS) continue;
    await new Promise((next) => setTimeout(next));
    since = performance.now();
  }
  const arrange = columns(page, schedule);
  panels.set("columns", arrange);
  drawPanel("columns", arrange, look());
  page.dataset.drawn = "";
  new IntersectionObserver(showHistory, { rootMargin: "200px" }).observe(part(byId("history"), "[data-body]"));
}

let tries = 0;

/**
 * The history is asked for when somebody comes to see it; a folded panel shows nothing.
 * @param {IntersectionObserverEntry[]} entries
 * @param {IntersectionObserver} observer
 */
async function showHistory(entries, observer) {
  if (panels.has("history") || !entries.some((entry) => entry.isIntersecting)) return;
  try {
    const { pastCharts } = await (tries ? import(`./render/history.js?${tries}`) : import("./render/history.js"));
    if (!panels.has("history")) panels.set("history", pastCharts(byId("history")));
    observer.disconnect();
    schedule();
  } catch {
    // The server is away: once more in a while, if it is still looked at. A browser keeps that an address has failed.
    tries += 1;
    observer.disconnect();
    setTimeout(() => observer.observe(part(byId("history"), "[data-body]")), AGAIN_MS);
  }
}

function begin() {
  themeButton(byId("theme"));
  foldPanels();
  try {
    store.replace(obj(JSON.parse(byId("initial").textContent ?? "")));
  } catch {
    // Without it the first message of the stream fills the page.
  }
  document.documentElement.style.setProperty("--tick", `${Math.min(3, interval())}s`);
  build();
  live.open();
  setInterval(() => {
    if (!document.hidden) schedule();
  }, 1000);
  window.addEventListener("online", () => live.wake());
  window.addEventListener("offline", () => live.lost());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    live.wake();
    schedule();
  });
  window.addEventListener("pagehide", () => live.close());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) live.open();
  });
}

begin();
