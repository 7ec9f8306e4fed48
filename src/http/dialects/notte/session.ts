import type { SessionStatus } from '../../../../machines/session/session.words';
import type { SessionViews } from '../../../contract/session-view';
import { iso } from '../../../contract/times';
import { DEFAULT_DIMENSIONS } from '../../../core/window-layout';
import type { FoundSession } from '../../../queries/get-session';

const MINUTE_MS = 60_000;

/** Notte's words. */
export type NotteStatus = 'active' | 'closed' | 'error' | 'timed_out';

/** A session's status in Notte's words; its clients refuse any other. */
export const NOTTE_STATUS: Readonly<Record<SessionStatus, NotteStatus>> = {
  created: 'active',
  live: 'active',
  released: 'closed',
  timed_out: 'timed_out',
  failed: 'error',
};

/** A session as Notte's clients see it. */
export interface NotteSession {
  readonly session_id: string;
  readonly status: NotteStatus;
  /** Whole minutes, as the clients want them. */
  readonly idle_timeout_minutes: number;
  /** The same, under the name of earlier versions. */
  readonly timeout_minutes: number;
  readonly max_duration_minutes: number;
  readonly created_at: string;
  readonly last_accessed_at: string;
  readonly closed_at: string | null;
  /** ISO 8601, such as `PT41.28S`. */
  readonly duration: string;
  readonly error: string | null;
  /** Whether a proxy is used. */
  readonly proxies: boolean;
  readonly headless: boolean;
  readonly user_agent: string | null;
  readonly viewport_width: number;
  readonly viewport_height: number;
  /** Complete and self-authorising. */
  readonly cdp_url: string | null;
  readonly viewer_url: string | null;
  readonly steps: readonly [];
  readonly browser_type: 'chromium';
  readonly use_file_storage: false;
  readonly network_request_bytes: 0;
  readonly network_response_bytes: 0;
  readonly solve_captchas: false;
  readonly web_bot_auth: false;
  readonly auth_ids: readonly [];
  readonly system_hidden: false;
}

/* What the service does not have, or does not count. */
const NOT_HAD = {
  steps: [],
  browser_type: 'chromium',
  use_file_storage: false,
  network_request_bytes: 0,
  network_response_bytes: 0,
  solve_captchas: false,
  web_bot_auth: false,
  auth_ids: [],
  system_hidden: false,
} as const;

/** A session → Notte's view of it. A session without an idle time-out shows its whole duration as one. */
export function notteSession(found: FoundSession, views: SessionViews): NotteSession {
  const session = views.of(found);
  const { width, height } = session.dimensions ?? DEFAULT_DIMENSIONS;
  const { lastActivityMs } = found.record;
  const idleMinutes = minutesOf(session.idleTimeout ?? session.timeout);
  return {
    session_id: session.id,
    status: NOTTE_STATUS[session.status],
    idle_timeout_minutes: idleMinutes,
    timeout_minutes: idleMinutes,
    max_duration_minutes: minutesOf(session.timeout),
    created_at: session.createdAt,
    last_accessed_at: lastActivityMs === null ? (session.liveAt ?? session.createdAt) : iso(lastActivityMs),
    closed_at: session.endedAt,
    duration: `PT${session.duration / 1_000}S`,
    error: session.status === 'failed' ? (session.error?.message ?? session.endReason) : null,
    proxies: session.proxy !== null,
    headless: session.headless,
    user_agent: session.userAgent,
    viewport_width: width,
    viewport_height: height,
    // A session that is not live yet has it, too: clients read it only once.
    cdp_url: session.endedAt === null ? views.websocketUrl(found.record, session.id) : null,
    viewer_url: session.viewerUrl,
    ...NOT_HAD,
  };
}

const minutesOf = (ms: number): number => Math.ceil(ms / MINUTE_MS);
