import { isDeepStrictEqual } from 'node:util';
import type { EventView, SessionView } from '../support/installation';
import type { ClientCall, CreateCall, FinalSession, Recording, SessionCall, Visit } from './recording';

type Status = SessionView['status'];

/** A broken invariant: which one, of which session, and what was seen. */
export interface Violation {
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I10' | 'I14' | 'I22';
  readonly session: string | null;
  readonly what: string;
}

/** The public states that each event may lead to, by state. Written by hand: the machine must not check itself. */
const EDGES: Readonly<Record<string, Readonly<Partial<Record<Status, readonly Status[]>>>>> = {
  claim: { created: ['created'] },
  browser_ready: { created: ['live'] },
  launch_failed: { created: ['created', 'failed'] },
  browser_gone: { created: ['created', 'failed'], live: ['released', 'failed'] },
  adopt: { live: ['live'] },
  worker_lost: { created: ['created', 'failed'], live: ['failed'] },
  release: { created: ['released'], live: ['released'] },
  timeout: { created: ['created', 'failed'], live: ['timed_out'] },
};

/** Every end reason, by the state that it belongs to. */
const REASONS: Readonly<Partial<Record<Status, readonly string[]>>> = {
  released: [
    'released_by_client',
    'released_by_bulk',
    'client_closed_browser',
    'client_disconnected',
    'drained',
  ],
  timed_out: ['session_timeout', 'idle_timeout', 'connect_timeout'],
  failed: [
    'queue_timeout',
    'launch_failed',
    'browser_crashed',
    'browser_unresponsive',
    'resource_limit',
    'worker_lost',
  ],
};

/** Events that only the owner of a session may cause. */
const OWNERS_WORDS: ReadonlySet<string> = new Set([
  'browser_ready',
  'launch_failed',
  'browser_gone',
  'adopt',
]);

const isFinal = (status: Status): boolean => status in REASONS;

/**
 * Checks a run: answers every broken invariant that can be seen from outside. Expects that every session had ended
 * before the last reads. Pure, and knows only the public words of the product.
 */
export function check({ calls, visits, sessions, rows, browsersLeft }: Recording): Violation[] {
  const creates = calls.filter(call => call.op === 'create');
  const byId = new Map(sessions.map(session => [session.id, session]));
  return [
    ...creates.flatMap(call => checkAccepted(call, byId)),
    ...checkKeys(creates),
    ...sessions.flatMap(session => [
      ...checkEnd(session),
      ...checkHistory(session),
      ...checkOwner(session),
      ...checkShown(session, calls),
      ...checkDeadlines(session, creates),
    ]),
    ...visits.flatMap(checkVisit),
    ...rows.flatMap(({ id, row, folded }) =>
      isDeepStrictEqual(row, folded)
        ? []
        : [{ invariant: 'I4' as const, session: id, what: 'the history does not fold to the row' }],
    ),
    ...(browsersLeft === 0
      ? []
      : [{ invariant: 'I7' as const, session: null, what: `${browsersLeft} browser processes left` }]),
  ];
}

/** The part of {@link check} that holds for a single history at any time, ended or not. */
export function checkHistory({ id, history, view }: FinalSession): Violation[] {
  const violations: Violation[] = [];
  const object = (invariant: Violation['invariant'], what: string): void =>
    void violations.push({ invariant, session: id, what });
  if (view === null) return violations;
  history.forEach((entry, i) => {
    const before = history[i - 1];
    if (entry.seq !== i + 1) object('I5', `entry ${i + 1} has seq ${entry.seq}`);
    if (before === undefined) {
      if (entry.event !== 'created' || entry.from !== null || entry.to !== 'created')
        object('I4', `begins with ${describe(entry)}`);
      return;
    }
    if (Date.parse(entry.at) < Date.parse(before.at)) object('I5', `time falls at seq ${entry.seq}`);
    if (isFinal(before.to)) object('I3', `${describe(entry)} after the end`);
    if (entry.from !== before.to) object('I4', `${describe(entry)} after ${before.to}`);
    else if (EDGES[entry.event]?.[before.to]?.includes(entry.to) !== true)
      object('I4', `${describe(entry)} is no edge`);
  });
  const last = history.at(-1);
  if (last?.to !== view.status)
    object('I4', `history ends ${last?.to ?? 'nowhere'}, the session is ${view.status}`);
  if (last?.seq !== view.revision)
    object('I4', `revision ${view.revision}, history ends at ${last?.seq ?? 0}`);
  return violations;
}

const describe = ({ event, from, to }: EventView): string => `${event} (${from ?? 'nothing'} → ${to})`;

function checkAccepted(call: CreateCall, byId: ReadonlyMap<string, FinalSession>): Violation[] {
  if (call.id === null) return [];
  if ((byId.get(call.id)?.view ?? null) !== null) return [];
  return [
    { invariant: 'I1', session: call.id, what: `accepted with ${call.status ?? 0}, unknown at the end` },
  ];
}

