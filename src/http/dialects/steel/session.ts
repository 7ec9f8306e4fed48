import type { SessionData } from '../../../client/session';
import { DEFAULT_DIMENSIONS } from '../../../core/window-layout';
import type { SessionStatus } from '../../../../machines/session/session.words';

/** A session as Steel's clients see it. */
export interface SteelSession {
  readonly id: string;
  readonly createdAt: string;
  readonly status: SteelStatus;
  /** Milliseconds. */
  readonly timeout: number;
  /** Milliseconds. */
  readonly duration: number;
  readonly eventCount: number;
  readonly creditsUsed: number;
  readonly proxyBytesUsed: number;
  readonly proxySource: 'external' | null;
  readonly dimensions: { readonly width: number; readonly height: number };
  readonly optimizeBandwidth: object;
  readonly websocketUrl: string;
  readonly debugUrl: string;
  readonly sessionViewerUrl: string;
  readonly headless: boolean;
  readonly isSelenium: false;
  readonly userAgent?: string;
  readonly inactivityTimeout?: number;
}

/** Steel's words; a session that has timed out is `released` there. */
export type SteelStatus = 'live' | 'released' | 'failed';

/** A session's status in Steel's words. */
export const STEEL_STATUS: Readonly<Record<SessionStatus, SteelStatus>> = {
  created: 'live',
  live: 'live',
  released: 'released',
  timed_out: 'released',
  failed: 'failed',
};

/**
 * A session → Steel's view of it. Clients append `&apiKey=…` to `websocketUrl`, so it has a query.
 *
 * @param url - where clients reach the API
 */
export function steelSession(session: SessionData, url: string): SteelSession {
  const { id, userAgent, idleTimeout } = session;
  const viewer = session.viewerUrl ?? url;
  return {
    id,
    createdAt: session.createdAt,
    status: STEEL_STATUS[session.status],
    timeout: session.timeout,
    duration: session.duration,
    eventCount: 0,
    creditsUsed: 0,
    proxyBytesUsed: 0,
    proxySource: session.proxy === null ? null : 'external',
    dimensions: session.dimensions ?? DEFAULT_DIMENSIONS,
    optimizeBandwidth: {},
    websocketUrl: `${url.replace(/^http/, 'ws')}/steel/?sessionId=${id}`,
    debugUrl: viewer,
    sessionViewerUrl: viewer,
    headless: session.headless,
    isSelenium: false,
    ...(userAgent === null ? {} : { userAgent }),
    ...(idleTimeout === null ? {} : { inactivityTimeout: idleTimeout }),
  };
}
