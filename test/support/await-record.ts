import type { SessionRef } from '../../src/core/ids';
import type { Deps } from '../../src/deps';
import type { SessionRecord } from '../../src/store/session-record';

/** The record of a session as soon as it satisfies `until`, or when the time is up; null: there is no such session. */
export async function awaitRecord(
  { waiters, sessions }: Pick<Deps, 'waiters' | 'sessions'>,
  ref: SessionRef,
  until: (record: SessionRecord) => boolean,
  timeoutMs: number,
): Promise<SessionRecord | null> {
  const read = async (): Promise<SessionRecord | null> => (await sessions.read(ref)).record;
  return waiters.latest(ref, read, record => record === null || until(record), { timeoutMs });
}
