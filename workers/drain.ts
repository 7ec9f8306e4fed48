import { pollUntil, withDeadline } from '../src/core/abort';
import type { SessionRef } from '../src/core/ids';
import type { LeaseStore } from '../src/store/lease-store';
import type { LaunchSlots } from './launch-slots';
import type { OwnedSessions } from './owned-sessions';
import type { SessionCloser } from './session-closer';
import type { WorkerContext } from './worker-context';

/** What draining needs. */
export interface DrainParts {
  readonly context: WorkerContext;
  readonly owned: OwnedSessions;
  readonly closer: SessionCloser;
  readonly slots: LaunchSlots;
  readonly leases: LeaseStore;
}

/** Orderly end of a worker (I19): no launches, live sessions end `released(drained)`, the lease is given up. */
export class Drain {
  constructor(private readonly parts: DrainParts) {}

  /** Drains for at most `timeoutMs`; what is not done by then is left to the keeper and to our successor. */
  async run(timeoutMs: number): Promise<void> {
    const { context, slots } = this.parts;
    slots.drain();
    try {
      await withDeadline('draining', timeoutMs, this.#drain(timeoutMs));
    } catch (error) {
      // Out of time, or Redis is away: the keeper ends the browsers, our successor or the reaper tells how it came.
      context.log.warn({ err: error }, 'not everything could be drained');
    }
  }

  async #drain(timeoutMs: number): Promise<void> {
    const { context, owned, closer, leases } = this.parts;
    const { workerId } = context;
    await pollUntil('ending sessions', { timeoutMs, everyMs: 100 }, async () => {
      const held = new Set<SessionRef>([...owned.refs(), ...(await leases.owned(workerId))]);
      // A session that is still launching goes live first, or fails; the next round finds it then.
      await Promise.all([...held].map(ref => this.#release(ref)));
      return held.size === 0 ? true : undefined;
    });
    await closer.drain(workerId);
    await closer.settle();
    await leases.drop(workerId);
  }

  async #release(ref: SessionRef): Promise<void> {
    const { context, owned } = this.parts;
    const outcome = await context.stepper.apply({
      ref,
      cause: 'drained',
      actor: `worker:${context.workerId}`,
      event: (record, nowMs) =>
        record.snapshot.value === 'live' ? { type: 'RELEASE', reason: 'drained', nowMs } : null,
    });
    if (outcome.kind !== 'ignored') owned.remove(ref);
  }
}
