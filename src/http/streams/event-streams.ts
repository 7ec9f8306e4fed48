import type { Request, Response } from 'express';
import { quotasOf, type QuotaConfig } from '../../config/quotas';
import { ServiceError } from '../../core/errors';
import { QuotaExceededError } from '../../core/quota-exceeded';
import type { Report } from '../../metrics/report';
import { EventStream } from './event-stream';
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
  readonly quotas: QuotaConfig;
  readonly report: Pick<Report, 'quotaRefused'>;
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
  open(req: Pick<Request, 'method'>, res: Response, position?: () => string): EventStream {
    const tenant = tenantOf(res);
    const open = this.#openByTenant.get(tenant) ?? 0;
    const { stalledReaders, perTenantMax = STREAMS_PER_TENANT_MAX, quotas, report } = this.parts;
    const limit = quotasOf(quotas, tenant).streams;
    if (limit !== null && open >= limit) {
      report.quotaRefused('streams', tenant);
      throw new QuotaExceededError({ quota: 'streams', limit });
    }
    if (open >= perTenantMax) {
      throw new ServiceError(
        'too_many_streams',
        `This API key has ${open} open event streams. Use one stream of all sessions: /v1/events.`,
      );
    }
    this.#openByTenant.set(tenant, open + 1);
    res.once('close', () => this.#leave(tenant));
    return new EventStream(req, res, { stalledReaders, ...(position === undefined ? {} : { position }) });
  }

  #leave(tenant: string): void {
    const open = (this.#openByTenant.get(tenant) ?? 1) - 1;
    if (open === 0) this.#openByTenant.delete(tenant);
    else this.#openByTenant.set(tenant, open);
  }
}
