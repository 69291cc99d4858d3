// @ts-check
// A notification of the browser when an upload ends, if somebody asked for it with the button.

import { el, setText, show } from "./dom.js";
import { keep, kept } from "./kept.js";
import { plain, sentence } from "./sentence.js";

const NAME = "notify";

/**
 * root: the line below the page. Returns a function that takes each view.
 * @param {HTMLElement} root
 * @returns {Update}
 */
export function notifier(root) {
  const button = el("button.foot__button", { type: "button" });
  const why = el("span");
  root.replaceChildren(button, why);
  /** Uploaders that are uploading. @type {Set<string>} */
  let running = new Set();
  let first = true;

  const wanted = () => kept(NAME) !== "" && Notification.permission === "granted";

  function draw() {
    const reason = refusal();
    show(button, reason === "");
    setText(why, reason);
    const word = !reason && wanted() ? "Notifies when an upload ends. Stop that" : "Notify me when an upload ends";
    setText(button, word);
  }

  button.addEventListener("click", async () => {
    if (wanted()) keep(NAME, "");
    else if (await Notification.requestPermission() === "granted") keep(NAME, "1");
    draw();
  });
  draw();

  return (view) => {
    const now = new Set(view.uploaders.filter((one) => one.active).map((one) => one.name));
    const ended = [...running].filter((name) => !now.has(name));
    running = now;
    if (!first && ended.length > 0 && refusal() === "" && wanted()) tell(ended, view);
    first = false;
  };
}

/** Why there are no notifications; "" when there may be. */
function refusal() {
  if (!window.isSecureContext) return "Notifications at the end of an upload need https (or this machine itself).";
  if (typeof Notification !== "function") return "This browser has no notifications.";
  if (Notification.permission === "denied") return "This browser was told to show no notifications of this page.";
  return canShow() ? "" : "This browser lets no page like this one notify.";
}

/** Browsers of phones let only service workers notify. This shows nothing: nobody has allowed it yet. */
function canShow() {
  if (Notification.permission === "granted") return true;
  try {
    return new Notification("") !== null;
  } catch {
    return false;
  }
}

/** @param {string[]} names @param {View} view */
function tell(names, view) {
  for (const name of names) {
    const body = name === view.name ? plain(sentence(view)) : `${name}: the upload has ended`;
    try {
      new Notification("cloudplow", { body, tag: `cloudplow ${name}`, icon: "static/icons/icon-192.png" });
    } catch {
      // Some browsers of phones let only service workers notify.
    }
  }
}
