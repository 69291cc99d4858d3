// The large number and the word of each state.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { great, headState } from "../../cloudplow_dashboard/static/js/great.js";
import { GIB, HOUR, NOON, viewOf } from "./helpers.js";

const over = (outcome, more = {}, parts = {}) => viewOf({
  active: false, phase: outcome === "interrupted" ? "interrupted" : "finished", ...parts,
  session: { outcome, ended_at: NOON - 600, ...more },
});
const waits = (state, more = {}, parts = {}) => over("done", {}, {
  status: { state, why: "why", checked_at: NOON - 60, waiting_bytes: 212 * GIB, ...more }, ...parts,
});
const NOTHING = { files_done: 0, bytes_done: 0, files_total: 0, bytes_total: 0, files_left: 0, bytes_left: 0 };

describe("the large number", () => {
  for (const [what, view, number, below] of [
    ["of an upload is its share", viewOf(), "60.0%", "60.0 GB of 100.0 GB"],
    ["of one that is being listed is none", viewOf({ phase: "scanning", session: NOTHING }), "", ""],
    ["while it waits is the way to the threshold", waits("waiting", { threshold_bytes: 400 * GIB }), "53.0%",
      "212.0 GB of the 400.0 GB an upload begins with"],
    ["while there is enough, and another one uploads, is what there is",
      waits("waiting", { threshold_bytes: 200 * GIB }), "212.0 GB", "to upload"],
    ["while there is enough is the time until the next check",
      waits("waiting", { threshold_bytes: 200 * GIB, until: NOON + HOUR }), "1h 0m", "until the next check at 14:00"],
    ["while nothing waits is the time until the next check",
      waits("waiting", { threshold_bytes: 400 * GIB, waiting_bytes: 0, until: NOON + HOUR }), "1h 0m",
      "until the next check at 14:00"],
    ["while it cools is the time until there is quota", waits("cooling", { until: NOON + 4 * HOUR }), "4h 0m",
      "until quota at 17:00"],
    ["and what comes back then", waits("cooling", { until: NOON + HOUR },
      { capacity: { limit_bytes: 1, next_return_at: NOON + HOUR, next_return_bytes: 63 * GIB } }), "1h 0m",
    "until quota at 14:00, when 63.0 GB come back"],
    ["after a used-up quota is that time, too", over("quota_used", { next_capacity_at: NOON + 2 * HOUR }), "2h 0m",
      "until quota at 15:00"],
    ["outside its hours is the time until they begin", waits("outside_window", { until: NOON + HOUR }), "1h 0m",
      "until 14:00"],
    ["while it asks what arrived is the time until that is known",
      viewOf({ phase: "scanning", status: { state: "scanning", why: "finding out", until: NOON + 20 } }), "20s",
      "until 13:00"],
    ["while it lists is that of what is known", viewOf({ phase: "scanning", status: { state: "scanning", why: "listing" } }),
      "60.0%", "60.0 GB of 100.0 GB"],
    ["of a pause without an end is none", waits("paused"), "", ""],
    ["of a suspension is the time until it is over",
      viewOf({ phase: "suspended", suspension: { active: true, reason: "", until: NOON + 90 } }), "1m 30s", "until 13:01"],
    ["of failures is how many there are", over("failed", { files_failed: 10_000 }), "10,000 files",
      "failed; 60.0 GB of 100.0 GB uploaded"],
    ["of a dry run of more than the quota, too", over("quota_used", {
      dry_run: true, would_go_files: 6, would_go_bytes: 60 * GIB, next_capacity_at: NOON + HOUR }), "60.0 GB",
    "in 6 files would go"],
    ["of a dry run is what would go", over("done", { dry_run: true, would_go_files: 10, would_go_bytes: 100 * GIB }), "100.0 GB",
      "in 10 files would go"],
    ["of a dry run that quota ended, too", over("quota_used", { dry_run: true, would_go_files: 1, would_go_bytes: GIB }),
      "1.0 GB", "in 1 file would go"],
    ["of a dry run that is under way is what would go so far",
      viewOf({ session: { dry_run: true, would_go_files: 1, would_go_bytes: 30 * GIB } }), "30.0 GB",
      "in 1 file would go so far"],
    ["of an end is its share", over("interrupted"), "60.0%", "60.0 GB of 100.0 GB"],
    ["of empty files is that of the files", viewOf({ session: { bytes_total: 0, bytes_done: 0 }, figures: { percentage: 60 } }),
      "60.0%", "6 of 10 files"],
    ["of nothing is none", over("done", NOTHING), "", ""],
  ]) {
    it(what, () => {
      const { number: said, below: note } = great(view);
      assert.deepEqual([said, note], [number, below]);
    });
  }
});

describe("the word", () => {
  for (const [what, view, word, tone] of [
    ["of an upload", viewOf(), "Uploading", "accent"],
    ["of its end is that of its outcome", over("done"), "Done", "ok"],
    ["of an end stays when the program has ended", { ...over("done"), engine: "stopped" }, "Done", "ok"],
    ["of an interruption stays then, too", { ...over("interrupted"), engine: "stopped" }, "Interrupted", "warn"],
    ["of a session that found nothing", over("done", NOTHING), "Nothing to do", "ok"],
    ["of a dry run", over("done", { dry_run: true }), "Dry run", "quiet"],
    ["of a dry run that quota ended", over("quota_used", { dry_run: true }), "Dry run", "quiet"],
    ["while it asks what arrived",
      viewOf({ phase: "scanning", status: { state: "scanning", why: "finding out", until: NOON + 20 } }), "Checking",
      "accent"],
    ["of what the scheduler says", waits("vetoed"), "Held back", "warn"],
    ["of a failure", over("failed"), "Failed", "bad"],
  ]) {
    it(what, () => assert.deepEqual([headState(view).word, headState(view).tone], [word, tone]));
  }
});
