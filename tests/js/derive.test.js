// From the document to the view: what is steady, what waits, what is known of the quotas.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { derive } from "../../cloudplow_dashboard/static/js/derive.js";
import { chosenAccounts, readAccountRow } from "../../cloudplow_dashboard/static/js/derive/accounts.js";
import { createMemory, roundedFinish } from "../../cloudplow_dashboard/static/js/derive/steady.js";
import { chosenUploader } from "../../cloudplow_dashboard/static/js/derive/uploaders.js";
import { account, GIB, HOUR, NOON, uploader, viewOf } from "./helpers.js";

describe("what is done", () => {
  it("is what the server says, with what has arrived of files on their way", () => {
    const view = viewOf({ session: { bytes_done: 65 * GIB, bytes_left: 35 * GIB }, figures: { percentage: 62.5 } });
    assert.deepEqual([view.done / GIB, view.left / GIB, view.total / GIB, view.fraction], [65, 35, 100, 0.625]);
    assert.deepEqual([view.filesDone, view.filesLeft, view.filesTotal], [6, 4, 10]);
  });

  it("has no share where the server knows none", () => {
    assert.equal(viewOf({ figures: { percentage: -1 } }).fraction, -1);
    assert.equal(viewOf({ figures: { percentage: 100 } }).fraction, 1);
  });
});

describe("speed", () => {
  it("is the server's, and none when nothing runs", () => {
    assert.equal(viewOf({ progress: { speed: 9 } }).speed, 9);
    assert.equal(viewOf({ active: false, progress: { speed: 9 } }).speed, 0);
    assert.equal(viewOf({ figures: { average_speed: 7 } }).average, 7);
  });

  it("has a time of its own", () => {
    assert.equal(viewOf({ session: { started_at: 0 } }).seconds, -1);
    assert.equal(viewOf({ active: false, session: { ended_at: NOON - 30 } }).seconds, 30);
  });
});

describe("the time left", () => {
  const ends = (figures, parts = {}) => viewOf({ figures, ...parts });

  it("counts down to the server's finish", () => {
    assert.equal(ends({ finish_at: NOON + 500 }).eta, 500);
    assert.equal(ends({ finish_at: NOON - 1 }).eta, 0);
    assert.equal(ends({ finish_at: 0 }).eta, -1);
    assert.equal(ends({ finish_at: NOON + 500 }, { active: false }).eta, -1);
  });

  it("is that of the quota when not all fits, and then everything has a second end", () => {
    const view = ends({ waiting_bytes: GIB, quota_until: NOON + 30, finish_at: NOON + 5 * HOUR + 1 });
    assert.deepEqual([view.fits, view.waiting, view.eta], [false, GIB, 30]);
    assert.equal(view.finishWithQuotasAt, NOON + 5 * HOUR + 900);
    assert.equal(ends({ waiting_bytes: GIB, quota_until: 0, finish_at: 0 }).eta, -1, "nothing fits");
    assert.equal(ends({ finish_at: NOON + 5 * HOUR }).finishWithQuotasAt, 0, "everything fits");
  });

  it("ends at a rounded moment that stays", () => {
    assert.equal(roundedFinish(-1, NOON, 0), 0);
    assert.equal(roundedFinish(61, NOON, 0), NOON + 120);
    assert.equal(roundedFinish(2 * HOUR + 1, NOON, 0), NOON + 2 * HOUR + 300);
    assert.equal(roundedFinish(7 * HOUR + 1, NOON, 0), NOON + 7 * HOUR + 900);
    assert.equal(roundedFinish(150, NOON, NOON + 120), NOON + 120, "nearly the same");
    assert.equal(roundedFinish(200, NOON, NOON + 120), NOON + 240, "clearly another");
    assert.equal(roundedFinish(20, NOON, NOON - 10), NOON + 60, "one that has passed");
  });

  it("begins anew with another session", () => {
    const memory = createMemory();
    viewOf({ figures: { finish_at: NOON + 60 } }, { memory });
    assert.equal(viewOf({ session: { id: "s2" }, figures: { finish_at: NOON + 61 } }, { memory }).finishAt, NOON + 120);
  });
});

describe("what waits", () => {
  it("has its sums and its time for the panels", () => {
    const plan = { made_at: 1, unplanned_files: 1, unplanned_bytes: 2, unplanned_why: "it is too large" };
    const figures = { waiting_files: 4, waiting_bytes: 9, next_capacity_at: 7 };
    assert.deepEqual(viewOf({ plan, figures }).rest,
      { files: 4, bytes: 9, nextAt: 7, unplannedFiles: 1, unplannedBytes: 2, unplannedWhy: "it is too large" });
  });
});

