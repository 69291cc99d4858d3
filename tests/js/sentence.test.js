// The one sentence, in each phase and for each outcome; and what does not fit.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { nextStep, plain, restText, sentence, spentText, workerPlace } from "../../cloudplow_dashboard/static/js/sentence.js";
import * as words from "../../cloudplow_dashboard/static/js/words.js";
import { GIB, HOUR, NOON, viewOf } from "./helpers.js";

/** One test for each: what is special of the uploader, and the sentence. */
function says(cases) {
  for (const [what, parts, text] of cases) it(what, () => assert.equal(plain(sentence(viewOf(parts))), text));
}

const over = (outcome, more = {}) => ({
  active: false, phase: outcome === "interrupted" ? "interrupted" : "finished", eta: { speed_at: 0, quotas_at: 0 },
  session: { outcome, ended_at: NOON - 600, ...more },
});
const WORK = "google to gdrive:Media";

describe("while an upload runs", () => says([
  ["names target and end; the account stands below", {}, `Uploading ${WORK}; done around 13:01`],
  ["does not promise an end without a speed", { progress: { speed: 0 }, session: { bytes_done: 0, bytes_left: 0 } },
    `Uploading ${WORK}`],
  ["says how long nothing has been heard of it", { progress: { speed: 0, silent_since: NOON - 65 } },
    `Uploading ${WORK}; nothing from rclone for 1m 5s`],
  ["says it as soon as its figures are old", { progress: { speed: 0 }, figures: { stale_since: NOON - 7 } },
    `Uploading ${WORK}; nothing from rclone for 7s`],
  ["names the folder where no remote is known", { session: { remote: "", stages_total: 0 }, progress: { speed: 0 } },
    "Uploading google from Media; done around 13:01"],
  ["promises nothing beyond a month", { eta: { speed_at: NOON + 40 * 86_400 } },
    `Uploading ${WORK}; at this speed it takes more than 30 days`],
  ["needs no account", { session: { account_index: -1, account: "", accounts_total: 0, stage: 0 } },
    "Uploading google to gdrive:Media; done around 13:01"],
  ["says that it is a dry run", { session: { dry_run: true } }, `Dry run of ${WORK}; done around 13:01`],
  ["says when the quota is used up first", { plan: { made_at: 1, waiting_bytes: 20 * GIB } },
    `Uploading ${WORK}; quota used up around 13:01`],
  ["and when everything is done then",
    { plan: { made_at: 1, waiting_bytes: 20 * GIB }, eta: { quotas_at: NOON + 20 * HOUR + 60 } },
    `Uploading ${WORK}; quota used up around 13:01, everything done around 09:15 on Wed`],
  ["is limited while somebody watches",
    { phase: "throttled", throttle: { active: true, limit: 30 * 2 ** 20, streams: 2 } },
    `Uploading ${WORK}, limited to 30.0 MB/s while 2 streams are playing; done around 13:01`],
  ["is limited for one stream", { phase: "throttled", throttle: { active: true, limit: 2 ** 20, streams: 1 } },
    `Uploading ${WORK}, limited to 1.0 MB/s while 1 stream is playing; done around 13:01`],
  ["is limited by hand", { throttle: { active: true, limit: 2 ** 20, streams: 0 } },
    `Uploading ${WORK}, limited to 1.0 MB/s; done around 13:01`],
  ["lists before the first stage", { phase: "scanning", session: { stage: 0 } },
    "Listing what google has to upload to gdrive:Media"],
  ["lists after a stage", { phase: "scanning" }, "Listing what is left of google after stage 3"],
  ["is suspended until a time, for a reason",
    { phase: "suspended", suspension: { active: true, reason: "rate limit", until: NOON + 5 * HOUR } },
    "google is suspended until 18:00: rate limit"],
  ["is suspended without more", { phase: "suspended" }, "google is suspended"],
]));

