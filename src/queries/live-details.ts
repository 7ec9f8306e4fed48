import type { OpenPage } from '../browser/open-pages';
import type { SessionRef } from '../core/ids';
import type { CallPurpose } from '../core/keeper-ticket';
import type { Traffic } from '../core/traffic';
import { requireLive } from '../engine/session-ended';
import type { ActivityStore } from '../store/activity-store';
import type { SessionRecord } from '../store/session-record';
import type { FoundSession, GetSession } from './get-session';

/** The details of a live session that change without a new revision. */
export interface LiveDetails {
  readonly session: FoundSession;
  /** Null: the browser could not be asked, or sleeps. */
  readonly pages: readonly OpenPage[] | null;
  /** Null: it has no forward proxy, or the keeper could not be asked. */
  readonly traffic: Traffic | null;
  readonly clientsAttached: number;
  readonly lastActivityMs: number | null;
  /** When the idle time-out ends the session without further activity; null without an idle time-out. */
  readonly idleExpiresAtMs: number | null;
  /** Since when its browser sleeps; null: it is awake. */
  readonly asleepSinceMs: number | null;
}

/** Reads the live details of a session. */
export type GetLiveDetails = (ref: SessionRef) => Promise<LiveDetails>;

/** Dependencies of {@link liveDetails}. */
export interface LiveDetailsParts {
  readonly getSession: GetSession;
  readonly activity: Pick<ActivityStore, 'attachedClients'>;
  /** Asks a browser for its open pages; null if it cannot be asked. A look does not wake it. */
  readonly openPages: (record: SessionRecord, purpose: CallPurpose) => Promise<readonly OpenPage[] | null>;
  /** Since when the browser sleeps; null also if its keeper cannot be asked. */
  readonly asleepSinceMs: (record: SessionRecord) => Promise<number | null>;
  /** Asks a keeper what has gone through the forward proxy of a browser; null if it cannot be asked. */
  readonly traffic: (record: SessionRecord) => Promise<Traffic | null>;
}

/**
 * @throws ServiceError `session_not_found`, `session_not_live`, or `session_ended` with how it ended; what Redis
 *   throws while it is away.
 */
export function liveDetails(parts: LiveDetailsParts): GetLiveDetails {
  return async ref => {
    const session = await parts.getSession(ref);
    const { record } = session;
    requireLive(record);
    const [{ pages, asleepSinceMs }, traffic, clientsAttached] = await Promise.all([
      unlessAsleep(parts, record),
      parts.traffic(record),
      parts.activity.attachedClients(ref),
    ]);
    return {
      session,
      pages,
      traffic,
      clientsAttached,
      lastActivityMs: record.lastActivityMs,
      idleExpiresAtMs: idleExpiresAtMs(record),
      asleepSinceMs,
    };
  };
}

async function unlessAsleep(
  { openPages, asleepSinceMs }: LiveDetailsParts,
  record: SessionRecord,
): Promise<Pick<LiveDetails, 'pages' | 'asleepSinceMs'>> {
  const { sleepAfterMs } = record.snapshot.context.limits;
  const sinceMs = sleepAfterMs === null ? null : await asleepSinceMs(record);
  return { pages: sinceMs === null ? await openPages(record, 'look') : null, asleepSinceMs: sinceMs };
}

/** When the idle time-out ends a live session without further activity; null without an idle time-out. */
export function idleExpiresAtMs({ snapshot, lastActivityMs }: SessionRecord): number | null {
  const { deadlines, limits } = snapshot.context;
  if (deadlines.idle === undefined || limits.idleTimeoutMs === null) return null;
  return Math.max(deadlines.idle, (lastActivityMs ?? 0) + limits.idleTimeoutMs);
}
