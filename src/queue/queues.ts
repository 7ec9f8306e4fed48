import { INGRESS_PREFIX, KEY_PREFIX } from '../redis/keys';
import { type OwnQueue, INGRESS_QUEUE, QUEUES, type QueueName } from '../../machines/session/session.words';

/** How many of its jobs are active at a time, in all processes together: this keeps their order. */
export const INGRESS_CONCURRENCY = 1;

/** Key prefixes of Holdfast's own queues; accepted jobs are beside `ingress`, in the same cluster slot. */
export const QUEUE_PREFIX: Readonly<Record<OwnQueue, string>> = {
  launch: KEY_PREFIX,
  sessions: KEY_PREFIX,
  timers: KEY_PREFIX,
  accepted: INGRESS_PREFIX,
};

/** A queue, the prefix of its keys, whether other services write into it, and how many of its jobs may be active. */
export interface QueuePlace {
  readonly queue: QueueName;
  readonly prefix: string;
  readonly isForeign: boolean;
  readonly concurrency: number | null;
}

/** Every queue. */
export const QUEUE_PLACES: readonly QueuePlace[] = QUEUES.map(queue =>
  queue === INGRESS_QUEUE
    ? {
        queue,
        prefix: `${INGRESS_PREFIX}:${queue}:`,
        isForeign: true,
        concurrency: INGRESS_CONCURRENCY,
      }
    : { queue, prefix: `${QUEUE_PREFIX[queue]}:${queue}:`, isForeign: false, concurrency: null },
);