const NOTHING = { files_done: 0, bytes_done: 0, files_total: 0, bytes_total: 0, files_left: 0, bytes_left: 0 };
const told = (state, more = {}) => ({ state, why: "the reason", ...more });
describe("what the scheduler says comes first", () => says([
  ["while it waits", { ...over("done"), status: told("waiting") }, "google: the reason"],
  ["while it waits for more, whose size stands below",
    { ...over("done"), status: told("waiting", { threshold_bytes: 9, waiting_bytes: 5 }) },
    "google waits for more to upload"],
  ["while it waits for something else than more",
    { ...over("done"), status: told("waiting", { threshold_bytes: 5, waiting_bytes: 5 }) }, "google: the reason"],
  ["without the word that stands above it",
    { ...over("done"), status: told("vetoed", { why: "not now: a backup runs" }) }, "google: a backup runs"],
  ["of a run that waits for quota", { ...over("quota_used"), phase: "suspended", status: told("cooling") },
    "google: the reason"],
  ["of an upload in trouble", { status: told("offline") }, "google: the reason"],
  ["and how old its figures are while it stops", { status: told("stopping"), figures: { stale_since: NOON - 7 } },
    "google: the reason; nothing from rclone for 7s"],
  ["but not of one that simply runs", { status: told("uploading") }, `Uploading ${WORK}; done around 13:01`],
  ["and not of one that is silent: that is known better here",
    { status: told("stalled"), progress: { speed: 0, silent_since: NOON - 65 } },
    `Uploading ${WORK}; nothing from rclone for 1m 5s`],
  ["and not when there is nothing to say", { ...over("done"), status: told("waiting", { why: "" }) },
    "google finished at 12:50: 6 files, 60.0 GB, 4 left"],
]));

describe("while accounts are switched", () => {
  for (const [reason, text] of [
    ["first", ": the first account"],
    ["quota_used", ": the previous account's quota is used up"],
    ["denied", ": the previous account was denied"],
    ["trigger", ": a trigger was hit"],
    ["failed", ": the previous account failed"],
    ["of_tomorrow", ""],
  ]) {
    it(`says why: ${reason}`, () => {
      const view = viewOf({ phase: "switching", session: { switch_reason: reason } });
      assert.equal(plain(sentence(view)), `Switching google to 3.json${text}`);
    });
  }
});

describe("when it is over", () => says([
  ["done", over("done", { files_done: 10, bytes_done: 100 * GIB, files_left: 0 }),
    "google finished at 12:50: 10 files, 100.0 GB"],
  ["done, with one file", over("done", { files_done: 1, files_total: 1, files_left: 0, bytes_done: GIB, bytes_total: GIB }),
    "google finished at 12:50: 1 file, 1.0 GB"],
  ["done, with files that came meanwhile", over("done"), "google finished at 12:50: 6 files, 60.0 GB, 4 left"],
  ["done, with nothing to do", over("done", NOTHING), "google had nothing to upload at 12:50"],
  ["a dry run says what would go", over("done", { dry_run: true, would_go_files: 10, would_go_bytes: 100 * GIB }),
    "Dry run of google at 12:50: 10 files, 100.0 GB would go"],
  ["and what would wait", { ...over("done", { dry_run: true, would_go_files: 6, would_go_bytes: 60 * GIB }),
    plan: { made_at: 1, waiting_files: 4, waiting_bytes: 40 * GIB } },
    "Dry run of google at 12:50: 6 files, 60.0 GB would go; 4 files (40.0 GB) would wait for quota"],
  ["and what would wait, when quota ended it: nothing was used up",
    { ...over("quota_used", { dry_run: true, would_go_files: 6, would_go_bytes: 60 * GIB, next_capacity_at: NOON + HOUR }),
      plan: { made_at: 1, waiting_files: 4, waiting_bytes: 40 * GIB } },
    "Dry run of google at 12:50: 6 files, 60.0 GB would go; 4 files (40.0 GB) would wait for quota"],
  ["a dry run of nothing", over("done", { dry_run: true, files_done: 0, bytes_done: 0, files_total: 0, bytes_total: 0 }),
    "Dry run of google at 12:50: nothing would go"],
  ["the quota is used up", over("quota_used", { next_capacity_at: NOON + 4 * HOUR }),
    "google used up its quota at 12:50; 4 files (40.0 GB) waiting, more quota around 17:00"],
  ["the quota is used up, one file is left", over("quota_used", { files_left: 1, bytes_left: GIB }),
    "google used up its quota at 12:50; 1 file (1.0 GB) waiting"],
  ["the quota is used up, and back again", over("quota_used", { files_left: 0, next_capacity_at: NOON - 60 }),
    "google used up its quota at 12:50"],
  ["failed", over("failed", { reason: "every account was denied" }),
    "google failed at 12:50: every account was denied"],
  ["failed without a reason", over("failed"), "google failed at 12:50"],
  ["suspended", over("suspended", { reason: "a trigger was hit", next_capacity_at: NOON + HOUR }),
    "google is suspended until 14:00: a trigger was hit"],
  ["suspended, until a time that has passed", over("suspended", { reason: "a trigger", next_capacity_at: NOON - 60 }),
    "google was suspended until 12:59: a trigger"],
  ["suspended, and that is over", over("suspended"), "google was suspended"],
  ["interrupted", over("interrupted"),
    "google was interrupted at 12:50: 6 of 10 files uploaded, 4 left"],
  ["interrupted at the very end", over("interrupted", { files_left: 0 }),
    "google was interrupted at 12:50: 6 of 10 files uploaded"],
  ["interrupted, when its end was not written", over("interrupted", { ended_at: 0, files_left: 0, files_total: 6 }),
    "google was interrupted at 13:00: 6 of 6 files uploaded"],
  ["an outcome of tomorrow", over("of_tomorrow"), "google finished at 12:50: 6 files, 60.0 GB, 4 left"],
  ["idle after a session", { ...over("done", { files_left: 0 }), phase: "idle" }, "google finished at 12:50: 6 files, 60.0 GB"],
  ["idle with a queue", { active: false, phase: "idle", session: { ended_at: 0 },
    queue: { available: true, files: 1, bytes: GIB } }, "google is idle; 1 file, 1.0 GB in its queue"],
  ["idle", { active: false, phase: "idle" }, "google is idle"],
  ["a phase of tomorrow", { active: false, phase: "constructor" }, "google is idle"],
]));

