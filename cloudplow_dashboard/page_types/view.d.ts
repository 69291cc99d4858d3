// What `derive` makes of the state document: all that panels show, in one spelling. Sizes are bytes, times epoch
// seconds, durations seconds; 0 for an unknown time, -1 for an unknown duration or share, "" for an unknown text.
// Global names, for the type checker only: nothing here is part of the page.

/** What one uploader does, and what is known beside it. */
interface View {
  name: string;
  /** False while there is no uploader at all. */
  known: boolean;
  now: number;
  engine: string;
  /** Of the times in the server's sentences, in seconds east of UTC. */
  utcOffset: number;
  /** Of the document, or what the scheduler says. */
  phase: string;
  /** Whether the scheduler says it: of an uploader that is idle, or of an upload in trouble. */
  told: boolean;
  idle: boolean;
  status: {
    state: string;
    why: string;
    until: number;
    nextCheckAt: number;
    thresholdBytes: number;
    waitingFiles: number;
    waitingBytes: number;
    checkedAt: number;
  };
  /** When something was last heard of an upload that is stalled, else 0. */
  silentSince: number;
  active: boolean;
  uploaders: UploaderCard[];
  session: Session;
  transfers: Transfer[];
  transfersTotal: number;
  checking: number;
  done: number;
  total: number;
  left: number;
  fraction: number;
  filesDone: number;
  filesTotal: number;
  filesLeft: number;
  seconds: number;
  speed: number;
  average: number;
  /** When the speed was measured. */
  sampleAt: number;
  /** Whether all that is left fits into the quota of now; else `waiting` bytes do not. */
  fits: boolean;
  waiting: number;
  eta: number;
  /** When this is done, or the quota used up: rounded, and steady. */
  finishAt: number;
  /** When all is done, waits for quota included; 0 when that is no later than `finishAt`. */
  finishWithQuotasAt: number;
  /** When more quota helps to go on, while that is to come. */
  nextCapacityAt: number;
  /** When something was last heard of an upload that has been quiet for more than 5 seconds, else 0. */
  staleSince: number;
  /** "running", "ended" (what is shown is its last state) or "none" (of an earlier one), and when it ended. */
  program: string;
  programEndedAt: number;
  /** What somebody limited the speed to, also while nothing runs; 0 for nothing. */
  limit: number;
  /** Receivers of notifications that could not be told something since the program started, the last one first. */
  unreached: { name: string; failed: number; error: string; at: number }[];
  queue: Queue;
  plan: Plan;
  rest: Rest;
  accounts: Account[];
  pool: Pool;
  capacity: Capacity;
  throttle: { active: boolean; limit: number; streams: number };
  suspension: { active: boolean; reason: string; until: number };
  /** By their reason, the most frequent first. */
  failureKinds: FailureKind[];
  /** Finished ones, newest first. */
  sessions: PastSession[];
  /** Newest first. */
  facts: Fact[];
}

/** One uploader beside the others. */
interface UploaderCard {
  name: string;
  active: boolean;
  phase: string;
  /** Why it is idle, if that is told. */
  why: string;
  outcome: string;
  dryRun: boolean;
  done: number;
  total: number;
  fraction: number;
  speed: number;
  /** When it will be done, rounded. */
  doneAt: number;
  endedAt: number;
  /** As of when its figures are, once they are old; since when nothing is heard of it; else 0. */
  staleSince: number;
  silentSince: number;
}

interface Session {
  /** False before the first session. */
  exists: boolean;
  id: string;
  startedAt: number;
  endedAt: number;
  outcome: string;
  reason: string;
  dryRun: boolean;
  recovered: boolean;
  folder: string;
  remote: string;
  stage: number;
  stagesTotal: number;
  account: string;
  accountIndex: number;
  accountsTotal: number;
  accountsUsed: string[];
  switchReason: string;
  filesDone: number;
  bytesDone: number;
  filesTotal: number;
  bytesTotal: number;
  filesFailed: number;
  filesLeft: number;
  bytesLeft: number;
  nextCapacityAt: number;
  /** Of a dry run: what its stages so far would have uploaded. */
  wouldGoFiles: number;
  wouldGoBytes: number;
  /** Of `bytesDone`, what belongs to files on their way. */
  bytesInFlight: number;
}

