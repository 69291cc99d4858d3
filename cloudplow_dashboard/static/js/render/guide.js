// @ts-check
// Before the first upload: what is needed, and the three commands that lead to it.

import { commandLine } from "../command.js";
import { el, fillPanel, show } from "../dom.js";

/** [what to do, command] */
const STEPS = [
  ["See that the configuration, rclone and every account work. What is wrong is named with its cure.", "check"],
  ["See what would be uploaded, by which account and when. It changes nothing.", "plan"],
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
    text: "Needed are a folder, a remote of rclone to upload it to, and, for more than one account's quota, the key "
      + "files of the accounts. “config.json” names them.",
  });
  fillPanel(root, needs, el("ol.guide", {}, ...steps));
  return (view) => show(root, isFirst(view));
}

/**
 * Whether nothing has ever been uploaded here, nothing is, and no scheduler is about to.
 * @param {View} view
 */
export function isFirst({ active, told, session: { exists }, sessions, uploaders }) {
  const never = !active && !told && !exists && sessions.length === 0;
  return never && !uploaders.some((one) => one.active || one.endedAt > 0);
}
