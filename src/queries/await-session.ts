import type { SessionRef } from '../core/ids';
import type { Waiters, WaitOptions } from '../engine/waiters';
import type { SessionRecord } from '../store/session-record';
import type { FoundSession, GetSession } from './get-session';

/** The session to wait for, and how long. */
export interface AwaitRequest extends Pick<WaitOptions, 'firstReadAfterMs' | 'matters'> {
  readonly ref: SessionRef;
  readonly until: (record: SessionRecord) => boolean;
  readonly timeoutMs: number;
  /** Ends the wait early; the answer is the session as last read. */
  readonly signal: AbortSignal;
}

/** Waits for a session to change; answers the session, changed or not. */
export type AwaitSession = (request: AwaitRequest) => Promise<FoundSession>;

/** Dependencies of {@link awaitSession}. */
export interface AwaitSessionParts {
  readonly waiters: Pick<Waiters, 'latest'>;
  readonly getSession: GetSession;
}

/** @throws ServiceError `session_not_found`; what Redis throws while it is away. */
export function awaitSession({ waiters, getSession }: AwaitSessionParts): AwaitSession {
  return async ({ ref, until, ...options }) => {
    const read = (): Promise<FoundSession> => getSession(ref);
    if (options.timeoutMs <= 0) return read();
    return waiters.latest(ref, read, ({ record }) => until(record), options);
  };
}
