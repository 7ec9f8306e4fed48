import { projectSession } from '../../machines/session/session.view';
import type { BrowserOptions, EndedStatus } from '../../machines/session/session.types';
import type { SessionRef } from '../core/ids';
import type { FoundSession } from '../queries/get-session';
import { connectToken } from './connect-token';

/** What callers see of every session. Times are ISO 8601 in UTC, durations milliseconds. */
interface SessionFacts {
  readonly id: string;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: string;
  readonly timeout: number;
  readonly idleTimeout: number | null;
  /** How long it has been, or was, live. */
  readonly duration: number;
  readonly viewerUrl: string | null;
  readonly headless: boolean;
  /** The inside of a page, CSS pixels; null: 1280 × 720. With the others null is Chromium's own choice. */
  readonly dimensions: { readonly width: number; readonly height: number } | null;
  readonly deviceScaleFactor: number | null;
  readonly userAgent: string | null;
  readonly locale: string | null;
  readonly timezone: string | null;
  /** Without user name and password, which nobody is told. */
  readonly proxy: { readonly server: string } | null;
  readonly workerId: string | null;
  readonly revision: number;
  /** A newer version of the service keeps the session: this is what could be read of it. */
  readonly isPartial?: true;
}

/** A session that waits for a worker, or is being launched. */
export interface CreatedSessionView extends SessionFacts {
  readonly status: 'created';
  readonly endReason: null;
  readonly liveAt: null;
  readonly endedAt: null;
  readonly expiresAt: null;
  readonly websocketUrl: null;
  /** 1: next in turn; null: does not wait. */
  readonly queuePosition: number | null;
  readonly error: null;
}

/** A session that one can connect to. */
export interface LiveSessionView extends SessionFacts {
  readonly status: 'live';
  readonly endReason: null;
  readonly liveAt: string;
  readonly endedAt: null;
  /** When `timeout` will end it. */
  readonly expiresAt: string;
  /** Browser-level CDP endpoint, complete and self-authorising. */
  readonly websocketUrl: string;
  readonly queuePosition: null;
  readonly error: null;
}

/** A session that is over. */
export interface EndedSessionView extends SessionFacts {
  readonly status: EndedStatus;
  readonly endReason: string;
  /** Null: it never was live. */
  readonly liveAt: string | null;
  readonly endedAt: string;
  readonly expiresAt: string | null;
  readonly websocketUrl: null;
  readonly queuePosition: null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** A session as callers see it: which members it has follows from its `status`. */
export type SessionView = CreatedSessionView | LiveSessionView | EndedSessionView;

/** Makes views; knows where callers reach us and how connect tokens are signed. */
export class SessionViews {
  /** @param publicUrl - without a slash at its end */
  constructor(
    private readonly publicUrl: string,
    private readonly secret: string,
  ) {}

  /** The view of a session. */
  of({ record, nowMs, queuePosition }: FoundSession): SessionView {
    const session = projectSession(record.snapshot);
    const { liveAtMs, endedAtMs } = session;
    // SAFETY: the machine sets together what one status has; the view of every sample is held against the document.
    return {
      id: session.id,
      status: session.status,
      endReason: session.endReason,
      name: session.name,
      labels: session.labels,
      createdAt: iso(session.createdAtMs),
      liveAt: isoOrNull(liveAtMs),
      endedAt: isoOrNull(endedAtMs),
      expiresAt: isoOrNull(session.expiresAtMs),
      timeout: session.timeoutMs,
      idleTimeout: session.idleTimeoutMs,
      duration: liveAtMs === null ? 0 : Math.max(0, (endedAtMs ?? nowMs) - liveAtMs),
      websocketUrl: session.status === 'live' ? this.websocketUrl(record.ref, session.id) : null,
      viewerUrl: null,
      ...optionsView(session.options),
      workerId: session.workerId,
      queuePosition,
      revision: record.revision,
      error: session.error,
      ...(record.isPartial === true ? { isPartial: true } : {}),
    } as SessionView;
  }

  /** Where a CDP client connects to; the same on every call. */
  websocketUrl(ref: SessionRef, id: string): string {
    const origin = this.publicUrl.replace(/^http/, 'ws');
    return `${origin}/v1/sessions/${id}/cdp?token=${connectToken(this.secret, ref)}`;
  }
}

function optionsView({
  proxyServer,
  ...options
}: BrowserOptions): Pick<SessionFacts, keyof typeof options | 'proxy'> {
  return { ...options, proxy: proxyServer === null ? null : { server: proxyServer } };
}

/** Where a session is found: for `Location`. */
export const sessionPath = (id: string): string => `/v1/sessions/${id}`;

/** Epoch milliseconds → ISO 8601. */
export const iso = (ms: number): string => new Date(ms).toISOString();

/** @see iso */
export const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));
