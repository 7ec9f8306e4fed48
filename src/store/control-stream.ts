import type { SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import { StreamTail } from '../redis/stream-tail';

/** An order the commit script gave to the owner of a session that has ended. */
export interface CloseOrder {
  readonly order: 'close';
  readonly ref: SessionRef;
  readonly claimId: string;
}

/** Somebody has drained a worker, or taken that back. */
export interface DrainOrder {
  readonly order: 'drain';
  readonly drained: boolean;
}

/** What a worker can be told. */
export type WorkerOrder = CloseOrder | DrainOrder;

/** What a worker does with its control stream. */
export interface ControlStreamOptions {
  /** A connection of its own; it blocks. */
  readonly redis: Redis;
  readonly workerId: string;
  readonly onOrder: (order: WorkerOrder) => void;
  /** Orders may have been missed: `closing` in the store is the obligation, this is only how it becomes fast. */
  readonly onGap: () => void;
  readonly log: Logger;
}

/** Follows the orders to a worker. */
export function controlStream({ redis, workerId, onOrder, onGap, log }: ControlStreamOptions): StreamTail {
  return new StreamTail({
    redis,
    stream: keys.control(workerId),
    // SAFETY: the stream is written by the commit script and WorkerStore only.
    onEntry: json => onOrder(JSON.parse(json) as WorkerOrder),
    onGap,
    log,
  });
}