describe("the program", () => {
  it("runs, has ended, or has not been seen; its figures may be stale, and its speed limited", () => {
    assert.deepEqual([viewOf().program, viewOf().staleSince, viewOf().limit], ["running", 0, 0]);
    const document = { program: "ended", program_ended_at: 5, limit: 9, uploaders: { google: uploader() } };
    const view = derive(document, "google", NOON, createMemory());
    assert.deepEqual([view.program, view.programEndedAt, view.limit], ["ended", 5, 9]);
    assert.equal(viewOf({ figures: { stale_since: 8 } }).staleSince, 8);
  });
});

describe("accounts", () => {
  const rows = {
    "10.json": account(9, "ready", 749.9 * GIB),
    "2.json": account(1, "cooling", 10 * GIB),
    "1.json": account(0, "active", 300 * GIB),
  };

  it("are in the state that the server says, however much they have used", () => {
    assert.deepEqual(viewOf({ accounts: rows }).accounts.map((one) => [one.name, one.state]),
      [["1.json", "active"], ["2.json", "cooling"], ["10.json", "ready"]]);
    assert.equal(viewOf({ accounts: { "1.json": account(0, "", 0) } }).accounts[0].state, "ready");
  });

  it("are counted by state where all are listed, else by the server", () => {
    assert.deepEqual(viewOf({ accounts: rows }).pool.states,
      [{ state: "active", count: 1 }, { state: "ready", count: 1 }, { state: "cooling", count: 1 }]);
    const summary = { total: 900, states: { tomorrow: 1, failed: 2, ready: 897, denied: 0 } };
    assert.deepEqual(viewOf({ accounts: rows, accounts_summary: summary }).pool.states,
      [{ state: "ready", count: 897 }, { state: "failed", count: 2 }, { state: "tomorrow", count: 1 }]);
  });

  it("share one limit, or have several", () => {
    const { pool } = viewOf({ accounts: rows });
    assert.deepEqual([pool.each, pool.mixed, pool.total], [750 * GIB, false, 3]);
    const mixed = viewOf({ accounts: { ...rows, "11.json": account(10, "ready", 0, GIB) } }).pool;
    assert.deepEqual([mixed.each, mixed.mixed], [0, true]);
  });

  it("can be searched, filtered and sorted as the API does it", () => {
    const all = viewOf({ accounts: { ...rows, "3.json": { ...account(2, "denied", 0), why: "No Permission" } } }).accounts;
    const names = (wanted) => (
      chosenAccounts(all, { q: "", state: "", sort: "index", ...wanted }).map((one) => one.name.split(".")[0]).join());
    assert.equal(names({}), "1,2,3,10");
    assert.equal(names({ sort: "-index" }), "10,3,2,1");
    assert.equal(names({ sort: "-used" }), "10,1,2,3");
    assert.equal(names({ sort: "state" }), "1,10,2,3");
    assert.equal(names({ q: "no perm" }), "3");
    assert.equal(names({ q: "1" }), "1,10");
    assert.equal(names({ state: "cooling" }), "2");
  });

  it("read the same from the API", () => {
    const row = { sa_file: "1.json", index: 4, state: "denied", why: "w", used_bytes: 5, in_flight_bytes: 2,
      unsettled_bytes: 1, quota_bytes: 10, reset_time: 7, until: 8 };
    assert.deepEqual(readAccountRow(row), { name: "1.json", index: 4, state: "denied", why: "w", used: 5, inFlight: 2,
      unsettled: 1, spent: 8, limit: 10, fraction: 0.8, resetsAt: 7, until: 8 });
  });

  it("have spent what is on its way and what is unsettled too", () => {
    const sent = { ...account(0, "active", 300 * GIB), in_flight_bytes: 60 * GIB, unsettled_bytes: 15 * GIB };
    const [one] = viewOf({ accounts: { "1.json": sent } }).accounts;
    assert.deepEqual([one.used, one.inFlight, one.unsettled, one.spent].map((size) => size / GIB), [300, 60, 15, 375]);
    assert.equal(one.fraction, 0.5);
    const over = { ...sent, in_flight_bytes: 600 * GIB };
    assert.equal(viewOf({ accounts: { "1.json": over } }).accounts[0].fraction, 1);
    const [bare] = viewOf({ accounts: { "1.json": { used_bytes: 5, limit_bytes: 10 } } }).accounts;
    assert.deepEqual([bare.spent, bare.inFlight, bare.unsettled], [5, 0, 0], "an older document");
  });

  it("are sorted by all that is spent, as the API does it", () => {
    const all = viewOf({ accounts: { "1.json": account(0, "ready", 50 * GIB),
      "2.json": { ...account(1, "ready", 10 * GIB), unsettled_bytes: 90 * GIB } } }).accounts;
    const names = chosenAccounts(all, { q: "", state: "", sort: "-used" }).map((one) => one.name);
    assert.deepEqual(names, ["2.json", "1.json"]);
  });
});

