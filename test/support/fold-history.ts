import { Redis } from 'ioredis';
import type { SessionInput, SessionSnapshot } from '../../machines/session/session.types';
import { firstStep, step } from '../../machines/step';
import { refOf } from '../../src/core/ids';
import { ScriptRunner } from '../../src/redis/script-runner';
import { EventLog } from '../../src/store/event-log';
import type { HistoryEntry } from '../../src/store/session-record';
import { SessionStore } from '../../src/store/session-store';
import { readHistory } from './history';
import type { Installation } from './installation';

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
): Promise<{ readonly id: string; readonly row: SessionSnapshot; readonly folded: SessionSnapshot }[]> {
  const redis = new Redis({ path, password });
  const store = new SessionStore(redis, new ScriptRunner(redis));
  const eventLog = new EventLog(redis);
  try {
    const found = await Promise.all(
      ids.map(async id => {
        const ref = refOf('default', id);
        const { record } = await store.read(ref);
        if (record === null) return [];
        const history = await readHistory({ eventLog }, ref);
        return [{ id, row: record.snapshot, folded: foldHistory(history) }];
      }),
    );
    return found.flat();
  } finally {
    redis.disconnect();
  }
}
