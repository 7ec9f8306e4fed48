import { QUOTAS, type QuotaName } from '../config/quotas';
import { ServiceError } from './errors';

/** What is left of a quota. */
export interface QuotaBudget {
  readonly quota: QuotaName;
  readonly limit: number;
  /** How many more would be accepted now. */
  readonly remaining: number;
  /** In how many milliseconds more will be; 0: not known. */
  readonly moreInMs: number;
}

/** When to try again if nobody knows when a session, a connection or a stream will end. */
const UNKNOWN_WAIT_MS = 5_000;

/** Facts of a refusal by a quota. */
export interface QuotaRefusal {
  readonly quota: QuotaName;
  readonly limit: number;
  /** For how long it is used up; left out or 0: not known. */
  readonly waitMs?: number;
  /** All quotas that were checked. */
  readonly budgets?: readonly QuotaBudget[];
}

/** The error of what a quota refuses: says which, and when to try again. */
export class QuotaExceededError extends ServiceError {
  readonly quota: QuotaName;
  /** Null: waiting does not help. */
  readonly retryAfterMs: number | null;
  readonly budgets: readonly QuotaBudget[];

  constructor({ quota, limit, waitMs = 0, budgets = [] }: QuotaRefusal) {
    // Sessions, connections and streams end by themselves. Contexts stay until the tenant deletes them.
    const retryAfterMs = quota === 'contexts' ? null : waitMs > 0 ? waitMs : UNKNOWN_WAIT_MS;
    const advice =
      retryAfterMs === null ? 'Delete some first.' : `Try again in ${Math.ceil(retryAfterMs / 1_000)} s.`;
    super('quota_exceeded', `The quota ${quota} is used up: at most ${limit} ${QUOTAS[quota]}. ${advice}`, {
      details: { quota },
      retryable: retryAfterMs !== null,
    });
    this.name = 'QuotaExceededError';
    this.quota = quota;
    this.retryAfterMs = retryAfterMs;
    this.budgets = budgets;
  }
}
