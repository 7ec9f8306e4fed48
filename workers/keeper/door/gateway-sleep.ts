import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { KEEPER_CALL_HEADER } from '../../../src/core/keeper-ticket';
import type { SpliceOptions } from '../../../src/core/splice';
import type { Sleeper } from '../sleep/sleeper';

/** A browser that may sleep. */
export interface MaySleep {
  /** Null: it never sleeps. */
  readonly sleeper: Pick<Sleeper, 'connect' | 'hold' | 'look' | 'whileAwake' | 'asleepSinceMs'> | null;
}

/** The side of a splice that an API process or a worker has opened. */
export type FromApi = Omit<SpliceOptions, 'upstream' | 'upstreamPath' | 'upstreamHost'>;

/** What a connection does for the sleep of its browser. */
export interface Use {
  readonly carry: Pick<FromApi, 'fromClient' | 'onUpstreamBytes'>;
  /** To be called when the connection is closed. */
  readonly end: () => void;
}

/**
 * What a connection means for the sleep of its browser: a call holds it awake, what a client says on it wakes it. Null:
 * it only looks, and the browser sleeps.
 */
export function useOf({ sleeper }: MaySleep, { headers }: IncomingMessage, client: Socket): Use | null {
  if (sleeper === null) return { carry: {}, end: () => undefined };
  const purpose = headers[KEEPER_CALL_HEADER];
  if (purpose !== undefined) {
    const end = purpose === 'look' ? sleeper.look() : sleeper.hold();
    return end && { carry: {}, end };
  }
  const connection = sleeper.connect(bytes => void client.write(bytes));
  const carry = {
    fromClient: (chunk: Buffer) => connection.fromClient(chunk),
    onUpstreamBytes: (chunk: Buffer) => connection.fromBrowser(chunk),
  };
  return { carry, end: () => connection.close() };
}

/** Does some work with a browser while it is awake. */
export const whileAwake = <T>({ sleeper }: MaySleep, work: () => Promise<T>): Promise<T> =>
  sleeper === null ? work() : sleeper.whileAwake(work);

/** Answers since when a browser sleeps, as JSON; null: it is awake. */
export function sendSleep({ sleeper }: MaySleep, response: ServerResponse): Promise<void> {
  const body = JSON.stringify({ asleepSinceMs: sleeper?.asleepSinceMs ?? null });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
  return Promise.resolve();
}