describe("the pool", () => {
  it("says what is free and what returns when", () => {
    const strip = [0, 5, ...Array(22).fill(1)];
    const { capacity } = viewOf({ capacity: { free_bytes: 6, used_bytes: 3, in_flight_bytes: 2, unsettled_bytes: 1,
      limit_bytes: 12, next_return_at: 4,
      next_return_bytes: 2, strip_from: NOON - 60, strip, later_bytes: 6 } });
    assert.deepEqual({ ...capacity, hours: capacity.hours.length }, { known: true, free: 6, used: 3, inFlight: 2,
      unsettled: 1, spent: 6, limit: 12, nextAt: 4, nextBytes: 2, from: NOON - 60, hours: 24, within: 27, later: 6 });
  });

  it("is unknown without numbers", () => {
    const { capacity } = viewOf({ capacity: { strip: ["x", -1] } });
    assert.equal(capacity.known, false);
    assert.equal(capacity.within, 0);
  });
});

describe("the plan", () => {
  const stage = (state, accountName, more = {}) => (
    { stage: 0, account: accountName, files: 1, bytes: 10 * GIB, starts_at: 0, ended_at: 0, oversized: false, state,
      ...more });

  it("of what is being stopped has nothing that comes next", () => {
    const accounts = { "1.json": { state: "running" }, "2.json": { state: "next" } };
    const { plan } = viewOf({ status: { state: "stopping", why: "stopping" }, plan: { made_at: 1, next_total: 2, accounts,
      stages: [stage("running", "1.json"), stage("next", "1.json"), stage("next", "2.json")] } });
    assert.deepEqual(plan.rows.map((row) => [row.account, row.stages.length]), [["1.json", 1]]);
    assert.equal(plan.nextTotal, 0);
  });

  it("lays the stages of an account where the server says that they are", () => {
    const { plan } = viewOf({ eta: { speed_at: NOON + 40 }, plan: { made_at: 1, stages: [
      stage("done", "1.json", { starts_at: NOON - 50, ended_at: NOON - 5 }),
      stage("running", "2.json", { starts_at: NOON - 5 }),
      stage("next", "3.json"), stage("next", "3.json"),
    ], later: [stage("waiting", "1.json", { starts_at: NOON + HOUR })],
    accounts: {
      "1.json": { state: "waiting", to_come_bytes: 10 * GIB, to_come_from: NOON + HOUR, to_come_until: NOON + HOUR + 10 },
      "2.json": { state: "running", now_until: NOON + 6 },
      "3.json": { state: "next", to_come_bytes: 20 * GIB, to_come_from: NOON + 6, to_come_until: NOON + 26 },
    } } });
    const times = plan.rows.flatMap((row) => row.stages).sort((a, b) => a.key - b.key)
      .map((one) => [one.begin - NOON, one.end - NOON]);
    assert.deepEqual(times, [[-50, -5], [-5, 6], [6, 16], [16, 26], [HOUR, HOUR + 10]]);
    assert.deepEqual([plan.from - NOON, plan.until - NOON], [-50, HOUR + 10]);
  });

  it("leaves the time free that an account waits between two stages", () => {
    const { plan } = viewOf({ eta: { speed_at: NOON + 40 }, plan: { made_at: 1, stages: [stage("next", "1.json")],
      later: [stage("waiting", "1.json", { starts_at: NOON + 60 })],
      accounts: { "1.json": { state: "next", to_come_from: NOON + 5, to_come_until: NOON + HOUR } } } });
    assert.deepEqual(plan.rows[0].stages.map((one) => [one.begin - NOON, one.end - NOON]), [[5, 15], [HOUR - 10, HOUR]]);
  });

  it("has a row for each account: what is done, what runs, what is to come", () => {
    const { plan } = viewOf({ plan: { made_at: 1, stages: [
      stage("done", "1.json"), stage("done", "1.json"), stage("running", "2.json", { stage: 7 }), stage("next", "1.json"),
    ], accounts: {
      "1.json": { state: "next", done_stages: 2, done_files: 2, done_bytes: 5, to_come_stages: 1, to_come_files: 1,
        to_come_bytes: 4 },
      "2.json": { state: "running", now_files: 1, now_bytes: 3 },
    } } });
    assert.deepEqual(plan.rows.map((row) => [row.account, row.state, row.files, row.bytes, row.stages.length,
      row.head.state]), [["1.json", "next", 3, 9, 3, "next"], ["2.json", "running", 1, 3, 1, "running"]]);
    assert.deepEqual([plan.rows[0].doneStages, plan.rows[0].toComeBytes, plan.rows[1].nowBytes], [2, 4, 3]);
  });

  it("spans a minute when there is nothing in it", () => {
    const { plan } = viewOf();
    assert.deepEqual([plan.rows, plan.until - plan.from], [[], 60]);
  });
});

