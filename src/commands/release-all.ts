import { OPEN_STATUSES } from '../../machines/session/session.words';
import { ServiceError, messageOf } from '../core/errors';
import type { SessionRef } from '../core/ids';
import { isRedisAway } from '../redis/errors';
import type { SessionIndex, Selection } from '../store/session-index';
import type { ReleaseSession, Released } from './release-session';

/** How many sessions are released at a time. */
const PARALLEL = 50;

const PAGE_SIZE = 500;

/** Which of a tenant's created and live sessions to release. */
export interface ReleaseAllRequest {
  readonly tenant: string;
  /** `statuses` of ended sessions have no effect here. */
  readonly selection: Selection;
  /** Only count them. */
  readonly dryRun: boolean;
  /** Whether to wait until the browsers are gone. */
  readonly untilClosed: boolean;
  readonly actor: string;
}

/** The outcome. A session that ended by itself meanwhile counts as released. */
export interface ReleaseAllResult {
  readonly matched: number;
  readonly released: number;
  /** Sessions whose end could not be confirmed; a repeat settles them. */
  readonly failed: number;
}

/** Releases many sessions. */
export type ReleaseAll = (request: ReleaseAllRequest) => Promise<ReleaseAllResult>;

/** Dependencies of {@link releaseAll}. */
export interface ReleaseAllParts {
  readonly index: Pick<SessionIndex, 'page'>;
  readonly releaseSession: ReleaseSession;
}

/**
 * Releases every created and live session of a tenant, or those with certain labels. Each is released separately: some
 * may be confirmed and others not.
 *
 * @throws the first error, if no release could be confirmed.
 */
export function releaseAll({ index, releaseSession }: ReleaseAllParts): ReleaseAll {
  return async ({ tenant, selection, dryRun, untilClosed, actor }) => {
    const refs = await collect(index, tenant, selection);
    if (dryRun) return { matched: refs.length, released: 0, failed: 0 };

    const waiting = [...refs];
    const closings: Promise<unknown>[] = [];
    let released = 0;
    const failures: Error[] = [];
    let redisIsAway = false;
    const lane = async (): Promise<void> => {
      // No further release is started once Redis is away: it is away for all of them, and the caller waits.
      for (let ref = waiting.pop(); ref !== undefined && !redisIsAway; ref = waiting.pop()) {
        try {
          const ended = await releaseOne(releaseSession, ref, actor);
          released += 1;
          if (untilClosed && ended !== null) closings.push(ended.closed());
        } catch (error) {
          failures.push(error instanceof Error ? error : new Error(messageOf(error)));
          redisIsAway ||= isRedisAway(error);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL, refs.length) }, lane));
    const [firstFailure] = failures;
    if (released === 0 && firstFailure !== undefined) throw firstFailure;
    await Promise.all(closings);
    return { matched: refs.length, released, failed: refs.length - released };
  };
}

/* Null: retention has forgotten the session since the page was read, so it had ended. */
async function releaseOne(
  releaseSession: ReleaseSession,
  ref: SessionRef,
  actor: string,
): Promise<Released | null> {
  try {
    return await releaseSession({ ref, reason: 'released_by_bulk', actor, requestKey: null });
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'session_not_found') return null;
    throw error;
  }
}

/* One walk over both sets: a session that becomes live is at any moment in exactly one of them. */
async function collect(
  index: Pick<SessionIndex, 'page'>,
  tenant: string,
  selection: Selection,
): Promise<SessionRef[]> {
  const { statuses: wanted } = selection;
  const statuses = OPEN_STATUSES.filter(status => wanted.length === 0 || wanted.includes(status));
  if (statuses.length === 0) return [];
  const found: SessionRef[] = [];
  let cursor: string | null = null;
  do {
    const page = await index.page({ ...selection, statuses, tenant, cursor, limit: PAGE_SIZE });
    found.push(...page.refs);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return found;
}
