import { DeadlineExceededError } from '../../src/core/abort';
import type { TestRedis } from './redis';
import { pollUntil } from './poll-until';

/**
 * Fails if Redis holds a key that none of the patterns allows.
 *
 * @param allowed - what a key may look like, such as `/^\{hf\}:secret$/`
 */
export async function assertOnlyKeys(redis: TestRedis, allowed: readonly RegExp[]): Promise<void> {
  const listed = await redis.cli('--scan');
  const keys = listed === '' ? [] : listed.split('\n');
  const unexpected = keys.filter(key => !allowed.some(pattern => pattern.test(key)));
  if (unexpected.length > 0)
    throw new Error(`unexpected keys in Redis:\n  ${unexpected.sort().join('\n  ')}`);
}

/** The server notices the end of a connection a moment after the client has closed it. */
const NOTICED_WITHIN_MS = 500;

/** Fails if any client except the asking redis-cli is still connected. */
export async function assertNoClients(redis: TestRedis): Promise<void> {
  let clients: string[] = [];
  const noneLeft = async (): Promise<true | undefined> => {
    const lines = (await redis.cli('client', 'list')).split('\n');
    clients = lines.filter(line => !line.includes('cmd=client'));
    return clients.length === 0 ? true : undefined;
  };
  try {
    await pollUntil('the last client', { timeoutMs: NOTICED_WITHIN_MS, everyMs: 10 }, noneLeft);
  } catch (error) {
    if (!(error instanceof DeadlineExceededError)) throw error;
    throw new Error(`still connected to Redis:\n  ${clients.join('\n  ')}`, { cause: error });
  }
}
