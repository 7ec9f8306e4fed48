import type { SessionRef } from '../../src/core/ids';
import type { Deps } from '../../src/deps';
import type { HistoryEntry } from '../../src/store/session-record';

/** Longer than the history of any session under test. */
const LINES_MAX = 10_000;

/** The history of a session, oldest first; empty if there is none. */
export async function readHistory(
  { eventLog }: Pick<Deps, 'eventLog'>,
  ref: SessionRef,
): Promise<readonly HistoryEntry[]> {
  return (await eventLog.historySince(ref, 0, LINES_MAX))?.entries ?? [];
}
