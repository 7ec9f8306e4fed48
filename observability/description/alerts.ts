import type { Alert } from './alert';
import { FLEET_ALERTS } from './fleet-alerts';
import { QUEUE_ALERTS } from './queue-alerts';
import { REDIS_ALERTS } from './redis-alerts';
import { SESSION_ALERTS } from './session-alerts';

/** Every alert. */
export const ALERTS: readonly Alert[] = [
  ...SESSION_ALERTS,
  ...FLEET_ALERTS,
  ...QUEUE_ALERTS,
  ...REDIS_ALERTS,
];
