// The state document as `/api/state` and the stream send it; see docs/architecture.md. Sizes are bytes, times epoch
// seconds; an unknown time is 0, unknown seconds are -1, an unknown text is "".
// Global names, for the type checker only: nothing here is part of the page. A test compares them with the server's.

interface StateDocument {
  version: number;
  boot: string;
  ts: number;
  refresh_interval: number;
  app_version: string;
  utc_offset_seconds: number;
  engine: string;
  program: string;
  program_ended_at: number;
  focus: string;
  limit: number;
  recovered: boolean;
  notifications_failed: number;
  notifications: Record<string, { failed: number; error: string; at: number }>;
  uploaders: Record<string, UploaderDocument>;
  facts: Record<string, FactDocument>;
}

/** A merge patch: any part of the document, null for what goes. */
type StatePatch = { version?: number; ts?: number; boot?: string } & Record<string, unknown>;

interface UploaderDocument {
  active: boolean;
  phase: string;
  status: StatusDocument;
  session: SessionDocument;
  progress: ProgressDocument;
  eta: EtaDocument;
  figures: FiguresDocument;
  queue: QueueDocument;
  plan: PlanDocument;
  accounts: Record<string, AccountDocument>;
  accounts_summary: AccountsSummaryDocument;
  capacity: CapacityDocument;
  throttle: ThrottleDocument;
  suspension: SuspensionDocument;
  failures: Record<string, FailureDocument>;
  failure_kinds: Record<string, FailureKindDocument>;
  sessions: PastSessionDocument[];
}

interface StatusDocument {
  state: string;
  why: string;
  until: number;
  next_check_at: number;
  threshold_bytes: number;
  waiting_files: number;
  waiting_bytes: number;
  checked_at: number;
}

interface SessionDocument {
  id: string;
  run_id: string;
  started_at: number;
  ended_at: number;
  outcome: string;
  reason: string;
  dry_run: boolean;
  folder: string;
  remote: string;
  stage: number;
  stages_total: number;
  account: string;
  account_index: number;
  accounts_total: number;
  accounts_used: string[];
  switch_reason: string;
  files_done: number;
  bytes_done: number;
  files_total: number;
  bytes_total: number;
  files_failed: number;
  files_left: number;
  bytes_left: number;
  next_capacity_at: number;
  would_go_files: number;
  would_go_bytes: number;
  bytes_in_flight: number;
  recovered: boolean;
}

interface ProgressDocument {
  at: number;
  bytes: number;
  total_bytes: number;
  speed: number;
  eta_seconds: number;
  files: number;
  total_files: number;
  errors: number;
  transferring_count: number;
  checking_count: number;
  silent_since: number;
  transferring: Record<string, TransferDocument>;
  checking: string[];
}

interface TransferDocument {
  name: string;
  size: number;
  bytes: number;
  speed: number;
  eta_seconds: number;
  percentage: number;
}

interface EtaDocument {
  speed_at: number;
  quotas_at: number;
}

/** Computed by the server, nowhere else; see docs/api.md. */
interface FiguresDocument {
  percentage: number;
  average_speed: number;
  finish_at: number;
  quota_until: number;
  waiting_files: number;
  waiting_bytes: number;
  next_capacity_at: number;
  stale_since: number;
}

interface QueueDocument {
  available: boolean;
  files: number;
  bytes: number;
  listed_files: number;
  listed_bytes: number;
  source: string;
  confidence: string;
  duration_seconds: number;
  learned_at: number;
  distribution: DistributionDocument;
}

/** Of `cloudplow.distribution`; only what the page reads. */
interface DistributionDocument {
  max_file_size: number;
  oldest_modified_at: number;
  oldest_file: string;
  percentiles: Record<string, number>;
  size_buckets: Record<string, { count: number; total_bytes: number; percentage: number }>;
  size_histogram: { from_bytes: number; counts: number[] };
  metadata: { sample_count: number };
}

interface PlanDocument {
  made_at: number;
  files: number;
  bytes: number;
  waiting_files: number;
  waiting_bytes: number;
  unplanned_files: number;
  unplanned_bytes: number;
  unplanned_why: string;
  next_capacity_at: number;
  stages: StageDocument[];
  later: StageDocument[];
  accounts: Record<string, PlanAccountDocument>;
  done_total: number;
  next_total: number;
  later_total: number;
}

interface PlanAccountDocument {
  state: string;
  done_stages: number;
  done_files: number;
  done_bytes: number;
  now_files: number;
  now_bytes: number;
  now_until: number;
  to_come_stages: number;
  to_come_files: number;
  to_come_bytes: number;
  to_come_from: number;
  to_come_until: number;
}

interface StageDocument {
  stage: number;
  account: string;
  files: number;
  bytes: number;
  starts_at: number;
  ended_at: number;
  oversized: boolean;
  state: string;
  outcome: string;
}

interface AccountDocument {
  index: number;
  state: string;
  why: string;
  used_bytes: number;
  in_flight_bytes: number;
  unsettled_bytes: number;
  free_bytes: number;
  limit_bytes: number;
  resets_at: number;
  until: number;
}

interface AccountsSummaryDocument {
  total: number;
  used_bytes: number;
  in_flight_bytes: number;
  unsettled_bytes: number;
  limit_bytes: number;
  states: Record<string, number>;
}

interface CapacityDocument {
  free_bytes: number;
  blocked_bytes: number;
  used_bytes: number;
  in_flight_bytes: number;
  unsettled_bytes: number;
  limit_bytes: number;
  next_return_at: number;
  next_return_bytes: number;
  strip_from: number;
  strip: number[];
  later_bytes: number;
}

interface ThrottleDocument {
  active: boolean;
  limit: number;
  streams: number;
}

interface SuspensionDocument {
  active: boolean;
  reason: string;
  until: number;
}

interface FailureDocument {
  at: number;
  name: string;
  error: string;
  account: string;
  stage: number;
}

/** error: "" for the reasons that are not told apart. */
interface FailureKindDocument extends FailureDocument {
  count: number;
}

interface PastSessionDocument {
  id: string;
  run_id: string;
  started_at: number;
  ended_at: number;
  outcome: string;
  reason: string;
  dry_run: boolean;
  folder: string;
  remote: string;
  stage: number;
  files_done: number;
  bytes_done: number;
  files_failed: number;
  files_left: number;
  bytes_left: number;
  next_capacity_at: number;
  would_go_files: number;
  would_go_bytes: number;
  accounts_used: number;
  sessions: number;
}

interface FactDocument {
  seq: number;
  at: number;
  uploader: string;
  kind: string;
  text: string;
}

/** A row of `/api/service_accounts`; only what the page reads. */
interface AccountRowDocument {
  sa_file: string;
  index: number;
  state: string;
  why: string;
  used_bytes: number;
  in_flight_bytes: number;
  unsettled_bytes: number;
  quota_bytes: number;
  reset_time: number;
  until: number;
}

/** The answer of `/api/history`; only what the page reads. */
interface HistoryDocument {
  until: number;
  step: number;
  points: [number, number][];
  /** By uploader, then by account: (beginning of the day, bytes). */
  accounts: Record<string, Record<string, [number, number][]>>;
}
