import type { SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import { StreamTail } from '../redis/stream-tail';

/** How many orders a control stream keeps, about. */
export const CONTROL_MAX = 1_000;

/** An order the commit script gave to the owner of a session that has ended. */
export interface CloseOrder {
  readonly order: 'close';
  readonly ref: SessionRef;
  readonly claimId: string;
  /** The end includes a save of the session's context. Left out by versions before contexts. */
  readonly saves?: boolean;
}

/** A save of the context of a live session has been asked for; which one is in {@link SaveStore}. */
export interface SaveOrder {
  readonly order: 'save';
  readonly ref: SessionRef;
}

/** An operator has drained a worker, or undrained it. */
export interface DrainOrder {
  readonly order: 'drain';
  readonly drained: boolean;
}

/** Every order to a worker. */
export type WorkerOrder = CloseOrder | SaveOrder | DrainOrder;

/** How {@link controlStream} connects, and what it calls. */
export interface ControlStreamOptions {
  /** A connection of its own; it blocks. */
  readonly redis: Redis;
  readonly workerId: string;
  readonly onOrder: (order: WorkerOrder) => void;
  /**
   * Orders may have been missed. The obligation is stored in `closing`; the stream only makes the worker act at once.
   */
  readonly onGap: () => void;
  readonly log: Logger;
}

/** Follows the orders to a worker. */
export function controlStream({ redis, workerId, onOrder, onGap, log }: ControlStreamOptions): StreamTail {
  return new StreamTail({
    redis,
    stream: keys.control(workerId),
    // SAFETY: the stream is written by the commit script, SaveStore and WorkerStore only.
    onEntry: json => onOrder(JSON.parse(json) as WorkerOrder),
    onGap,
    log,
  });
}
