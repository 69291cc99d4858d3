// @ts-check
// Before the first upload: what is needed, and the three commands that lead to it.

import { commandLine } from "../command.js";
import { el, fillPanel, show } from "../dom.js";

/** [what to do, command] */
const STEPS = [
  ["Check that the configuration, rclone and every account work. Whatever is wrong is named, with its cure.", "check"],
  ["See what would be uploaded, by which account and when. This changes nothing.", "plan"],
  ["Upload. This page follows it from the first file on.", "upload"],
];

/**
 * @param {HTMLElement} root
 * @returns {Update}
 */
export function guide(root) {
  const steps = STEPS.map(([text, command]) => (
    el("li.guide__step", {}, el("p", { text }), commandLine(`cloudplow ${command}`).node)));
  const needs = el("p.guide__needs", {
    text: "You need a folder, an rclone remote to upload it to and, for more than one account's quota, the key files "
      + "of the accounts. They are named in config.json.",
  });
  fillPanel(root, needs, el("ol.guide", {}, ...steps));
  return (view) => show(root, isFirst(view));
}

/**
 * Whether no scheduler is about to upload either.
 * @param {View} view
 */
export function isFirst(view) {
  return !view.told && isUnused(view);
}

/**
 * Whether there is nothing to show but what is waited for: nothing has ever been uploaded here, and nothing is.
 * @param {View} view
 */
export function isUnused({ active, session: { exists }, sessions, uploaders }) {
  return !active && !exists && sessions.length === 0 && !uploaders.some((one) => one.active || one.endedAt > 0);
}
