import { Redis } from 'ioredis';
import type { SessionInput, SessionSnapshot } from '../../machines/session/session.types';
import { firstStep, step } from '../../machines/step';
import { refOf } from '../../src/core/ids';
import { keys } from '../../src/redis/keys';
import type { Installation } from './installation';
import type { HistoryEntry } from '../../src/store/session-record';

/**
 * The snapshot that a history leads to (I4): offers its inputs to the machine one after the other.
 *
 * @throws if one of them is missing, or not accepted in its turn.
 */
export function foldHistory([creation, ...transitions]: readonly HistoryEntry[]): SessionSnapshot {
  // SAFETY: the first line of a history holds what the session was created from.
  const { snapshot } = firstStep(creation?.input as SessionInput);
  return transitions.reduce((before, { seq, input }) => {
    if (input === undefined || !('type' in input)) throw new Error(`line ${seq} has no event`);
    const taken = step(before, input);
    if (!taken.accepted) throw new Error(`${input.type} of line ${seq} is not accepted`);
    return taken.snapshot;
  }, snapshot);
}

/** Row and folded history of ended sessions, side by side; sessions that are gone are left out. */
export async function rowsAndFolds(
  { redisSocketPath: path, redisPassword: password }: Pick<Installation, 'redisSocketPath' | 'redisPassword'>,
  ids: readonly string[],
): Promise<{ readonly id: string; readonly row: unknown; readonly folded: SessionSnapshot }[]> {
  const redis = new Redis({ path, password });
  try {
    const found = await Promise.all(
      ids.map(async id => {
        const ref = refOf('default', id);
        const row = await redis.hget(keys.row(ref), 'snap');
        if (row === null) return [];
        const lines = await redis.lrange(keys.history(ref), 0, -1);
        // SAFETY: the list is written by the two commit scripts only.
        const history = lines.map(line => JSON.parse(line) as HistoryEntry);
        // SAFETY: any JSON at all is compared.
        return [{ id, row: JSON.parse(row) as unknown, folded: foldHistory(history) }];
      }),
    );
    return found.flat();
  } finally {
    redis.disconnect();
  }
}
