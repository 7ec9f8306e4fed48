import type { IsolationLevel } from '../../../src/config/isolation';
import type { Logger } from '../../../src/core/logger';
import { IsolationError, type Isolation } from './isolation';

/** What the settings say of tenants. */
export interface Tenancy {
  readonly tenants?: number;
  readonly allowsWeakIsolation?: boolean;
}

/** Below it a client of one session reaches the DevTools of others. */
const STRANGERS_NEED: IsolationLevel = 'sealed';

/**
 * Several tenants are served only where browsers are kept apart; below that it needs a setting, and is said at every
 * start.
 *
 * @throws IsolationError `isolation_too_weak`
 */
export function requireApart(
  { level, whyNotMore }: Isolation,
  { tenants = 0, allowsWeakIsolation = false }: Tenancy,
  log: Logger,
): void {
  if (tenants <= 1 || level === STRANGERS_NEED) return;
  const problem = `${tenants} tenants share the browsers of a machine whose isolation is "${level}" (${whyNotMore})`;
  if (!allowsWeakIsolation)
    throw new IsolationError(
      'isolation_too_weak',
      `HOLDFAST_API_KEYS: ${problem}; HOLDFAST_ALLOW_WEAK_ISOLATION=1 allows it`,
    );
  log.warn({ level, tenants }, `${problem}: a client of one can reach what belongs to another`);
}
