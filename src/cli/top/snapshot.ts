import type { Browser } from '../../client/browser';
import type { Capacity, Worker } from '../../client/fleet';
import type { Session } from '../../client/session';
import { MetricsPage } from './metrics-text';

/** What is shown of a service at one moment. Null: the service does not say. */
export interface Snapshot {
  readonly capacity: Capacity;
  readonly workers: readonly Worker[];
  /** Live ones, the newest first. */
  readonly sessions: readonly Session[];
  /** Retained sessions by status. */
  readonly counts: Readonly<Record<string, number>>;
  /** Of the API process that answered, since it was started. */
  readonly timeoutLatenessP99Seconds: number | null;
  readonly startP95Seconds: number | null;
  readonly sweepRepairs: number | null;
  readonly cdpConnections: number | null;
  /** Jobs that wait or are being worked on, by queue. */
  readonly queues: Readonly<Record<string, number>>;
  /** What has ended today, in UTC, by end reason. */
  readonly endedToday: Readonly<Record<string, number>>;
}

const ATTEMPT_TIMEOUT_MS = 3_000;
const PENDING = ['waiting', 'wait', 'active', 'prioritized'];

/**
 * Reads everything at once, each part in one attempt.
 *
 * @param today - such as `2030-01-31`
 * @throws HoldfastError if the service does not answer.
 */
export async function readSnapshot(
  client: Browser,
  { limit, today, signal }: { readonly limit: number; readonly today: string; readonly signal?: AbortSignal },
): Promise<Snapshot> {
  const request = { signal, timeoutMs: ATTEMPT_TIMEOUT_MS, maxRetries: 0 };
  const [capacity, workers, { sessions }, text, usage] = await Promise.all([
    client.capacity(request),
    client.workers.list(request),
    client.sessions.list({ ...request, status: 'live', limit }),
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
    ...figuresOf(new MetricsPage(text)),
  };
}

function figuresOf(page: MetricsPage): Omit<Snapshot, 'capacity' | 'workers' | 'sessions' | 'endedToday'> {
  return {
    counts: sumBy(page, 'holdfast_sessions', 'status'),
    timeoutLatenessP99Seconds: page.quantile('holdfast_timeout_lateness_seconds', 0.99),
    startP95Seconds: page.quantile('holdfast_session_start_duration_seconds', 0.95),
    sweepRepairs: page.sum('holdfast_sweep_repairs_total'),
    cdpConnections: page.sum('holdfast_cdp_connections'),
    queues: sumBy(page, 'holdfast_queue_jobs', 'queue', ({ state = '' }) => PENDING.includes(state)),
  };
}

function sumBy(
  page: MetricsPage,
  metric: string,
  label: string,
  counts: (labels: Readonly<Record<string, string>>) => boolean = () => true,
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { labels, value } of page.samples(metric)) {
    const key = labels[label];
    if (key !== undefined && counts(labels)) sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}
