import fc from 'fast-check';
import { LABELS_MAX } from '../../../machines/session/session.changes';
import { isQueuedBy } from '../../../machines/session/session.deadlines';
import type { SessionEffect } from '../../../machines/session/session.effects';
import type { MachineEvent } from '../../../machines/session/session.events';
import { MAX_LAUNCH_ATTEMPTS, type SessionSnapshot } from '../../../machines/session/session.types';
import {
  isEnded,
  type EndReason,
  type EndedStatus,
  type TimerKind,
} from '../../../machines/session/session.words';
import { isQueued, statusOf } from '../../../machines/session/session.view';
import { firstStep, step, type StepResult } from '../../../machines/step';
import { leafOf } from '../../support/session-samples';
import { walks, type Walk } from '../../support/session-walks';

interface Taken extends StepResult {
  readonly before: SessionSnapshot;
  readonly event: MachineEvent;
}

const RUNS = { numRuns: 100 };

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}

/** Runs a walk. Every value is frozen, so that a step that changes its argument throws. */
function take(walk: Walk, between: (snapshot: SessionSnapshot) => SessionSnapshot = same => same): Taken[] {
  let { snapshot } = freeze(firstStep(walk.input));
  let nowMs = walk.input.nowMs;
  return walk.moves.map(({ afterMs, move }) => {
    nowMs += afterMs;
    const before = freeze(between(snapshot));
    const event = freeze(move(before, nowMs));
    const taken = step(before, event);
    snapshot = taken.snapshot;
    return { ...taken, before, event };
  });
}

function check(property: (steps: Taken[], walk: Walk) => void): void {
  fc.assert(
    fc.property(walks, walk => property(take(walk), walk)),
    RUNS,
  );
}

const hasEnded = (snapshot: SessionSnapshot): boolean => isEnded(statusOf(snapshot));

const TIMERS_OF: Readonly<Record<string, { always: TimerKind[]; perhaps: TimerKind[] }>> = {
  queued: { always: ['queue'], perhaps: ['disconnect'] },
  launching: { always: ['launch'], perhaps: ['disconnect'] },
  live: { always: ['session'], perhaps: ['idle', 'connect', 'disconnect'] },
  released: { always: [], perhaps: [] },
  failed: { always: [], perhaps: [] },
  timed_out: { always: [], perhaps: [] },
};

const REASONS: Readonly<Record<EndedStatus, readonly EndReason[]>> = {
  released: [
    'released_by_client',
    'released_by_bulk',
    'client_closed_browser',
    'client_disconnected',
    'drained',
  ],
  failed: [
    'queue_timeout',
    'launch_failed',
    'context_failed',
    'browser_crashed',
    'browser_unresponsive',
    'resource_limit',
    'worker_lost',
  ],
  timed_out: ['session_timeout', 'idle_timeout', 'connect_timeout'],
};

