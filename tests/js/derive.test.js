// From the document to the view: what is steady, what waits, what is known of the quotas.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { derive } from "../../cloudplow_dashboard/static/js/derive.js";
import { chosenAccounts, readAccountRow } from "../../cloudplow_dashboard/static/js/derive/accounts.js";
import { createMemory, roundedFinish } from "../../cloudplow_dashboard/static/js/derive/steady.js";
import { chosenUploader } from "../../cloudplow_dashboard/static/js/derive/uploaders.js";
import { account, GIB, HOUR, NOON, uploader, viewOf } from "./helpers.js";

const file = (name, size, bytes, speed = 0) => ({ name, size, bytes, speed, eta_seconds: -1, percentage: 0 });

describe("what is done", () => {
  it("holds what has arrived of files on their way, as the server counts it", () => {
    assert.equal(viewOf({ session: { bytes_left: 35 * GIB } }).done, 65 * GIB);
  });

  it("adds the files on their way itself where the server does not", () => {
    const transferring = { 1: file("a", 10 * GIB, 4 * GIB), 2: file("b", 10 * GIB, GIB) };
    assert.equal(viewOf({ session: { bytes_left: 0 }, progress: { transferring } }).done, 65 * GIB);
  });

  it("does not fall at the moment at which a file ends, but follows when it lasts", () => {
    const memory = createMemory();
    const done = (left, now) => viewOf({ session: { bytes_left: left * GIB } }, { now, memory }).done / GIB;
    assert.equal(done(30, NOON), 70);
    assert.equal(done(38, NOON + 1), 70);
    assert.equal(done(38, NOON + 7), 70);
    assert.equal(done(38, NOON + 7.5), 62);
    assert.equal(done(36, NOON + 8), 64);
  });

  it("begins anew with another session", () => {
    const memory = createMemory();
    viewOf({ session: { bytes_left: 10 * GIB } }, { memory });
    const next = { id: "s2", bytes_done: 0, bytes_left: 99 * GIB, files_done: 0 };
    assert.equal(viewOf({ session: next }, { memory }).done, GIB);
  });

  it("is never more than all, and its share is unknown without a total", () => {
    assert.equal(viewOf({ session: { bytes_done: 101 * GIB, bytes_left: 0 } }).fraction, 1);
    const nothing = { bytes_total: 0, bytes_done: 0, files_total: 0, files_done: 0, bytes_left: 0 };
    assert.equal(viewOf({ session: nothing }).fraction, -1);
    assert.equal(viewOf({ active: false, session: { ...nothing, outcome: "done" } }).fraction, 1);
  });

  it("comes from rclone where no session is known", () => {
    const view = viewOf({ session: {
      bytes_total: 0, bytes_done: 0, files_total: 0, files_done: 0, bytes_left: 0 },
    progress: { bytes: 3, total_bytes: 12, files: 1, total_files: 4 } });
    assert.deepEqual([view.done, view.total, view.filesDone, view.filesTotal], [3, 12, 1, 4]);
  });
});

describe("speed", () => {
  it("is rclone's, else the sum of the files, and none when nothing runs", () => {
    const transferring = { 1: file("a", 9, 1, 5), 2: file("b", 9, 1, 7) };
    assert.equal(viewOf({ progress: { speed: 9, transferring } }).speed, 9);
    assert.equal(viewOf({ progress: { speed: 0, transferring } }).speed, 12);
    assert.equal(viewOf({ active: false, progress: { speed: 9 } }).speed, 0);
  });

  it("is on average what was done in the time of the session", () => {
    assert.equal(viewOf().average, GIB);
    assert.equal(viewOf({ session: { started_at: NOON - 0.5 } }).average, 0);
    assert.equal(viewOf({ session: { started_at: 0 } }).seconds, -1);
    assert.equal(viewOf({ active: false, session: { ended_at: NOON - 30 } }).seconds, 30);
  });
});

