// @ts-check
// From the document to what the panels show: every value has one name and one meaning here, and no panel looks at the
// document itself. No elements; `page_types/view.d.ts` says what is in a view.

import { readAccounts, readCapacity, readPool } from "./derive/accounts.js";
import { readFacts, readKinds, readSessions, readUnreached } from "./derive/past.js";
import { readPlan, readRest } from "./derive/plan.js";
import { readQueue } from "./derive/queue.js";
import { readAmounts, readPace, readSession, readSuspension, readTransfers } from "./derive/session.js";
import { readEnds } from "./derive/steady.js";
import { readCards, readStatus } from "./derive/uploaders.js";
import { list, num, obj, read, str } from "./read.js";

/**
 * Everything about one uploader. now: epoch seconds by the server's clock; memory: of this uploader.
 * @param {Partial<StateDocument>} document
 * @param {string} name
 * @param {number} now
 * @param {Memory} memory
 * @returns {View}
 */
export function derive(document, name, now, memory) {
  const uploader = obj(obj(document.uploaders)[name]);
  const progress = obj(uploader.progress);
  const session = readSession(uploader.session);
  const active = uploader.active === true;
  const transfers = readTransfers(progress, session.id);
  const { figures } = uploader;
  const status = readStatus(uploader);
  const accounts = readAccounts(uploader.accounts);
  const pool = readPool(uploader.accounts_summary, accounts);
  const capacity = readCapacity(uploader.capacity, now);
  // Seconds for a byte, as the server has them.
  const pace = Math.max(0, num(obj(uploader.eta).speed_at) - now) / Math.max(1, session.bytesLeft);
  return {
    name,
    known: name !== "",
    now,
    engine: str(document.engine, "idle"),
    utcOffset: num(document.utc_offset_seconds, -60 * new Date(now * 1000).getTimezoneOffset()),
    ...status,
    silentSince: num(progress.silent_since),
    active,
    uploaders: readCards(document.uploaders),
    session,
    transfers,
    transfersTotal: Math.max(transfers.length, num(progress.transferring_count)),
    checking: list(progress.checking).length && num(progress.checking_count, list(progress.checking).length),
    ...readAmounts(session, figures),
    ...readPace(session, progress, figures, active, now),
    ...readEnds(figures, session, active, now, memory),
    nextCapacityAt: num(obj(figures).next_capacity_at),
    staleSince: num(obj(figures).stale_since),
    program: str(document.program, "running"),
    programEndedAt: num(document.program_ended_at),
    limit: num(document.limit),
    unreached: readUnreached(document.notifications),
    queue: readQueue(uploader.queue),
    plan: readPlan(uploader.plan, now, pace, status.phase === "stopping"),
    rest: readRest(uploader.plan, figures, session),
    accounts,
    pool,
    capacity,
    throttle: read(uploader.throttle, { active: false, limit: 0, streams: 0 }),
    suspension: readSuspension(uploader.suspension, session),
    failureKinds: readKinds(uploader.failure_kinds),
    sessions: readSessions(uploader.sessions),
    facts: readFacts(document.facts),
  };
}
