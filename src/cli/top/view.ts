import type { Paint } from '../colours';
import { clip, harmless } from '../columns';
import { workersView } from '../commands/workers';
import { labelsOf, NOTHING, expiryOf } from '../commands/sessions/views';
import { formatAge } from '../durations';
import { tableLines, type Column } from '../output';
import type { Session } from '../../client/session';
import { RATES_WINDOW_MS, type Rates } from './rates';
import type { Snapshot } from './snapshot';

/** The state at one moment. */
export interface TopState {
  /** Null: the service was not reached yet. */
  readonly snapshot: Snapshot | null;
  /** Null: there are no counts yet. */
  readonly rates: Rates | null;
  /** The current error of the service, and since when. */
  readonly outage: { readonly message: string; readonly sinceMs: number } | null;
}

/** The size and colours of the output. */
export interface TopFrame {
  readonly nowMs: number;
  readonly paint: Paint;
  /** Null: no limit. */
  readonly columns: number | null;
  readonly rows: number | null;
}

/** The lines of a frame: the installation, its workers, its newest live sessions; within the size of the frame. */
export function renderTop({ snapshot, rates, outage }: TopState, frame: TopFrame): string[] {
  const { paint, columns, rows, nowMs } = frame;
  const short = (line: string, taken = 0): string =>
    columns === null ? line : clip(line, Math.max(0, columns - taken));
  const lines: string[] = [];
  if (outage !== null) {
    lines.push(paint('red', short(`${harmless(outage.message)} (for ${formatAge(nowMs - outage.sinceMs)})`)));
  }
  if (snapshot !== null) {
    for (const [title, text] of headerOf(snapshot, rates)) {
      lines.push(paint('dim', title.padEnd(TITLE_WIDTH)) + short(text, TITLE_WIDTH));
    }
    lines.push('', ...tableLines({ width: columns, paint }, snapshot.workers, workersView(nowMs)));
    const shown = { columns: sessionColumns(nowMs) };
    lines.push('', ...tableLines({ width: columns, paint }, snapshot.sessions, shown));
  }
  return rows === null ? lines : lines.slice(0, rows);
}

const TITLE_WIDTH = 12;

function headerOf(snapshot: Snapshot, rates: Rates | null): [string, string][] {
  const { capacity, counts, endedToday, overdue, leftBehind, sweepRepairs } = snapshot;
  const { slots, used, free, warm, asleep, queued } = capacity;
  const live = counts['live'] ?? NOTHING;
  const clients = orNothing(snapshot.cdpConnections);
  const streams = orNothing(snapshot.eventStreams);
  const lateness = seconds(snapshot.timeoutLatenessP99Seconds);
  const start = seconds(snapshot.startP95Seconds);
  return [
    [
      'slots',
      `${used}/${slots} used, ${asleep} asleep, ${free} free, ${warm} warm   queued ${queued}   live ${live}   clients ${clients}   streams ${streams}`,
    ],
    [
      `last ${formatAge(rates?.windowMs ?? RATES_WINDOW_MS)}`,
      rates === null ? NOTHING : `created ${rates.created}   ended ${sentence(rates.ended)}`,
    ],
    ['today', `ended ${sentence(endedToday)}`],
    ['timers', `start ${start} (p95)   late by ${lateness} (p99)   overdue ${orNothing(overdue)}`],
    [
      'health',
      `sweeps repaired ${orNothing(sweepRepairs)}   left behind ${orNothing(leftBehind)}   Redis ${redisOf(snapshot)}`,
    ],
    ['queues', queuesOf(snapshot)],
  ];
}

/* `launch 3 (12s)   sessions 0 …   quarantined 0`: waiting jobs, and the age of the oldest. */
function queuesOf({ queues, quarantined }: Snapshot): string {
  const waiting = Object.entries(queues).map(([queue, { waiting: jobs, oldestWaitingSeconds }]) =>
    jobs === 0 ? `${queue} 0` : `${queue} ${jobs} (${formatAge(oldestWaitingSeconds * 1_000)})`,
  );
  return [...waiting, `quarantined ${orNothing(quarantined)}`].join('   ');
}

function redisOf({ redisMemoryUsedBytes: used, redisMemoryMaxBytes: max }: Snapshot): string {
  if (used === null) return NOTHING;
  const megabytes = `${Math.round(used / 1_048_576)} MiB`;
  return max === null || max === 0 ? megabytes : `${megabytes} (${Math.round((used / max) * 100)} %)`;
}

function sessionColumns(nowMs: number): Column<Session>[] {
  return [
    { title: 'SESSION', of: ({ id }) => id, isId: true },
    {
      title: 'LIVE FOR',
      of: ({ liveAt }) => (liveAt === null ? NOTHING : formatAge(nowMs - Date.parse(liveAt))),
    },
    { title: 'EXPIRES IN', of: session => expiryOf(session, nowMs) },
    { title: 'WORKER', of: ({ workerId }) => workerId?.slice(0, 8) ?? NOTHING },
    { title: 'NAME', of: ({ name }) => name ?? NOTHING, minWidth: 6 },
    { title: 'LABELS', of: ({ labels }) => labelsOf(labels), minWidth: 6 },
  ];
}

/* `12: session_timeout 8, released_by_client 4`, the most frequent first. */
function sentence(byReason: Readonly<Record<string, number>>): string {
  const reasons = Object.entries(byReason).sort(([, a], [, b]) => b - a);
  const total = reasons.reduce((sum, [, count]) => sum + count, 0);
  return total === 0 ? '0' : `${total}: ${reasons.map(([reason, count]) => `${reason} ${count}`).join(', ')}`;
}

const orNothing = (value: number | null): string => (value === null ? NOTHING : String(value));

const seconds = (value: number | null): string =>
  value === null ? NOTHING : value < 1 ? `${Math.round(value * 1_000)}ms` : `${value.toFixed(1)}s`;
