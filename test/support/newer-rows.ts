import type { SessionRef } from '../../src/core/ids';
import type { Redis } from '../../src/redis/connection';
import { keys } from '../../src/redis/keys';

/** The number of a future machine version. */
const NEWER = '99';

/** Restores a row. */
export type MakeReadable = () => Promise<void>;

/**
 * Turns a row into one that a newer version has written: another machine version, an unknown state, members that were
 * renamed or have other types. The fields beside the snapshot stay.
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
