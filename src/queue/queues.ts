import { INGRESS_PREFIX, KEY_PREFIX } from '../redis/keys';
import type { QueueName } from './payloads';

/** The queue that other services put jobs into. */
export const INGRESS_QUEUE = 'ingress';

/** How many of its jobs are active at a time, in all processes together: that keeps their order. */
export const INGRESS_CONCURRENCY = 1;

/** Where the keys of our own queues stand; those of accepted jobs beside `ingress`, in one slot of a cluster. */
export const QUEUE_PREFIX: Readonly<Record<QueueName, string>> = {
  launch: KEY_PREFIX,
  sessions: KEY_PREFIX,
  timers: KEY_PREFIX,
  accepted: INGRESS_PREFIX,
};

/** Every queue, where its keys stand, whether other services write into it, and how many of its jobs may be active. */
export const QUEUES = [
  { queue: 'launch', prefix: `${QUEUE_PREFIX.launch}:launch:`, isForeign: false, concurrency: null },
  { queue: 'sessions', prefix: `${QUEUE_PREFIX.sessions}:sessions:`, isForeign: false, concurrency: null },
  { queue: 'timers', prefix: `${QUEUE_PREFIX.timers}:timers:`, isForeign: false, concurrency: null },
  {
    queue: INGRESS_QUEUE,
    prefix: `${INGRESS_PREFIX}:${INGRESS_QUEUE}:`,
    isForeign: true,
    concurrency: INGRESS_CONCURRENCY,
  },
  { queue: 'accepted', prefix: `${QUEUE_PREFIX.accepted}:accepted:`, isForeign: false, concurrency: null },
] as const;
