import { INGRESS_PREFIX, KEY_PREFIX } from '../redis/keys';

/** Every queue, where its keys stand, and whether other services write into it. */
export const QUEUES = [
  { queue: 'launch', prefix: `${KEY_PREFIX}:launch:`, isForeign: false },
  { queue: 'sessions', prefix: `${KEY_PREFIX}:sessions:`, isForeign: false },
  { queue: 'timers', prefix: `${KEY_PREFIX}:timers:`, isForeign: false },
  { queue: 'ingress', prefix: `${INGRESS_PREFIX}:ingress:`, isForeign: true },
] as const;
