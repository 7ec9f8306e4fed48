import { pause } from '../../src/core/abort';
import type { Logger } from '../../src/core/logger';
import { RecurringFailures } from '../../src/core/recurring-failures';
import { untilRedisServes } from '../../src/redis/until-redis-serves';
import { RENEW_EVERY_MS, type LeaseStore, type WorkerInfo } from '../../src/store/lease-store';

/** Keeps a worker's lease for as long as the process lives. */
export class LeaseRenewal {
  readonly #stop = new AbortController();
  readonly #failures: RecurringFailures;
  #running: Promise<void> | null = null;

  /** @param onDrained - called with every renewal: whether an operator has drained this worker */
  constructor(
    private readonly leases: LeaseStore,
    private readonly workerId: string,
    private readonly info: () => WorkerInfo,
    private readonly onDrained: (drained: boolean) => void,
    private readonly log: Logger,
  ) {
    this.#failures = new RecurringFailures(
      log,
      'the lease could not be renewed',
      'the lease is renewed again',
    );
  }

  /**
   * Takes the lease as soon as Redis accepts writes, then renews it in the background; a failed renewal is repeated at
   * the next interval.
   */
  async start(): Promise<void> {
    await untilRedisServes('the lease of this worker', this.log, () => this.#renew(), this.#stop.signal);
    this.#running = this.#loop();
  }

  /** Renews at once: the worker's report has changed, and other processes should not get it seconds later. */
  async renewNow(): Promise<void> {
    await this.#tryToRenew();
  }

  /** Stops renewing; the lease itself stays until it lapses or is dropped. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #renew(): Promise<void> {
    this.onDrained(await this.leases.renew(this.workerId, this.info()));
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      await pause(RENEW_EVERY_MS, signal);
      if (signal.aborted) return;
      await this.#tryToRenew();
    }
  }

  async #tryToRenew(): Promise<void> {
    try {
      await this.#renew();
      this.#failures.worked('lease');
    } catch (error) {
      this.#failures.failed('lease', error);
    }
  }
}
