import { pathSegment } from './path-segment';
import type { RequestOptions, Transport } from './transport';

/** A machine that runs browsers. */
export interface Worker {
  readonly id: string;
  readonly hostname: string | null;
  /** How many browsers it takes. */
  readonly slots: number;
  readonly used: number;
  /** Launches nothing; what is live there stays. */
  readonly draining: boolean;
  /** Its lease holds: its sessions are being looked after. */
  readonly alive: boolean;
  readonly leaseExpiresAt: string | null;
}

/** What the installation can take right now. `used` is what workers said last, two seconds ago at most. */
export interface Capacity {
  /** Of all living workers, the draining ones included. */
  readonly slots: number;
  readonly used: number;
  /** Free on workers that launch; less than `slots - used` while one is draining. */
  readonly free: number;
  /** Sessions that wait for a worker. */
  readonly queued: number;
  readonly workers: number;
  readonly drainingWorkers: number;
  /** Whether a session that is created now finds a slot at once. */
  readonly isAvailable: boolean;
}

/** Which days to sum up, in UTC, both inclusive, such as `2030-01-31`. */
export interface UsageOptions extends RequestOptions {
  /** `YYYY-MM-DD`, inclusive. Default: thirty days in all. */
  readonly from?: string | undefined;
  /** `YYYY-MM-DD`, inclusive. Default: today. */
  readonly to?: string | undefined;
}

/** What some sessions have used. Each counts once, on the day it ended. */
export interface UsageFigures {
  readonly sessions: number;
  readonly liveSeconds: number;
  /** Every minute that was begun, session by session. */
  readonly startedMinutes: number;
}

/** What your sessions have used, day by day. */
export interface Usage {
  readonly from: string;
  readonly to: string;
  readonly days: readonly (UsageFigures & {
    readonly date: string;
    readonly byEndReason: Readonly<Record<string, UsageFigures>>;
  })[];
  readonly total: UsageFigures;
}

/** The machines of an installation. */
export class Workers {
  constructor(private readonly transport: Transport) {}

  /** Lists them. */
  async list(request: RequestOptions = {}): Promise<readonly Worker[]> {
    const { body } = await this.transport.send({ ...request, method: 'GET', path: '/v1/workers' });
    // SAFETY: a 2xx of this route carries the workers.
    return (body as { workers: Worker[] }).workers;
  }

  /**
   * Lets nothing be launched there any more; what is live goes on. Null if the worker is not there any more.
   *
   * @throws HoldfastError `worker_not_found`.
   */
  async drain(id: string, request: RequestOptions = {}): Promise<Worker | null> {
    return this.#order(id, 'drain', request);
  }

  /**
   * Takes {@link drain} back. Null if the worker is not there any more.
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
