import type { Browser } from '../../client/browser';
import type { Capacity, Worker } from '../../client/fleet';
import type { Session } from '../../client/session';
import { MetricsPage } from './metrics-text';
import { timingsOf, type Timings } from './timings';

/** Jobs of one queue. */
export interface QueueFigures {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  /** Age of the job that has waited longest; 0 if none waits. */
  readonly oldestWaitingSeconds: number;
}

/** The state of a service at one moment. Null: the service does not report it. */
export interface Snapshot extends Timings {
  readonly capacity: Capacity;
  readonly workers: readonly Worker[];
  /** Live sessions, the newest first. */
  readonly sessions: readonly Session[];
  /** Retained sessions by status. */
  readonly counts: Readonly<Record<string, number>>;
  /** Deadlines that are overdue. */
  readonly overdue: number | null;
  /** Browsers of ended sessions that still run, and effects that were not enqueued. */
  readonly leftBehind: number | null;
  readonly quarantined: number | null;
  readonly redisMemoryUsedBytes: number | null;
  readonly redisMemoryMaxBytes: number | null;
  /** Repairs by sweeps of the API process that answered; the next two are of the same process. */
  readonly sweepRepairs: number | null;
  readonly cdpConnections: number | null;
  readonly eventStreams: number | null;
  readonly queues: Readonly<Record<string, QueueFigures>>;
  /** Sessions that ended today, in UTC, by end reason. */
  readonly endedToday: Readonly<Record<string, number>>;
}

/** What {@link readSnapshot} reads. */
export interface SnapshotOptions {
  /** How many live sessions to read. */
  readonly limit: number;
  readonly nowMs: number;
  readonly signal?: AbortSignal;
}

const ATTEMPT_TIMEOUT_MS = 3_000;

/** Timings are computed from the newest sessions of this time, like the dashboards' last hour. */
const TIMINGS_WINDOW_MS = 3_600_000;
const TIMINGS_MAX = 50;

/**
 * Reads everything at once, each part in one attempt.
 *
 * @throws HoldfastError if the service does not answer.
 */
export async function readSnapshot(
  client: Browser,
  { limit, nowMs, signal }: SnapshotOptions,
): Promise<Snapshot> {
  const request = { signal, timeoutMs: ATTEMPT_TIMEOUT_MS, maxRetries: 0 };
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const recent = { ...request, createdAfter: new Date(nowMs - TIMINGS_WINDOW_MS), limit: TIMINGS_MAX };
  const [capacity, workers, { sessions }, started, timedOut, text, usage] = await Promise.all([
    client.capacity(request),
    client.workers.list(request),
    client.sessions.list({ ...request, status: 'live', limit }),
    client.sessions.list(recent),
    client.sessions.list({ ...recent, status: 'timed_out' }),
    client.metrics(request),
    client.usage({ ...request, from: today, to: today }),
  ]);
  return {
    capacity,
    workers,
    sessions,
    endedToday: Object.fromEntries(
      usage.days.flatMap(({ byEndReason }) =>
        Object.entries(byEndReason).map(([reason, { sessions: count }]) => [reason, count]),
      ),
    ),
    ...timingsOf(started.sessions, timedOut.sessions),
    ...figuresOf(new MetricsPage(text)),
  };
}

type Figures = Omit<Snapshot, keyof Timings | 'capacity' | 'workers' | 'sessions' | 'endedToday'>;

function figuresOf(page: MetricsPage): Figures {
  return {
    counts: Object.fromEntries(
      page.samples('holdfast_sessions').map(({ labels, value }) => [labels['status'] ?? '', value]),
    ),
    overdue: page.sum('holdfast_timeouts_overdue'),
    leftBehind: page.sum('holdfast_orphans'),
    quarantined: page.sum('holdfast_quarantined_jobs'),
    redisMemoryUsedBytes: page.sum('holdfast_redis_memory_used_bytes'),
    redisMemoryMaxBytes: page.sum('holdfast_redis_memory_max_bytes'),
    sweepRepairs: page.sum('holdfast_sweep_repairs_total'),
    cdpConnections: page.sum('holdfast_cdp_connections'),
    eventStreams: page.sum('holdfast_event_streams'),
    queues: queuesOf(page),
  };
}

function queuesOf(page: MetricsPage): Record<string, QueueFigures> {
  const oldest = page.samples('holdfast_queue_oldest_waiting_seconds');
  return Object.fromEntries(
    oldest.map(({ labels: { queue = '' }, value }) => {
      const jobs = (state: string): number => page.sum('holdfast_queue_jobs', { queue, state }) ?? 0;
      const figures = { waiting: jobs('waiting'), active: jobs('active'), delayed: jobs('delayed') };
      return [queue, { ...figures, oldestWaitingSeconds: value }];
    }),
  );
}
