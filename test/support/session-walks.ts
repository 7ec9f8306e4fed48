import fc from 'fast-check';
import { NO_ACTIVITY } from '../../machines/session/session.deadlines';
import type { ReleaseEvent, SessionChange, MachineEvent } from '../../machines/session/session.events';
import {
  BROWSER_GONE_CAUSES,
  TIMER_KINDS,
  type BrowserGoneCause,
  type TimerKind,
} from '../../machines/session/session.words';
import type { SessionInput, SessionSnapshot } from '../../machines/session/session.types';
import { ENDPOINT, EVENTS, INPUT } from './session-samples';

/**
 * One random event, still without its time. The walk sets the time, because a time-out names a deadline that depends on
 * the session at that moment.
 */
export type Move = (at: SessionSnapshot, nowMs: number) => MachineEvent;

/** A random life: the input of the session, and its events with the time between them. */
export interface Walk {
  readonly input: SessionInput;
  readonly moves: readonly { readonly afterMs: number; readonly move: Move }[];
}

const NO_DEADLINE_MS = 1;

const id = fc.stringMatching(/^[a-z]{1,4}$/);
const durationMs = fc.integer({ min: 1, max: 100_000 });

const timeout = (kind: TimerKind, offsetMs: number): Move => {
  return (at, nowMs) => ({
    type: 'TIMEOUT',
    nowMs,
    kind,
    deadlineMs: (at.context.deadlines[kind] ?? NO_DEADLINE_MS) + offsetMs,
    activity: NO_ACTIVITY,
  });
};

const change: fc.Arbitrary<SessionChange> = fc.record(
  {
    name: fc.option(id),
    labels: fc.dictionary(id, fc.option(id), { maxKeys: 9 }),
    timeoutMs: durationMs,
    idleTimeoutMs: fc.option(durationMs),
  },
  { requiredKeys: [] },
);

const move: fc.Arbitrary<Move> = fc.oneof(
  fc
    .tuple(id, id)
    .map(([workerId, claimId]): Move => (_, nowMs) => ({ type: 'CLAIM', nowMs, workerId, claimId })),
  fc
    .tuple(id, id)
    .map(([workerId, claimId]): Move => (_, nowMs) => ({ type: 'ADOPT', nowMs, workerId, claimId })),
  fc.constant<Move>((_, nowMs) => ({ type: 'BROWSER_READY', nowMs, endpoint: ENDPOINT })),
  fc
    .constantFrom('LAUNCH_FAILED', 'LAUNCH_FAILED', 'LAUNCH_FAILED', 'MOUNT_FAILED')
    .map((type): Move => (_, nowMs) => ({ type, nowMs, message: 'no' })),
  fc
    .constantFrom<BrowserGoneCause[]>(...BROWSER_GONE_CAUSES)
    .map((cause): Move => (_, nowMs) => ({ type: 'BROWSER_GONE', nowMs, cause, message: 'gone' })),
  fc.constant<Move>(({ context }, nowMs) => ({
    type: 'WORKER_LOST',
    nowMs,
    fence: context.owner?.fence ?? { n: 0, claimId: '' },
  })),
  fc
    .constantFrom<ReleaseEvent['reason'][]>(
      'released_by_client',
      'released_by_bulk',
      'client_disconnected',
      'drained',
    )
    .map((reason): Move => (_, nowMs) => ({ type: 'RELEASE', nowMs, reason })),
  fc.oneof(
    change.map((given): Move => (_, nowMs) => ({ type: 'UPDATE', nowMs, change: given })),
    fc.constant<Move>((_, nowMs) => ({ type: 'DOWNLOADS_CUT', nowMs })),
    fc.constant<Move>((_, nowMs) => ({
      type: 'CONTEXT_SAVE',
      nowMs,
      save: { ...EVENTS.CONTEXT_SAVE.save, atMs: nowMs },
    })),
    fc.constant<Move>((_, nowMs) => ({ type: 'UPLOADS_CUT', nowMs })),
  ),
  {
    weight: 5, // most name a deadline that does not exist or has not passed
    arbitrary: fc
      .tuple(fc.constantFrom(...TIMER_KINDS), fc.constantFrom(0, 0, 0, -1, 1, 5_000))
      .map(([kind, offsetMs]) => timeout(kind, offsetMs)),
  },
);

/** Launches come first in half of the walks, so that enough of them get as far as `live`. */
const launched: readonly Move[] = [
  (_, nowMs) => ({ type: 'CLAIM', nowMs, workerId: 'w', claimId: 'c' }),
  (_, nowMs) => ({ type: 'BROWSER_READY', nowMs, endpoint: ENDPOINT }),
];

const input: fc.Arbitrary<SessionInput> = fc
  .record({
    timeoutMs: durationMs,
    queueTimeoutMs: durationMs,
    idleTimeoutMs: fc.option(durationMs),
    connectTimeoutMs: fc.option(durationMs),
    disconnectTimeoutMs: fc.option(durationMs),
    sleepAfterMs: fc.option(durationMs),
  })
  .map(limits => ({ ...INPUT, limits }));

/** Random lives of up to thirty events; time stays the same or goes on, it never goes back. */
export const walks: fc.Arbitrary<Walk> = fc
  .tuple(
    input,
    fc.boolean(),
    fc.array(fc.record({ afterMs: fc.constantFrom(0, 1, 500, 40_000, 200_000), move }), { maxLength: 30 }),
  )
  .map(([someInput, startLive, moves]) => ({
    input: someInput,
    moves: startLive ? [...launched.map(first => ({ afterMs: 1, move: first })), ...moves] : moves,
  }));
