import { hasBrowser } from '../../machines/session/session.words';
import { projectSession } from '../../machines/session/session.view';
import type { BrowserOptions } from '../../machines/session/session.types';
import type { SessionData, SessionFacts } from '../client/session';
import type { SessionRef } from '../core/ids';
import type { FoundSession } from '../queries/get-session';
import { connectToken } from './connect-token';
import type { SessionRecord } from '../store/session-record';
import { sessionContextView } from './context-use';
import { iso, isoOrNull } from './times';
import { viewerToken } from './viewer-token';

/** What the connect token of a session is made of. */
export type TokenSource = Pick<SessionRecord, 'ref' | 'tokenGeneration'>;

/** Makes views of sessions; knows the public URL and how tokens are signed. */
export class SessionViews {
  /** @param publicUrl - without a trailing slash */
  constructor(
    private readonly publicUrl: string,
    private readonly secret: string,
  ) {}

  /**
   * The view of a session.
   *
   * @param mayConnect - false: `websocketUrl` lacks the token, so that it opens nothing by itself
   */
  of({ record, nowMs, queuePosition }: FoundSession, mayConnect = true): SessionData {
    const session = projectSession(record.snapshot);
    const { liveAtMs, endedAtMs } = session;
    // SAFETY: the machine sets the members of one status together; a test checks the view of every sample against the
    // document.
    return {
      id: session.id,
      // The client knows every status.
      status: session.status satisfies SessionData['status'],
      endReason: session.endReason,
      name: session.name,
      labels: session.labels,
      createdAt: iso(session.createdAtMs),
      liveAt: isoOrNull(liveAtMs),
      endedAt: isoOrNull(endedAtMs),
      expiresAt: isoOrNull(session.expiresAtMs),
      timeout: session.timeoutMs,
      idleTimeout: session.idleTimeoutMs,
      sleepAfter: session.sleepAfterMs,
      duration: liveAtMs === null ? 0 : Math.max(0, (endedAtMs ?? nowMs) - liveAtMs),
      websocketUrl: hasBrowser(session.status) ? this.websocketUrl(record, session.id, mayConnect) : null,
      viewerUrl: this.viewerUrl(record.ref, session.id),
      ...optionsView(session.options),
      context: sessionContextView(record),
      traffic: record.traffic,
      workerId: session.workerId,
      queuePosition,
      revision: record.revision,
      error: session.error,
      ...(record.isPartial === true ? { isPartial: true } : {}),
    } as SessionData;
  }

  /** The URL that CDP clients connect to; the same on every call, until its token is rotated. */
  websocketUrl({ ref, tokenGeneration }: TokenSource, id: string, hasToken = true): string {
    const origin = this.publicUrl.replace(/^http/, 'ws');
    const url = `${origin}/v1/sessions/${id}/cdp`;
    return hasToken ? `${url}?token=${connectToken(this.secret, ref, tokenGeneration)}` : url;
  }

  /** The URL of the page that shows the session to people, also after its end; the same on every call. */
  viewerUrl(ref: SessionRef, id: string): string {
    return `${this.publicUrl}/v1/sessions/${id}/view?token=${viewerToken(this.secret, ref)}`;
  }
}

/** The WebSocket URL of one page, made from that of the browser. */
export function pageWebsocketUrl(browserUrl: string, targetId: string): string {
  const url = new URL(browserUrl);
  url.pathname += `/devtools/page/${targetId}`;
  return url.href;
}

function optionsView({
  proxyServer,
  ...options
}: BrowserOptions): Pick<SessionFacts, keyof typeof options | 'proxy'> {
  return { ...options, proxy: proxyServer === null ? null : { server: proxyServer } };
}

/** The path of a session, for `Location`. */
export const sessionPath = (id: string): string => `/v1/sessions/${id}`;
