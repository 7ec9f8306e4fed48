import { pathSegment } from './path-segment';
import type { RequestOptions, Transport } from './transport';

/** A machine that runs browsers. */
export interface Worker {
  readonly id: string;
  readonly hostname: string | null;
  /** How many browsers it can run. */
  readonly slots: number;
  readonly used: number;
  /** Free slots for which a browser is ready, so that a session gets it at once. */
  readonly warm: number;
  /** Used slots whose browser sleeps. */
  readonly asleep: number;
  /** Launches nothing; its live sessions stay. */
  readonly draining: boolean;
  /** Whether its lease holds, so that it manages its sessions. */
  readonly alive: boolean;
  readonly leaseExpiresAt: string | null;
}

/**
 * The current capacity of the installation. `used` is from the workers' last reports, which are at most two seconds
 * old.
 */
export interface Capacity {
  /** Slots of all living workers, including draining ones. */
  readonly slots: number;
  readonly used: number;
  /** Free slots on workers that launch; less than `slots - used` while one is draining. */
  readonly free: number;
  /** Free slots for which a browser is ready. */
  readonly warm: number;
  /** Used slots whose browser sleeps. */
  readonly asleep: number;
  /** Sessions that wait for a worker. */
  readonly queued: number;
  readonly workers: number;
  readonly drainingWorkers: number;
  /** Whether a session that is created now gets a slot at once. */
  readonly isAvailable: boolean;
}

/** Which days to sum up, in UTC, both inclusive, such as `2030-01-31`. */
export interface UsageOptions extends RequestOptions {
  /** `YYYY-MM-DD`, inclusive. Default: thirty days in all. */
  readonly from?: string | undefined;
  /** `YYYY-MM-DD`, inclusive. Default: today. */
  readonly to?: string | undefined;
}

/** The usage of some sessions. Each session counts once, on the day it ended. */
export interface UsageFigures {
  readonly sessions: number;
  readonly liveSeconds: number;
  /** Minutes, rounded up for each session. */
  readonly startedMinutes: number;
  /** What browsers with a forward proxy have sent. */
  readonly sentBytes: number;
  /** What they have received. */
  readonly receivedBytes: number;
  /** How many requests the rules of egress have refused to them. */
  readonly refused: number;
}

/** The usage of your sessions by day, and of your contexts. */
export interface Usage {
  readonly from: string;
  readonly to: string;
  readonly days: readonly (UsageFigures & {
    readonly date: string;
    readonly byEndReason: Readonly<Record<string, UsageFigures>>;
  })[];
  readonly total: UsageFigures;
  /** Your contexts now, with all their kept versions. */
  readonly contexts: { readonly count: number; readonly bytes: number };
}

/** The machines of an installation. */
export class Workers {
  constructor(private readonly transport: Transport) {}

  /** Lists the workers. */
  async list(request: RequestOptions = {}): Promise<readonly Worker[]> {
    const { body } = await this.transport.send({ ...request, method: 'GET', path: '/v1/workers' });
    // SAFETY: a 2xx of this route carries the workers.
    return (body as { workers: Worker[] }).workers;
  }

  /**
   * Stops launches on a worker; live sessions continue. Null if the worker is gone.
   *
   * @throws HoldfastError `worker_not_found`.
   */
  async drain(id: string, request: RequestOptions = {}): Promise<Worker | null> {
    return this.#order(id, 'drain', request);
  }

  /**
   * Reverses {@link drain}. Null if the worker is gone.
   *
   * @throws HoldfastError `worker_not_found`.
   */
  async undrain(id: string, request: RequestOptions = {}): Promise<Worker | null> {
    return this.#order(id, 'undrain', request);
  }

  async #order(id: string, order: 'drain' | 'undrain', request: RequestOptions): Promise<Worker | null> {
    const path = `/v1/workers/${pathSegment(id, 'worker_not_found')}/${order}`;
    const { body } = await this.transport.send({ ...request, method: 'POST', path });
    // SAFETY: a 200 of these routes carries a worker, a 204 nothing.
    return body as Worker | null;
  }
}
