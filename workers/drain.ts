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

/** How long a draining worker waits for newer processes to end sessions that only they can end. */
const LEFT_WAIT_MS = 2_000;

/** Dependencies of {@link Drain}. */
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

  /** Drains for at most `timeoutMs`; the rest is left to the keeper and to the next worker. */
  async run(timeoutMs: number): Promise<void> {
    const { context, slots } = this.parts;
    slots.drain();
    try {
      await withDeadline('draining', timeoutMs, this.#drain(timeoutMs));
    } catch (error) {
      // Out of time, or Redis is away: the keeper ends the browsers, and the next worker or the reaper commits the
      // ends.
      context.log.warn({ err: error }, 'the drain failed; some sessions may not have ended');
    }
  }

  async #drain(timeoutMs: number): Promise<void> {
    const { context, owned, closer, leases } = this.parts;
    const { workerId } = context;
    const startMs = performance.now();
    const held = await pollUntil('ending sessions', { timeoutMs, everyMs: 100 }, async () => {
      const refs = new Set<SessionRef>([...owned.refs(), ...(await leases.owned(workerId))]);
      // A session that is still launching first goes live or fails; the next round handles it.
      await Promise.all([...refs].map(ref => this.#releaseOrLeave(ref)));
      const isLeftOnly = [...refs].every(ref => this.#left.has(ref));
      return isLeftOnly && (refs.size === 0 || performance.now() - startMs > LEFT_WAIT_MS) ? refs : undefined;
    });
    await closer.drain(workerId);
    await closer.settle();
    // With the lease dropped, no reaper would look for remaining sessions. So the lease is left to lapse, and the
    // reaper or the next worker ends them.
    if (held.size === 0) await leases.drop(workerId);
    else
      context.log.warn(
        { sessions: held.size },
        'sessions of a newer version were left for its processes to end',
      );
  }

  /*
   * A session of a newer version must be released by a process of that version. Such a row does not block the others.
   */
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
