import { statusOf } from '../machines/session/session.view';
import { hasBrowser } from '../machines/session/session.words';
import { NewerMachineVersionError } from '../machines/session/session.versions';
import { pollUntil, withDeadline } from '../src/core/abort';
import { randomId, type SessionRef } from '../src/core/ids';
import type { Producer } from '../src/queue/producer';
import type { LeaseStore } from '../src/store/lease-store';
import type { LaunchSlots } from './launch/launch-slots';
import type { OwnedSessions } from './ownership/owned-sessions';
import type { SessionCloser } from './ownership/session-closer';
import type { WorkerContext } from './worker-context';

/** How long a draining worker waits for newer processes to end what only they can. */
const LEFT_WAIT_MS = 2_000;

/** What draining needs. */
export interface DrainParts {
  readonly context: WorkerContext;
  readonly owned: OwnedSessions;
  readonly closer: SessionCloser;
  readonly slots: LaunchSlots;
  readonly leases: LeaseStore;
  readonly producer: Pick<Producer, 'sendCommand'>;
}

/** Orderly end of a worker (I19): no launches, live sessions end `released(drained)`, the lease is given up. */
export class Drain {
  readonly #left = new Set<SessionRef>();

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
    const startMs = performance.now();
    const held = await pollUntil('ending sessions', { timeoutMs, everyMs: 100 }, async () => {
      const refs = new Set<SessionRef>([...owned.refs(), ...(await leases.owned(workerId))]);
      // A session that is still launching goes live first, or fails; the next round finds it then.
      await Promise.all([...refs].map(ref => this.#releaseOrLeave(ref)));
      const isLeftOnly = [...refs].every(ref => this.#left.has(ref));
      return isLeftOnly && (refs.size === 0 || performance.now() - startMs > LEFT_WAIT_MS) ? refs : undefined;
    });
    await closer.drain(workerId);
    await closer.settle();
    // What is left would have nobody who is missed; so the lease lapses by itself, and the reaper or our successor ends it.
    if (held.size === 0) await leases.drop(workerId);
    else context.log.warn({ sessions: held.size }, 'sessions of a newer version are left to its processes');
  }

  /* A session that a newer version keeps is released by one of its processes. Such a row keeps no other from its end. */
  async #releaseOrLeave(ref: SessionRef): Promise<void> {
    if (this.#left.has(ref)) return;
    const { context, producer } = this.parts;
    try {
      await this.#release(ref);
    } catch (error) {
      if (!(error instanceof NewerMachineVersionError)) throw error;
      this.#left.add(ref);
      const actor = `worker:${context.workerId}`;
      const commandId = `drain.${randomId()}`;
      await producer.sendCommand({ v: 1, command: 'release', commandId, ref, reason: 'drained', actor });
    }
  }

  async #release(ref: SessionRef): Promise<void> {
    const { context, owned } = this.parts;
    const outcome = await context.stepper.apply({
      ref,
      cause: 'drained',
      actor: `worker:${context.workerId}`,
      event: (record, nowMs) =>
        hasBrowser(statusOf(record.snapshot)) ? { type: 'RELEASE', reason: 'drained', nowMs } : null,
    });
    if (outcome.kind !== 'ignored') owned.remove(ref);
  }
}
