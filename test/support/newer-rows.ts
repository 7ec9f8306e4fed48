import type { SessionRef } from '../../src/core/ids';
import type { Redis } from '../../src/redis/connection';
import { keys } from '../../src/redis/keys';

/** A machine version of days to come. */
const NEWER = '99';

/** Puts a row back to what it was. */
export type MakeReadable = () => Promise<void>;

/**
 * Makes a row one that a newer version has written: another machine version, a state nobody knows, members that were
 * renamed or have other types. What stands beside the snapshot stays.
 *
 * @param change - what else the newer version has changed in the context
 */
export async function makeNewer(
  redis: Redis,
  ref: SessionRef,
  change: (context: Record<string, unknown>) => Record<string, unknown> = context => context,
): Promise<MakeReadable> {
  const row = keys.row(ref);
  const [mv, snap] = await redis.hmget(row, 'mv', 'snap');
  // SAFETY: a snapshot is an object with a context.
  const { context } = JSON.parse(snap ?? '{}') as { context: Record<string, unknown> };
  const renamed = { ...context, limits: undefined, terms: { timeout: 'PT5M' } };
  const newer = { value: { paused: 'deep' }, context: change(renamed) };
  await redis.hset(row, { mv: NEWER, snap: JSON.stringify(newer) });
  return async () => {
    await redis.hset(row, { mv: mv ?? '', snap: snap ?? '' });
  };
}
