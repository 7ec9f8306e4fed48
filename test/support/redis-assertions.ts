import type { TestRedis } from './redis';

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

/** Fails if anybody but the asking redis-cli is still connected. */
export async function assertNoClients(redis: TestRedis): Promise<void> {
  const clients = (await redis.cli('client', 'list'))
    .split('\n')
    .filter(line => !line.includes('cmd=client'));
  if (clients.length > 0) throw new Error(`still connected to Redis:\n  ${clients.join('\n  ')}`);
}
