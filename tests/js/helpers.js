// A state document to begin with, and what makes a view of it.

import { derive } from "../../cloudplow_dashboard/static/js/derive.js";
import { createMemory } from "../../cloudplow_dashboard/static/js/derive/steady.js";

export const GIB = 2 ** 30;
/** 10 March 2026, 12:00 UTC. */
export const NOON = Date.UTC(2026, 2, 10, 12) / 1000;
export const HOUR = 3600;

/** An uploader in its third stage: 60 of 100 GiB are done, at 1 GiB/s. Parts given here change single members. */
export function uploader(parts = {}) {
  const base = {
    active: true,
    phase: "uploading",
    session: {
      id: "s1", started_at: NOON - 60, ended_at: 0, outcome: "", reason: "", dry_run: false, folder: "Media",
      remote: "gdrive:Media", stage: 3, stages_total: 4, account: "3.json", account_index: 2, accounts_total: 12,
      accounts_used: ["1.json", "2.json", "3.json"], switch_reason: "quota_used", files_done: 6, bytes_done: 60 * GIB,
      files_total: 10, bytes_total: 100 * GIB, files_failed: 0, files_left: 4, bytes_left: 40 * GIB,
      next_capacity_at: 0, recovered: false,
    },
    progress: { at: NOON, speed: GIB, transferring: {}, transferring_count: 0, checking: [], checking_count: 0 },
    eta: { speed_at: 0, quotas_at: 0 },
    plan: { made_at: 0, waiting_bytes: 0, stages: [], later: [], accounts: {} },
    queue: { available: false, files: 0, bytes: 0, distribution: {} },
    accounts: {},
    accounts_summary: { total: 0, used_bytes: 0, limit_bytes: 0, states: {} },
    capacity: { free_bytes: 0, used_bytes: 0, limit_bytes: 0, strip: [], strip_from: 0 },
    throttle: { active: false, limit: 0, streams: 0 },
    suspension: { active: false, reason: "", until: 0 },
    failures: {},
    failure_kinds: {},
    sessions: [],
  };
  for (const [name, value] of Object.entries(parts)) {
    const mixed = value !== null && typeof value === "object" && !Array.isArray(value);
    base[name] = mixed ? { ...base[name], ...value } : value;
  }
  base.figures = { ...figuresOf(base), ...parts.figures };
  return base;
}

/** What the server would say of these parts (`cloudplow_dashboard/state/figures.py`, in short). */
function figuresOf({ active, session, progress, eta, plan }) {
  const { bytes_total: total, bytes_done: done, bytes_left: left, outcome, started_at: began } = session ?? {};
  const waits = plan?.made_at ? Math.min(plan.waiting_bytes ?? 0, left) : 0;
  const all = outcome === "quota_used" && !plan?.made_at;
  const speed = progress?.speed || done / (NOON - began);
  const speedAt = eta?.speed_at || (speed > 0 ? NOON + left / speed : 0);
  return {
    percentage: total > 0 ? Math.floor(Math.min(1, done / total) * 1000) / 10 : outcome === "done" ? 100 : -1,
    average_speed: began ? done / ((session.ended_at || NOON) - began) : 0,
    finish_at: active ? (waits ? eta?.quotas_at : speedAt) || 0 : 0,
    quota_until: active && waits > 0 && waits < left && speedAt ? NOON + (speedAt - NOON) * (1 - waits / left) : 0,
    waiting_files: all ? session.files_left : plan?.waiting_files ?? 0,
    waiting_bytes: all ? left : waits,
    next_capacity_at: plan?.next_capacity_at || session?.next_capacity_at || 0,
    stale_since: 0,
  };
}

/** The view of one uploader called "google". */
export function viewOf(parts = {}, { now = NOON, memory = createMemory() } = {}) {
  return derive({ engine: "uploading", uploaders: { google: uploader(parts) }, facts: {} }, "google", now, memory);
}

/** An account of the document. */
export function account(index, state, used, limit = 750 * GIB) {
  return { index, state, why: "", used_bytes: used, in_flight_bytes: 0, unsettled_bytes: 0, limit_bytes: limit,
    resets_at: 0, until: 0 };
}