function checkKeys(creates: readonly CreateCall[]): Violation[] {
  const idsByKey = new Map<string, Set<string>>();
  for (const { id, wish } of creates) {
    if (id === null) continue;
    idsByKey.set(wish.idempotencyKey, (idsByKey.get(wish.idempotencyKey) ?? new Set()).add(id));
  }
  return [...idsByKey]
    .filter(([, ids]) => ids.size > 1)
    .map(([key, ids]) => ({
      invariant: 'I10',
      session: null,
      what: `key ${key} made ${[...ids].join(', ')}`,
    }));
}

function checkEnd({ id, view, history }: FinalSession): Violation[] {
  if (view === null) return [];
  const ends = history.filter(({ from, to }) => isFinal(to) && from !== to);
  if (ends.length !== 1) return [{ invariant: 'I2', session: id, what: `ends ${ends.length} times` }];
  const [end] = ends;
  const reasons = REASONS[view.status] ?? [];
  const isExplained =
    reasons.includes(view.endReason ?? '') &&
    view.endedAt !== null &&
    end !== undefined &&
    end.actor !== '' &&
    end.cause !== '' &&
    !Number.isNaN(Date.parse(end.at));
  return isExplained
    ? []
    : [
        {
          invariant: 'I22',
          session: id,
          what: `${view.status}, reason ${view.endReason ?? 'none'}, actor ${end?.actor ?? ''}`,
        },
      ];
}

/* Only the worker that claimed or adopted last may report about the browser. */
function checkOwner({ id, history }: FinalSession): Violation[] {
  let owner: string | null = null;
  const violations: Violation[] = [];
  for (const entry of history) {
    const speaksAsOwner = OWNERS_WORDS.has(entry.event);
    if (speaksAsOwner && entry.event !== 'adopt' && entry.actor !== owner)
      violations.push({
        invariant: 'I6',
        session: id,
        what: `${describe(entry)} by ${entry.actor}, owner is ${owner ?? 'nobody'}`,
      });
    if (entry.event === 'claim' && owner !== null)
      violations.push({
        invariant: 'I6',
        session: id,
        what: `claimed by ${entry.actor} while ${owner} owns it`,
      });
    if (entry.event === 'claim' || entry.event === 'adopt') owner = entry.actor;
    else if (entry.to === 'created') owner = null;
  }
  return violations;
}

/* A session never comes back: once any client has seen its end, no later call may show it created or live. */
function checkShown({ id }: FinalSession, calls: readonly ClientCall[]): Violation[] {
  const shown = calls.filter(
    (call): call is SessionCall => call.op !== 'create' && call.id === id && call.shown !== null,
  );
  const ends = shown.filter(call => isFinal(call.shown ?? 'created'));
  const firstEnd = ends.reduce<SessionCall | null>(
    (first, call) => (first === null || call.endedMs < first.endedMs ? call : first),
    null,
  );
  if (firstEnd === null) return [];
  return shown
    .filter(call => call.beganMs >= firstEnd.endedMs && call.shown !== firstEnd.shown)
    .map(call => ({
      invariant: 'I3',
      session: id,
      what: `shown ${call.shown ?? ''} after it was shown ${firstEnd.shown ?? ''}`,
    }));
}

/* A browser serves one session. A browser that keeps no marks would show nothing. */
function checkVisit({ id, marks }: Visit): Violation[] {
  if (marks === null || isDeepStrictEqual(marks, [id])) return [];
  return [{ invariant: 'I14', session: id, what: `the marks in its browser are [${marks.join(', ')}]` }];
}

/* The machine's own limit for one launch, milliseconds. */
const LAUNCH_LIMIT_MS = 30_000;

/*
 * No time-out fires before the time that the creator asked for has passed. A deadline is counted from the clock reading
 * in the event that armed it. The view shows that reading for the first wait in the queue and for the session. For a
 * second wait in the queue, only this is known: the reading was taken after the previous event.
 */
function checkDeadlines({ id, view, history }: FinalSession, creates: readonly CreateCall[]): Violation[] {
  const wish = creates.find(call => call.id === id)?.wish;
  if (wish === undefined || view === null) return [];
  return history.flatMap((entry, i) => {
    if (entry.event !== 'timeout') return [];
    const armedMs = {
      session: Date.parse(view.liveAt ?? '') + wish.timeoutMs,
      queue: (i === 1 ? Date.parse(view.createdAt) : atMs(history[i - 2])) + wish.queueTimeoutMs,
      launch: atMs(history[i - 2]) + LAUNCH_LIMIT_MS,
    }[entry.cause];
    const earlyMs = (armedMs ?? NaN) - atMs(entry);
    if (earlyMs <= 0) return [];
    const what = Number.isNaN(earlyMs)
      ? `${entry.cause} without a deadline`
      : `${entry.cause} ${earlyMs} ms early`;
    return [{ invariant: 'I8' as const, session: id, what }];
  });
}

const atMs = (entry: EventView | undefined): number => Date.parse(entry?.at ?? '');