describe("what comes next", () => {
  const step = (parts) => nextStep(viewOf(parts));
  for (const [what, parts, command] of [
    ["after a failure: what names the cure", over("failed"), "cloudplow check"],
    ["after an interruption: the next upload", over("interrupted"), "cloudplow upload google"],
    ["after it was stopped: the next upload", over("suspended", { reason: "stopped on request" }),
      "cloudplow upload google"],
    ["after it was stopped with the last file: nothing to do", over("suspended", { files_left: 0 }), ""],
    ["before a trigger's time is over: nothing to do", over("suspended", { next_capacity_at: NOON + HOUR }), ""],
    ["after a dry run: the upload itself", over("done", { dry_run: true }), "cloudplow upload google"],
    ["after a dry run of nothing: nothing to do", over("done", { dry_run: true, files_total: 0 }), ""],
    ["after a dry run that failed: what names the cure", over("failed", { dry_run: true }), "cloudplow check"],
    ["when the quota is used up: waiting for it", over("quota_used"), "cloudplow upload google --wait"],
    ["while it is paused: letting it go on", { ...over("done"), status: told("paused") }, "cloudplow resume google"],
    ["while it waits: nothing to do", { ...over("done"), status: told("waiting") }, ""],
    ["while it uploads: nothing to say", {}, ""],
    ["when it is done: nothing to do", over("done", { files_left: 0 }), ""],
    ["when it is done with files that came meanwhile: the next upload", over("done"), "cloudplow upload google"],
  ]) it(what, () => assert.equal(step(parts).command, command));
  it("does not say that a pause with an end needs somebody", () => {
    const pause = (until) => step({ ...over("done"), status: told("paused", { until }) }).text;
    assert.equal(pause(NOON + HOUR), "It goes on by itself then. To go on now:");
    assert.equal(pause(0), "To let it go on:");
  });
  it("says of one that could not begin that nothing was uploaded", () => {
    assert.match(step(over("failed")).text, /^What did not go is untouched\. This says what is wrong/);
    assert.match(step(over("failed", NOTHING)).text, /^Nothing was uploaded\. This says what is wrong/);
  });
  it("says that an upload begins once there is enough, and where there is enough that it begins", () => {
    const waits = (more) => step({ ...over("done"), status: told("waiting", { threshold_bytes: 5, ...more }) }).text;
    assert.equal(waits({ waiting_bytes: 0 }), "The upload begins by itself once there is enough.");
    assert.equal(waits({ waiting_bytes: 4 }), "The upload begins by itself once there is enough.");
    assert.equal(waits({ waiting_bytes: 5 }), "The upload begins by itself.");
  });
  it("has no line that comes and goes between two stages", () => {
    assert.match(step({ phase: "scanning", session: { stage: 0 } }).text, /all sizes are known/);
    assert.equal(step({ phase: "scanning", session: { stage: 3 } }).text, "");
  });
  it("says what happens by itself", () => {
    assert.equal(step({ status: told("offline") }).text, "It goes on by itself when the network is back.");
    assert.equal(step({}).text, "");
  });
  it("quotes a name as a shell needs it", () => {
    const view = { ...viewOf(over("interrupted")), name: "it's mine" };
    assert.equal(nextStep(view).command, "cloudplow upload 'it'\\''s mine'");
  });
});