interface Transfer {
  key: string;
  name: string;
  size: number;
  done: number;
  speed: number;
  eta: number;
  fraction: number;
}

interface Queue {
  available: boolean;
  /** What is left. */
  files: number;
  bytes: number;
  /** What the last listing found, and what the sizes are about. */
  listedFiles: number;
  listedBytes: number;
  confidence: string;
  durationSeconds: number;
  learnedAt: number;
  maxFileSize: number;
  oldestModifiedAt: number;
  oldestFile: string;
  samples: number;
  /** In the order of RANKS. */
  percentiles: number[];
  buckets: { name: string; count: number; totalBytes: number; percentage: number }[];
  bins: { from: number; to: number; files: number }[];
}

interface Plan {
  madeAt: number;
  rows: PlanRow[];
  /** What the axis of time spans. */
  from: number;
  until: number;
  doneTotal: number;
  nextTotal: number;
  laterTotal: number;
}

/** One account with its stages. */
interface PlanRow {
  account: string;
  state: string;
  stages: Stage[];
  /** The stage that the row tells of. */
  head: Stage;
  files: number;
  bytes: number;
  doneStages: number;
  doneFiles: number;
  doneBytes: number;
  nowFiles: number;
  nowBytes: number;
  /** When the running stage will be done; 0 when unknown. */
  nowUntil: number;
  toComeStages: number;
  toComeFiles: number;
  toComeBytes: number;
  toComeFrom: number;
  toComeUntil: number;
}

interface Stage {
  key: number;
  stage: number;
  account: string;
  files: number;
  bytes: number;
  begin: number;
  end: number;
  state: string;
  oversized: boolean;
  /** How it ended; "" unless it is done. */
  outcome: string;
}

/** What does not fit into the quota of now. */
interface Rest {
  files: number;
  bytes: number;
  nextAt: number;
  unplannedFiles: number;
  unplannedBytes: number;
  unplannedWhy: string;
}

/** Of a quota: what is charged, what is on its way, what may have arrived; and all that is no longer free. */
interface Spent {
  used: number;
  inFlight: number;
  unsettled: number;
  spent: number;
}

interface Account extends Spent {
  name: string;
  index: number;
  state: string;
  why: string;
  until: number;
  limit: number;
  /** How much of it is spent. */
  fraction: number;
  resetsAt: number;
}

interface Pool extends Spent {
  total: number;
  limit: number;
  /** The limit of every account, 0 when unknown or not the same. */
  each: number;
  mixed: boolean;
  /** How many are in which state; none that no account is in. */
  states: { state: string; count: number }[];
}

interface Capacity extends Spent {
  /** Whether anything is known of the quota. */
  known: boolean;
  free: number;
  limit: number;
  nextAt: number;
  nextBytes: number;
  /** When the first hour begins, and what comes back in each of 24. */
  from: number;
  hours: number[];
  within: number;
  later: number;
}

/** Failures with the same reason: the last of them, and how many there are. */
interface FailureKind {
  key: string;
  at: number;
  name: string;
  error: string;
  account: string;
  stage: number;
  count: number;
}

interface PastSession {
  key: string;
  startedAt: number;
  seconds: number;
  outcome: string;
  reason: string;
  dryRun: boolean;
  filesDone: number;
  bytesDone: number;
  filesFailed: number;
  filesLeft: number;
  wouldGoFiles: number;
  wouldGoBytes: number;
  /** How many it was, as quota came back. */
  sessions: number;
}

interface Fact {
  seq: number;
  at: number;
  uploader: string;
  kind: string;
  text: string;
}

/** What must not jump between two documents of the same session. */
interface Memory {
  session: string;
  finishAt: number;
}

/** Part of a sentence; {data} is what comes from outside. */
type Part = string | { data: string };

/** Draws a panel. */
type Update = (view: View) => void;

/** The state of the connection; contactAt: epoch milliseconds of the last sign of life. */
interface Status {
  mode: "connecting" | "live" | "reconnecting" | "polling" | "closed";
  contactAt: number;
}

/** started_at as startedAt. */
type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : Name;
type Spelled<T> = { [Key in keyof T as Camel<Key & string>]: T[Key] };
