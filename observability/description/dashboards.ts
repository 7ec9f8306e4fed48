import type { Dashboard } from './panel';
import { QUEUES_DASHBOARD } from './queues-dashboard';
import { REDIS_DASHBOARD } from './redis-dashboard';
import { SESSIONS_DASHBOARD } from './sessions-dashboard';
import { WORKERS_DASHBOARD } from './workers-dashboard';

/** Every dashboard; each becomes a file of Grafana and a picture. */
export const DASHBOARDS: readonly Dashboard[] = [
  SESSIONS_DASHBOARD,
  QUEUES_DASHBOARD,
  WORKERS_DASHBOARD,
  REDIS_DASHBOARD,
];