describe("a stage", () => {
  for (const [outcome, word] of [["done", "Done"], ["denied", "Ended"], ["", "Ended"]]) {
    it(`that ended with "${outcome}" is not always done`, () => assert.equal(words.stage("done", outcome).word, word));
  }
});

describe("where the account stands", () => {
  for (const [more, text] of [
    [{}, "3 of 12, stage 3 of 4"],
    [{ stages_total: 0 }, "3 of 12, stage 3"],
    [{ account_index: -1, stage: 0 }, ""],
  ]) it(`is told in few words: "${text}"`, () => assert.equal(workerPlace(viewOf({ session: more }).session), text));
});

it("says that an uploader has not uploaded anything yet", () => {
  const view = viewOf({ active: false, phase: "idle", session: { id: "", started_at: 0, ended_at: 0 } });
  assert.equal(plain(sentence(view)), "google has not uploaded anything yet");
});

it("says that there is no uploader yet", () => {
  assert.equal(plain(sentence({ ...viewOf(), known: false, phase: "idle" })), "Nothing has been uploaded yet");
});

it("keeps what comes from outside apart, and leaves no empty part", () => {
  const parts = sentence(viewOf({ phase: "suspended", suspension: { reason: "<b>", until: 0 } }));
  assert.deepEqual(parts, [{ data: "google" }, " is suspended", ": ", { data: "<b>" }]);
});

describe("what does not fit", () => {
  const rest = { files: 413, bytes: 775 * GIB, nextAt: 0, unplannedFiles: 0, unplannedBytes: 0, unplannedWhy: "" };
  for (const [more, text] of [
    [{ files: 0 }, ""],
    [{}, "Does not fit now: 413 files (775.0 GB)."],
    [{ files: 1, bytes: GIB }, "Does not fit now: 1 file (1.0 GB)."],
    [{ nextAt: NOON + HOUR }, "Does not fit now: 413 files (775.0 GB); more can go from 14:00."],
    [{ nextAt: NOON - 1 }, "Does not fit now: 413 files (775.0 GB); more can go again."],
    [{ unplannedFiles: 2, unplannedBytes: GIB, unplannedWhy: "it waits for quota" },
      "Does not fit now: 413 files (775.0 GB). Not planned yet: 2 files (1.0 GB): it waits for quota."],
    [{ unplannedFiles: 2, unplannedBytes: GIB },
      "Does not fit now: 413 files (775.0 GB). Not planned yet: 2 files (1.0 GB)."],
  ]) it(JSON.stringify(more), () => assert.equal(restText({ ...rest, ...more }, NOON), text));
});

describe("what a spent quota is made of", () => {
  for (const [used, inFlight, unsettled, text] of [
    [0, 0, 0, ""],
    [12 * GIB, 0, 0, ""],
    [12 * GIB, 1.2 * GIB, 300 * 2 ** 20, "12.0 GB used, 1.2 GB on its way, 300.0 MB unsettled"],
    [12 * GIB, 0, GIB, "12.0 GB used, 1.0 GB unsettled"],
    [0, GIB, 0, "1.0 GB on its way"],
  ]) {
    it(`is said in words: "${text}"`, () => {
      assert.equal(spentText({ used, inFlight, unsettled, spent: used + inFlight + unsettled }), text);
    });
  }
});

describe("words", () => {
  it("have a readable form for a key of tomorrow, and never a raw code", () => {
    assert.equal(words.phase("brand_new").word, "Brand new");
    assert.equal(words.outcome("quota_used").word, "Quota used");
    assert.equal(words.outcome("").word, "Unknown");
    assert.equal(words.account("__proto__").word, "Proto");
    assert.deepEqual(words.confidence("very_high"), { word: "Very high", level: 4 });
    assert.deepEqual(words.confidence(""), { word: "Unknown", level: 0 });
    assert.equal(words.switchReason("constructor"), "");
  });
  it("have a default for what is not said", () => {
    assert.deepEqual([words.phase(""), words.stage(""), words.account("")].map((one) => one.word),
      ["Idle", "Next", "Ready"]);
  });
});
