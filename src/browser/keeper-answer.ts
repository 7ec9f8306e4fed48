import { request, type IncomingMessage } from 'node:http';
import type { SocketAddress } from './dial';

/** A request to a keeper without a body. */
export type KeeperRequestOptions = SocketAddress & {
  readonly path: string;
  readonly method: 'GET' | 'DELETE';
  readonly agent: false;
};

/**
 * The answer of a keeper to a request without a body; the caller reads or destroys it.
 *
 * @throws if it does not begin within a time, or the connection breaks; later breaks are errors of the answer.
 */
export function keeperAnswer(options: KeeperRequestOptions, timeoutMs: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request(options);
    const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    asked.once('response', resolve);
    // Never removed: if the connection breaks later, the reader of the answer gets the error.
    asked.on('error', reject);
    asked.once('response', () => clearTimeout(timer));
    asked.once('close', () => clearTimeout(timer));
    asked.end();
  });
}
