import { pause } from '../core/abort';
import type { Clock } from '../core/clock';
import type { Logger } from '../core/logger';
import { commandOptions, openRedis, type Redis } from '../redis/connection';
import { ScriptRunner } from '../redis/script-runner';
import { LeaseStore } from '../store/lease-store';
import { WORKERLESS_MAX_MS } from '../../workers/keeper/door/protocol';

/** A normal restart of a worker takes less, and then no connection to Redis is opened. */
const FIRST_AFTER_MS = 2_000;

/** A lease lasts 10 s, so several attempts may fail. */
const EXTEND_EVERY_MS = 1_000;

/** Dependencies of {@link LeaseExtension}. */
export interface LeaseExtensionParts {
  readonly redisUrl: string;
  /** The id under which this machine's worker has its lease; null while that is not known. */
  readonly workerId: () => string | null;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Extends the lease of this machine's worker while there is no worker. The lease means that the machine is alive and
 * manages its sessions. That is still true while its supervisor restarts the worker, even if workers die before they
 * can renew the lease. For a minute at most, which is as long as the keeper keeps the browsers.
 */
export class LeaseExtension {
  #over: AbortController | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly parts: LeaseExtensionParts) {}

  /** Call when there is no worker; further calls do nothing. */
  begin(): void {
    if (this.#over !== null) return;
    const over = new AbortController();
    this.#over = over;
    this.#running = this.#run(over.signal);
  }

  /**
   * Call when there is a worker again, or when the machine stops. Resolves when no extension is in progress any more.
   */
  async end(): Promise<void> {
    this.#over?.abort();
    this.#over = null;
    await this.#running;
  }

  async #run(over: AbortSignal): Promise<void> {
    const { redisUrl, clock, log } = this.parts;
    const beganMs = clock.monotonicMs();
    await pause(FIRST_AFTER_MS, over);
    if (over.aborted) return;
    const redis = openRedis(commandOptions(redisUrl), log);
    over.addEventListener('abort', () => redis.disconnect());
    try {
      const leases = new LeaseStore(redis, new ScriptRunner(redis));
      while (!over.aborted && clock.monotonicMs() - beganMs < WORKERLESS_MAX_MS) {
        await this.#extend(redis, leases);
        await pause(EXTEND_EVERY_MS, over);
      }
    } finally {
      redis.disconnect();
    }
    if (!over.aborted) log.warn('no worker has run for a minute; the lease is not extended any longer');
  }

  async #extend(redis: Redis, leases: LeaseStore): Promise<void> {
    const workerId = this.parts.workerId();
    if (workerId === null || redis.status !== 'ready') return;
    try {
      await leases.extend(workerId);
    } catch (error) {
      this.parts.log.debug({ err: error }, 'the lease of the worker could not be extended');
    }
  }
}
