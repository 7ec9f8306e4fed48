import { quotasOf, type QuotaConfig } from '../config/quotas';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import { QuotaExceededError } from '../core/quota-exceeded';
import type { Report } from '../metrics/report';
import { PLACE_TTL_MS, type PlaceQuota, type PlaceStore } from '../store/place-store';

/** Two may fail before what this process holds lapses. */
const STATE_EVERY_MS = PLACE_TTL_MS / 3;

/** A place within a quota, for one connection. */
export interface Place {
  /**
   * Resolves when the place is taken. Rejects with QuotaExceededError if there is none, and with what Redis throws
   * while it is away: without it nobody can know.
   */
  readonly taken: Promise<void>;
  /** Gives it back, now or as soon as it is taken; further calls do nothing. */
  readonly free: () => void;
}

/** Dependencies of {@link QuotaPlaces}. */
export interface QuotaPlacesParts {
  readonly quota: PlaceQuota;
  readonly quotas: QuotaConfig;
  readonly places: Pick<PlaceStore, 'hold'>;
  /** Names this process. */
  readonly processId: string;
  readonly report: Pick<Report, 'quotaRefused'>;
  readonly log: Logger;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Tally {
  readonly limit: number;
  /** Taken and not given back. */
  held: number;
  waiting: Waiter[];
  /** Redis does not know the present number. */
  isStale: boolean;
  isStating: boolean;
}

const UNLIMITED: Place = { taken: Promise.resolve(), free: () => undefined };

/**
 * The connections of this process that count against a quota of their tenant, which holds for all API processes
 * together. Redis is asked when one begins and told when one ends, many of them in one call, and is told every few
 * seconds what is held, so that the places of a process that has died become free. Nothing is asked or told for tenants
 * without the quota.
 */
export class QuotaPlaces {
  readonly #byTenant = new Map<string, Tally>();
  #timer: NodeJS.Timeout | null = null;

  constructor(private readonly parts: QuotaPlacesParts) {}

  /** Begins to state regularly what is held. */
  start(): void {
    this.#timer = setInterval(() => {
      for (const [tenant, tally] of this.#byTenant) this.#restate(tenant, tally);
    }, STATE_EVERY_MS);
  }

  /** Takes a place for a connection of a tenant. */
  take(tenant: string): Place {
    const limit = quotasOf(this.parts.quotas, tenant)[this.parts.quota];
    if (limit === null) return UNLIMITED;
    const tally = this.#tallyOf(tenant, limit);
    const taken = new Promise<void>((resolve, reject) => void tally.waiting.push({ resolve, reject }));
    this.#restate(tenant, tally);
    let isOver = false;
    const free = (): void => {
      if (isOver) return;
      isOver = true;
      const giveBack = (): void => {
        tally.held -= 1;
        this.#restate(tenant, tally);
      };
      // A place that was refused, or could not be asked for, was reported to who waits for it.
      void taken.then(giveBack, () => undefined);
    };
    return { taken, free };
  }

  /** Stops, and gives back at once what is still held. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    const { quota, places, processId } = this.parts;
    const giveBack = [...this.#byTenant].map(([tenant, { limit }]) =>
      places.hold({ quota, tenant, processId, held: 0, asked: 0, limit }),
    );
    // Without Redis they lapse by themselves a few seconds later.
    await Promise.allSettled(giveBack);
  }

  #tallyOf(tenant: string, limit: number): Tally {
    const known = this.#byTenant.get(tenant);
    if (known !== undefined) return known;
    const tally: Tally = { limit, held: 0, waiting: [], isStale: false, isStating: false };
    this.#byTenant.set(tenant, tally);
    return tally;
  }

  #restate(tenant: string, tally: Tally): void {
    tally.isStale = true;
    if (!tally.isStating) void this.#state(tenant, tally);
  }

  /* One call at a time, so that a later number never reaches Redis before an earlier one. */
  async #state(tenant: string, tally: Tally): Promise<void> {
    tally.isStating = true;
    while (tally.isStale) {
      tally.isStale = false;
      await this.#stateOnce(tenant, tally);
    }
    tally.isStating = false;
    if (tally.held === 0 && this.#byTenant.get(tenant) === tally) this.#byTenant.delete(tenant);
  }

  async #stateOnce(tenant: string, tally: Tally): Promise<void> {
    const { quota, places, processId, report, log } = this.parts;
    const { limit, held } = tally;
    const asking = tally.waiting.splice(0);
    try {
      const got = await places.hold({ quota, tenant, processId, held, asked: asking.length, limit });
      tally.held += got;
      for (const { resolve } of asking.slice(0, got)) resolve();
      for (const { reject } of asking.slice(got)) {
        report.quotaRefused(quota, tenant);
        reject(new QuotaExceededError({ quota, limit }));
      }
    } catch (error) {
      log.debug(
        { quota, tenant, reason: messageOf(error) },
        'the connections of a tenant could not be counted',
      );
      // Those that came meanwhile, too: each waits for one answer of Redis at most (I15).
      for (const { reject } of [...asking, ...tally.waiting.splice(0)]) reject(error);
    }
  }
}
