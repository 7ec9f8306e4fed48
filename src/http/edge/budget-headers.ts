import { CREATES_WINDOW_MS, type QuotaName } from '../../config/quotas';
import type { QuotaBudget } from '../../core/quota-exceeded';

/* Quotas that count what happened within a time; the others count what is there now, and have no window. */
const WINDOW_SECONDS: Readonly<Partial<Record<QuotaName, number>>> = {
  createsPerMinute: CREATES_WINDOW_MS / 1_000,
};

/**
 * The quotas of a tenant and what is left of them, as `RateLimit-Policy` and `RateLimit`
 * (draft-ietf-httpapi-ratelimit-headers-11); none without quotas.
 */
export function budgetHeaders(budgets: readonly QuotaBudget[]): Readonly<Record<string, string>> {
  if (budgets.length === 0) return {};
  const policies = budgets.map(({ quota, limit }) => {
    const window = WINDOW_SECONDS[quota];
    return `"${quota}";q=${limit}${window === undefined ? '' : `;w=${window}`}`;
  });
  const limits = budgets.map(
    ({ quota, remaining, moreInMs }) =>
      `"${quota}";r=${remaining}${moreInMs > 0 ? `;t=${Math.ceil(moreInMs / 1_000)}` : ''}`,
  );
  return { 'ratelimit-policy': policies.join(', '), ratelimit: limits.join(', ') };
}