describe('whatever happens to a session', () => {
  it('ends at most once, and nothing changes any more after that (I2, I3)', () => {
    check(steps => {
      const ends = steps.filter(({ before, snapshot }) => !hasEnded(before) && hasEnded(snapshot));
      expect(ends.length).toBeLessThanOrEqual(1);
      for (const { before, snapshot, accepted } of steps.filter(taken => hasEnded(taken.before))) {
        expect(accepted).toBe(false);
        expect(snapshot).toBe(before);
      }
    });
  });

  it('has a reason, a time and, if it failed, a message at its end, and none of them before (I22)', () => {
    check(steps => {
      for (const { snapshot } of steps) {
        const { endReason, endedAtMs, error } = snapshot.context;
        const status = statusOf(snapshot);
        if (status === 'created' || status === 'live') {
          expect({ endReason, endedAtMs, error }).toEqual({ endReason: null, endedAtMs: null, error: null });
        } else {
          expect(REASONS[status]).toContain(endReason);
          expect(endedAtMs).not.toBeNull();
          expect(error?.code).toBe(status === 'failed' ? endReason : undefined);
        }
      }
    });
  });

  it('has the deadlines of its state, and no other', () => {
    check(steps => {
      for (const { snapshot } of steps) {
        const armed = Object.keys(snapshot.context.deadlines);
        const { always, perhaps } = TIMERS_OF[leafOf(snapshot)] ?? { always: [], perhaps: [] };
        const { idleTimeoutMs, connectTimeoutMs, disconnectTimeoutMs } = snapshot.context.limits;
        const asked: Partial<Record<TimerKind, number | null>> = {
          ...{ idle: idleTimeoutMs, connect: connectTimeoutMs, disconnect: disconnectTimeoutMs },
        };
        const wanted = perhaps.filter(kind => asked[kind] !== null);
        expect(armed.sort()).toEqual([...always, ...wanted].sort());
        expect(isQueuedBy(snapshot.context.deadlines)).toBe(isQueued(snapshot));
      }
    });
  });

  it('keeps what is sealed for a launch as long as there may be one, and no longer', () => {
    check((steps, { input }) => {
      for (const { snapshot } of steps) {
        expect(snapshot.context.sealed).toBe(statusOf(snapshot) === 'created' ? input.sealed : null);
      }
    });
  });

  it('is changed only while it goes on, and never to a time that has passed', () => {
    check(steps => {
      for (const { before, event, accepted, snapshot } of steps) {
        if (event.type !== 'UPDATE' || !accepted) continue;
        expect(leafOf(snapshot)).toBe(leafOf(before));
        const { liveAtMs, limits, deadlines, labels } = snapshot.context;
        if (liveAtMs !== null) expect(deadlines.session).toBe(liveAtMs + limits.timeoutMs);
        if (event.change.timeoutMs !== undefined && liveAtMs !== null) {
          expect(deadlines.session).toBeGreaterThan(event.nowMs);
        }
        expect(Object.keys(labels).length).toBeLessThanOrEqual(LABELS_MAX);
      }
    });
  });

  it('is never ended by a time-out before the deadline it named (I8)', () => {
    check(steps => {
      for (const { before, event, accepted } of steps) {
        if (event.type !== 'TIMEOUT' || !accepted) continue;
        expect(event.deadlineMs).toBe(before.context.deadlines[event.kind]);
        expect(event.nowMs).toBeGreaterThanOrEqual(event.deadlineMs);
      }
    });
  });

  it('cancels or keeps every timer it has armed, once each', () => {
    check((steps, { input }) => {
      const open = new Map<string, number>();
      const count = (effect: SessionEffect): void => {
        if (effect.kind !== 'timer.arm' && effect.kind !== 'timer.cancel') return;
        const key = `${effect.timer}@${effect.deadlineMs}`;
        open.set(key, (open.get(key) ?? 0) + (effect.kind === 'timer.arm' ? 1 : -1));
        expect([0, 1]).toContain(open.get(key));
      };
      const first = firstStep(input);
      [first, ...steps].flatMap(({ effects }) => effects).forEach(count);
      const stillArmed = [...open].filter(([, balance]) => balance === 1).map(([key]) => key);
      const { deadlines } = (steps.at(-1) ?? first).snapshot.context;
      expect(stillArmed.sort()).toEqual(
        Object.entries(deadlines)
          .map(([kind, deadlineMs]) => `${kind}@${deadlineMs}`)
          .sort(),
      );
    });
  });

  it('asks for each launch attempt once, and for no more than are allowed', () => {
    check((steps, { input }) => {
      const attempts = [firstStep(input), ...steps]
        .flatMap(({ effects }) => effects)
        .flatMap(effect => (effect.kind === 'launch.enqueue' ? [effect.attempt] : []));
      expect(attempts).toEqual(attempts.map((_, index) => index + 1));
      expect(attempts.length).toBeLessThanOrEqual(MAX_LAUNCH_ATTEMPTS);
      for (const { snapshot } of steps) {
        expect(snapshot.context.launchAttempts).toBeLessThanOrEqual(MAX_LAUNCH_ATTEMPTS);
      }
    });
  });

  it('raises the fence with every claim and adoption, and never otherwise (I6)', () => {
    check(steps => {
      for (const { before, snapshot, event, accepted } of steps) {
        const raised = accepted && (event.type === 'CLAIM' || event.type === 'ADOPT') ? 1 : 0;
        expect(snapshot.context.fenceN).toBe(before.context.fenceN + raised);
      }
    });
  });

  it('has an owner with the current fence exactly while a worker has its browser', () => {
    check(steps => {
      for (const { snapshot } of steps.filter(taken => !hasEnded(taken.snapshot))) {
        const { owner, fenceN } = snapshot.context;
        expect(owner === null).toBe(leafOf(snapshot) === 'queued');
        if (owner !== null) expect(owner.fence.n).toBe(fenceN);
      }
    });
  });

  it('does nothing on an event it does not accept', () => {
    check(steps => {
      for (const { accepted, before, snapshot, effects } of steps.filter(taken => !taken.accepted)) {
        expect({ accepted, effects }).toEqual({ accepted: false, effects: [] });
        expect(snapshot).toBe(before);
      }
    });
  });

  it('has the same state when its history is replayed (I4)', () => {
    check((steps, { input }) => {
      const replayed = steps
        .filter(({ accepted }) => accepted)
        .reduce((snapshot, { event }) => step(snapshot, event).snapshot, firstStep(input).snapshot);
      expect(replayed).toEqual((steps.at(-1) ?? firstStep(input)).snapshot);
    });
  });

  it('has the same state when it is stored and read between every two events', () => {
    const stored = (snapshot: SessionSnapshot): SessionSnapshot => {
      // SAFETY: what was just written as JSON.
      return JSON.parse(JSON.stringify(snapshot)) as SessionSnapshot;
    };
    check((steps, walk) => {
      const kept = take(walk, stored);
      expect(kept.map(({ snapshot, effects, accepted }) => ({ snapshot, effects, accepted }))).toEqual(
        steps.map(({ snapshot, effects, accepted }) => ({ snapshot, effects, accepted })),
      );
    });
  });

  it('reaches every state and every reason in these tests', () => {
    const lives = fc.sample(walks, { numRuns: 2_000, seed: 4 }).map(walk => take(walk));
    const seen = lives.flat().map(({ snapshot }) => snapshot);
    expect(new Set(seen.map(leafOf))).toEqual(new Set(Object.keys(TIMERS_OF)));
    expect(new Set(seen.map(({ context }) => context.endReason))).toEqual(
      new Set([null, ...Object.values(REASONS).flat()]),
    );
  });
});
