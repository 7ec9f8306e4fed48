import type { Request, Response } from 'express';
import { ServiceError } from '../../core/errors';
import type { QuotaPlaces } from '../../engine/quota-places';
import { EventStream } from './event-stream';
import { withinRedisBudget } from '../edge/redis-budget';
import { tenantOf } from '../edge/request-context';
import type { StalledReaders } from '../../core/stalled-readers';

/**
 * More than any dashboard opens. A stream whose reader does not read takes half a megabyte, so a process survives so
 * many.
 */
const STREAMS_PER_TENANT_MAX = 1_000;

/** Dependencies of {@link EventStreams}. */
export interface EventStreamsParts {
  readonly stalledReaders: Pick<StalledReaders, 'watch'>;
  /** Default: 1 000. */
  readonly perTenantMax?: number;
  /** The quota of streams. */
  readonly quota: Pick<QuotaPlaces, 'take'>;
}

/** The event streams of this process: opens them, and bounds how many one tenant may hold. */
export class EventStreams {
  readonly #openByTenant = new Map<string, number>();

  constructor(private readonly parts: EventStreamsParts) {}

  /** How many are open. */
  get size(): number {
    return [...this.#openByTenant.values()].reduce((sum, open) => sum + open, 0);
  }

  /**
   * Answers a request with a stream.
   *
   * @param position - the reader's position while nothing is sent; sent with every keep-alive
   * @throws ServiceError `quota_exceeded`, `too_many_streams`; before anything is sent.
   */
  async open(req: Pick<Request, 'method'>, res: Response, position?: () => string): Promise<EventStream> {
    const tenant = tenantOf(res);
    const { stalledReaders, quota } = this.parts;
    this.#enter(tenant);
    const place = quota.take(tenant);
    let isHere = true;
    const leave = (): void => {
      if (!isHere) return;
      isHere = false;
      place.free();
      this.#leave(tenant);
    };
    res.once('close', leave);
    // Its reader has gone before: that is not said again.
    if (res.destroyed) leave();
    try {
      await withinRedisBudget(place.taken);
    } catch (error) {
      leave();
      throw error;
    }
    return new EventStream(req, res, { stalledReaders, ...(position === undefined ? {} : { position }) });
  }

  #enter(tenant: string): void {
    const open = this.#openByTenant.get(tenant) ?? 0;
    if (open >= (this.parts.perTenantMax ?? STREAMS_PER_TENANT_MAX)) {
      throw new ServiceError(
        'too_many_streams',
        `This API key has ${open} open event streams. Use one stream of all sessions: /v1/events.`,
      );
    }
    this.#openByTenant.set(tenant, open + 1);
  }

  #leave(tenant: string): void {
    const open = (this.#openByTenant.get(tenant) ?? 1) - 1;
    if (open === 0) this.#openByTenant.delete(tenant);
    else this.#openByTenant.set(tenant, open);
  }
}