describe("all uploaders", () => {
  const document = { uploaders: {
    b: uploader({ active: false, phase: "finished", session: { outcome: "done", ended_at: NOON, bytes_left: 0 } }),
    a10: uploader({ figures: { finish_at: NOON + 301 } }),
    a9: null,
  } };

  it("are chosen by name, else by the server", () => {
    const told = { ...document, focus: "a10" };
    assert.equal(chosenUploader(told, "b"), "b");
    assert.equal(chosenUploader(told, "gone"), "a10");
    assert.equal(chosenUploader(told, "constructor"), "a10");
    assert.equal(chosenUploader({ ...document, focus: "gone" }, ""), "a9", "the first by name");
    assert.equal(chosenUploader({}, ""), "");
  });

  it("have a card each, in the order of their names", () => {
    const cards = derive(document, "b", NOON, createMemory()).uploaders;
    assert.deepEqual(cards.map((card) => card.name), ["a9", "a10", "b"]);
    assert.deepEqual(cards.map((card) => card.fraction), [-1, 0.6, 0.6]);
    assert.equal(cards[1].doneAt, NOON + 600);
    assert.equal(cards[2].doneAt, 0);
  });
});

describe("lists", () => {
  it("are newest first, with keys that stay", () => {
    const view = viewOf({
      sessions: [{ id: "p1", started_at: 10, ended_at: 15 }, { id: "p2", started_at: 20, ended_at: 0 }],
    });
    assert.deepEqual(view.sessions.map((one) => [one.key, one.seconds]), [["p2 20", -20], ["p1 10", 5]]);
  });

  it("have the most frequent reason of failures first", () => {
    const kind = (count, error) => ({ at: NOON, name: "n", error, account: "a", stage: 1, count });
    const { failureKinds } = viewOf({ failure_kinds: { 1: kind(2, "b"), 2: kind(0, "gone"), 10: kind(5, "c") } });
    assert.deepEqual(failureKinds.map((one) => [one.count, one.error]), [[5, "c"], [2, "b"]]);
  });

  it("keep the order of their numbers, also beyond nine", () => {
    const facts = Object.fromEntries([9, 10, 11].map((seq) => [seq, { seq, text: `t${seq}` }]));
    const view = derive({ facts, uploaders: {} }, "", NOON, createMemory());
    assert.deepEqual(view.facts.map((fact) => fact.text), ["t11", "t10", "t9"]);
  });
});

describe("the queue", () => {
  it("has bins from the smallest files to the largest", () => {
    const distribution = { size_histogram: { from_bytes: 1024, counts: [2, 0, 3] } };
    assert.deepEqual(viewOf({ queue: { available: true, distribution } }).queue.bins,
      [{ from: 512, to: 1024, files: 2 }, { from: 2048, to: 4096, files: 3 }]);
  });

  it("has buckets in their order where an older version listed, unknown ones last", () => {
    const bucket = (count) => ({ count, total_bytes: 1, percentage: 2 });
    const { queue } = viewOf({ queue: { distribution: { size_buckets: {
      new: bucket(1), "1GB-10GB": bucket(2), "0-100MB": bucket(3) } } } });
    assert.deepEqual(queue.buckets.map((one) => one.name), ["0-100MB", "1GB-10GB", "new"]);
    assert.deepEqual(queue.bins.map((one) => one.files), [3, 2]);
  });
});

describe("a document that lacks everything", () => {
  for (const [what, document] of [
    ["empty", {}],
    ["with nothing in it", { uploaders: { google: {} } }],
    ["with null", { uploaders: { google: null }, facts: null }],
    ["with other kinds of values", { engine: 3, facts: "x", uploaders: { google: { active: "yes", phase: 5, session: [],
      progress: { transferring: [null, 1, "x"] }, accounts: { a: null }, plan: { stages: [null, 3], later: "x" },
      queue: { distribution: 4 }, capacity: "x", failures: [null], sessions: [null], eta: 7 } } }],
    ["with infinite and missing numbers", { uploaders: { google: uploader({ session: { bytes_total: NaN } }) } }],
  ]) {
    it(`is still a view: ${what}`, () => {
      const view = derive(document, "google", NOON, createMemory());
      const numbers = JSON.stringify(view, (_, value) => (Number.isNaN(value) ? "NaN" : value));
      assert.ok(!numbers.includes('"NaN"'), numbers);
      assert.equal(typeof view.session.id, "string");
      assert.ok(Array.isArray(view.accounts) && Array.isArray(view.plan.rows) && Array.isArray(view.facts));
    });
  }
});