describe("the time left", () => {
  const eta = (parts, options) => viewOf(parts, options).eta;

  it("is the server's, else what is left by the speed", () => {
    assert.equal(eta({ eta: { speed_at: NOON + 500 } }), 500);
    assert.equal(eta({ eta: { speed_at: NOON - 1 } }), 40);
    assert.equal(eta({ progress: { speed: 0 } }), 40, "by the average");
  });

  it("is unknown in the first seconds, and when nothing runs", () => {
    assert.equal(eta({ session: { started_at: NOON - 2 } }), -1);
    assert.equal(eta({ active: false }), -1);
  });

  it("follows small changes of the speed slowly, and large ones at once", () => {
    const memory = createMemory();
    const at = (second, speed) => eta({ progress: { speed } }, { now: NOON + second, memory });
    assert.equal(at(0, GIB), 40);
    const small = at(1, GIB / 1.2);
    assert.ok(small > 39 && small < 42, `${small}`);
    assert.equal(at(2, GIB / 4), 160);
  });

  it("is that of the quota when not all fits", () => {
    assert.equal(eta({ plan: { made_at: 1, waiting_bytes: 10 * GIB } }), 30);
    assert.equal(eta({ plan: { made_at: 1, waiting_bytes: 90 * GIB } }), 0);
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

  it("has a second end only when that is later", () => {
    const plan = { made_at: 1, waiting_bytes: 10 * GIB };
    assert.equal(viewOf({ plan, eta: { quotas_at: NOON + 5 * HOUR + 1 } }).finishWithQuotasAt, NOON + 5 * HOUR + 900);
    assert.equal(viewOf({ plan, eta: { quotas_at: NOON + 1 } }).finishWithQuotasAt, 0);
    assert.equal(viewOf({ eta: { quotas_at: NOON + 5 * HOUR } }).finishWithQuotasAt, 0, "everything fits");
  });
});

describe("what waits", () => {
  const capacity = (free) => ({ capacity: { free_bytes: free * GIB, limit_bytes: 750 * GIB } });
  const rows = { "1.json": account(0, "active", 700 * GIB) };

  it("is what the plan says, and no more than is left", () => {
    const view = viewOf({ plan: { made_at: 1, waiting_bytes: 5 * GIB, unplanned_bytes: 3 * GIB } });
    assert.deepEqual([view.waiting, view.fits], [5 * GIB, false]);
    assert.equal(viewOf({ plan: { made_at: 1, waiting_bytes: 500 * GIB } }).waiting, 40 * GIB);
  });

  it("is by what is free where there is no plan", () => {
    assert.equal(viewOf({ ...capacity(30), accounts: rows }).waiting, 10 * GIB);
    assert.equal(viewOf({ ...capacity(50), accounts: rows }).fits, true);
  });

  it("is nothing while the quota is not known", () => {
    assert.equal(viewOf().waiting, 0);
    const unknown = { ...rows, "2.json": account(1, "ready", 0, 0) };
    assert.equal(viewOf({ ...capacity(0), accounts: unknown }).waiting, 0);
  });

  it("has its sums and its time for the panels", () => {
    const plan = { made_at: 1, waiting_files: 4, waiting_bytes: 9, unplanned_files: 1, unplanned_bytes: 2,
      unplanned_why: "it is too large", next_capacity_at: 7 };
    assert.deepEqual(viewOf({ plan }).rest,
      { files: 4, bytes: 9, nextAt: 7, unplannedFiles: 1, unplannedBytes: 2, unplannedWhy: "it is too large" });
  });

  it("is after a restart what the session left", () => {
    const session = { outcome: "quota_used", ended_at: NOON, next_capacity_at: NOON + 9 };
    const { files, bytes, nextAt } = viewOf({ active: false, session }).rest;
    assert.deepEqual([files, bytes, nextAt], [4, 40 * GIB, NOON + 9]);
    assert.equal(viewOf({ active: false, session: { ...session, outcome: "done" } }).rest.files, 0);
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

  it("has free what is not spent where the server does not say it", () => {
    const summary = { total: 1, used_bytes: 5, in_flight_bytes: 2, unsettled_bytes: 1, limit_bytes: 10 };
    const view = viewOf({ accounts_summary: summary, capacity: null });
    assert.deepEqual([view.pool.spent, view.capacity.free], [8, 2]);
  });

  it("is unknown without numbers", () => {
    const { capacity } = viewOf({ capacity: { strip: ["x", -1] } });
    assert.equal(capacity.known, false);
    assert.equal(capacity.within, 0);
  });
});

describe("the plan", () => {
  const stage = (state, accountName, more = {}) => (
    { stage: 0, account: accountName, files: 1, bytes: 10 * GIB, starts_at: 0, oversized: false, state, ...more });

  it("puts stages one after the other, by the speed of now", () => {
    const { plan } = viewOf({ plan: { made_at: 1, stages: [
      stage("done", "1.json", { starts_at: NOON - 50 }),
      stage("running", "2.json", { starts_at: NOON - 5 }),
      stage("next", "3.json"),
    ], later: [stage("waiting", "1.json", { starts_at: NOON + HOUR })] } });
    const times = plan.rows.flatMap((row) => row.stages).sort((a, b) => a.key - b.key)
      .map((one) => [one.begin - NOON, one.end - NOON]);
    assert.deepEqual(times, [[-50, -5], [-5, 6], [6, 16], [HOUR, HOUR + 10]]);
    assert.deepEqual([plan.from - NOON, plan.until - NOON], [-50, HOUR + 10]);
  });

  it("has a row for each account that tells of what comes first", () => {
    const { plan } = viewOf({ plan: { made_at: 1, stages: [
      stage("done", "1.json"), stage("done", "1.json"), stage("running", "2.json", { stage: 7 }), stage("next", "1.json"),
    ] } });
    assert.deepEqual(plan.rows.map((row) => [row.account, row.state, row.files, row.stages.length, row.head.state]),
      [["1.json", "next", 3, 3, "next"], ["2.json", "running", 1, 1, "running"]]);
  });

  it("spans a minute when there is nothing in it", () => {
    const { plan } = viewOf();
    assert.deepEqual([plan.rows, plan.until - plan.from], [[], 60]);
  });
});

describe("all uploaders", () => {
  const document = { uploaders: {
    b: uploader({ active: false, phase: "finished", session: { outcome: "done", ended_at: NOON, bytes_left: 0 } }),
    a10: uploader({ eta: { speed_at: NOON + 1, quotas_at: NOON + 301 } }),
    a9: null,
  } };

  it("are chosen by name, else the first active one", () => {
    assert.equal(chosenUploader(document, "b"), "b");
    assert.equal(chosenUploader(document, "gone"), "a10");
    assert.equal(chosenUploader(document, "constructor"), "a10");
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
