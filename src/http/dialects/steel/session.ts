import { connectToken } from '../../../contract/connect-token';
import { DEFAULT_DIMENSIONS } from '../../../core/window-layout';
import type { FoundSession } from '../../../queries/get-session';
import type { SessionStatus } from '../../../../machines/session/session.words';
import type { DialectParts } from '../dialect';

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
  readonly solveCaptcha: false;
  readonly userAgent?: string;
  readonly inactivityTimeout?: number;
  readonly profileId?: string;
  readonly persistProfile?: boolean;
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

/** Makes Steel's view of a session. */
export type SteelView = (found: FoundSession) => SteelSession;

/** @see SteelView */
export function steelView({ service: { views }, url, secret }: DialectParts): SteelView {
  const tokenOf = ({ record: { ref, tokenGeneration } }: FoundSession): string =>
    connectToken(secret, ref, tokenGeneration);
  return found => {
    const session = views.of(found);
    const { id, createdAt, timeout, userAgent, idleTimeout, context } = session;
    const viewer = session.viewerUrl;
    return {
      ...{ id, createdAt, status: STEEL_STATUS[session.status], timeout },
      duration: Math.round(session.duration),
      eventCount: 0,
      creditsUsed: 0,
      proxyBytesUsed: 0,
      proxySource: session.proxy === null ? null : 'external',
      dimensions: session.dimensions ?? DEFAULT_DIMENSIONS,
      optimizeBandwidth: {},
      // Clients append `&apiKey=…`, so there must be a query.
      websocketUrl: `${url.replace(/^http/, 'ws')}/steel/?sessionId=${id}&token=${tokenOf(found)}`,
      debugUrl: viewer,
      sessionViewerUrl: viewer,
      headless: session.headless,
      isSelenium: false,
      solveCaptcha: false,
      ...(userAgent === null ? {} : { userAgent }),
      ...(idleTimeout === null ? {} : { inactivityTimeout: idleTimeout }),
      ...(context === null ? {} : { profileId: context.id, persistProfile: context.persist }),
    };
  };
}
