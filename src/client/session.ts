/// <reference lib="esnext.disposable" preserve="true" />

import type { BrowserCreateOptions, BrowserName } from './browser-options';
import type { ForeignOptions } from './foreign-options';
import type { ContextOptions, SessionContextData } from './session-context';

/** The statuses of a session that has not ended. */
export const OPEN_STATUSES = ['created', 'live'] as const;

/** The statuses of a session that has ended. */
export const ENDED_STATUSES = ['released', 'failed', 'timed_out'] as const;

/** @see ENDED_STATUSES */
export type EndedStatus = (typeof ENDED_STATUSES)[number];

/** The status of a session. */
export type SessionStatus = (typeof OPEN_STATUSES)[number] | EndedStatus;

/** What the browser of a session has sent and received, if it was held to rules of egress or had a proxy. */
export interface SessionTraffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** How many requests the rules have refused. */
  readonly refused: number;
  /** The last ten hosts that were refused. */
  readonly refusedHosts: readonly string[];
}

/** The members that every session has. Times are ISO 8601 in UTC, durations milliseconds. */
export interface SessionFacts {
  readonly id: string;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: string;
  readonly timeout: number;
  readonly idleTimeout: number | null;
  /** After so long without anything to do its browser sleeps until it is needed; null: it never sleeps. */
  readonly sleepAfter: number | null;
  /** How long it has been, or was, live. */
  readonly duration: number;
  /** A page that shows the session to people, read-only; it contains a token. Also after the end. */
  readonly viewerUrl: string;
  /** Null: what the service starts by default. */
  readonly browser: BrowserName | null;
  readonly headless: boolean;
  /** The inside of a page, CSS pixels; null: 1280 × 720. For the next options null is Chromium's default. */
  readonly dimensions: { readonly width: number; readonly height: number } | null;
  readonly deviceScaleFactor: number | null;
  readonly userAgent: string | null;
  readonly locale: string | null;
  readonly timezone: string | null;
  /** What its browser may reach of what the installation permits; null: all of that. */
  readonly egress: { readonly allow: readonly string[] | null; readonly deny: readonly string[] } | null;
  /** User name and password are never returned. */
  readonly proxy: { readonly server: string } | null;
  /** Null: the session was created without a context. */
  readonly context: SessionContextData | null;
  /** What has gone through its forward proxy, once its browser is gone; null: it had none. */
  readonly traffic: SessionTraffic | null;
  readonly workerId: string | null;
  /** Rises with every change. */
  readonly revision: number;
  /** A newer version of the service manages the session: only this part could be read. */
  readonly isPartial?: true;
}

/** A session that waits for a slot, or is being launched. */
export interface CreatedSessionData extends SessionFacts {
  readonly status: 'created';
  readonly endReason: null;
  readonly liveAt: null;
  readonly endedAt: null;
  readonly expiresAt: null;
  readonly websocketUrl: null;
  /** 1: next in the queue; null: the session does not wait. */
  readonly queuePosition: number | null;
  readonly error: null;
}

/** A session that clients can connect to. */
export interface LiveSessionData extends SessionFacts {
  readonly status: 'live';
  readonly endReason: null;
  readonly liveAt: string;
  readonly endedAt: null;
  /** When `timeout` ends it. */
  readonly expiresAt: string;
  /** CDP endpoint of the whole browser, complete and self-authorising. */
  readonly websocketUrl: string;
  readonly queuePosition: null;
  readonly error: null;
}

/** A session that has ended. */
export interface EndedSessionData extends SessionFacts {
  readonly status: EndedStatus;
  /** Why it ended, such as `released_by_client` or `session_timeout`. */
  readonly endReason: string;
  /** Null: it was never live. */
  readonly liveAt: string | null;
  readonly endedAt: string;
  readonly expiresAt: string | null;
  readonly websocketUrl: null;
  readonly queuePosition: null;
  /** Why it failed; null if it did not. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** A session as the service has answered it; its members depend on its `status`. */
export type SessionData = CreatedSessionData | LiveSessionData | EndedSessionData;

/** Releases a session at the end of a block with `await using`. */
export interface Releasable {
  [Symbol.asyncDispose](): Promise<void>;
}

/** A session that is not live yet. */
export type CreatedSession = CreatedSessionData & Releasable;

/** A session that was live when it was read. */
export type LiveSession = LiveSessionData & Releasable;

/** A session that has ended. */
export type EndedSession = EndedSessionData & Releasable;

/**
 * A session at the time it was read. The object does not change; `retrieve` reads the session again. With `await using`
 * it is released at the end of the block.
 */
export type Session = CreatedSession | LiveSession | EndedSession;

/** A session, or only its id, which is enough for every method. */
export type SessionOrId = string | { readonly id: string };

/**
 * Options of a new session. Durations are milliseconds. The service refuses what it does not offer: `not_supported`.
 */
export interface CreateOptions extends BrowserCreateOptions, ForeignOptions {
  /** How long it may be live. Default 300 000. */
  readonly timeout?: number;
  /** Ends it after so long without activity. Default: off. */
  readonly idleTimeout?: number | null;
  /** How long it may wait for a free slot. Default 60 000. */
  readonly queueTimeout?: number;
  /** Ends it if no client connects for so long. Default: off. */
  readonly connectTimeout?: number | null;
  /** Lets its browser sleep after so long without anything to do, until it is needed. Default: off. */
  readonly sleepAfter?: number | null;
  readonly labels?: Readonly<Record<string, string>>;
  readonly name?: string | null;
  /** An id that you choose. */
  readonly sessionId?: string;
  /** Where logins are kept between sessions. */
  readonly context?: ContextOptions | null;
  readonly recording?: boolean | null;
  readonly blockAds?: boolean | null;
}

/** Changes to a session; other members stay as they are. */
export interface UpdateOptions {
  /** The total duration since it went live: a longer one extends the session, a shorter one ends it earlier. */
  readonly timeout?: number;
  /** The same as a time; not together with `timeout`. */
  readonly expiresAt?: string | Date;
  /** Null switches it off. */
  readonly idleTimeout?: number | null;
  /** Merged into the existing labels; null removes one. */
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly name?: string | null;
}

/** One page that is open in a session's browser. */
export interface OpenPage {
  readonly id: string;
  readonly url: string;
  readonly title: string;
}

/** A file in a live session's folder for downloads. */
export interface SessionDownload {
  readonly name: string;
  /** Bytes written so far. */
  readonly size: number;
  readonly modifiedAt: string;
  /** False: the browser is still writing it, under a name of its own. */
  readonly isComplete: boolean;
  /** Why there is no file: the download was cut because the session had used up its quota. Null for all others. */
  readonly error: 'download_quota_exceeded' | null;
}

/** A file that a client has put beside the browser of a live session. */
export interface SessionUpload {
  readonly name: string;
  /** The path of the file for the browser, as `uploadFile` of Puppeteer and `DOM.setFileInputFiles` take it. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly uploadedAt: string;
}

/** The details of a live session that change without a new revision. */
export interface LiveDetails {
  readonly id: string;
  readonly websocketUrl: string | null;
  /** The same as `websocketUrl`. */
  readonly wsUrl: string | null;
  readonly viewerUrl: string;
  /** The same as `viewerUrl`. */
  readonly sessionViewerUrl: string;
  readonly pages: readonly OpenPage[];
  /** False: the browser could not be asked, so that `pages` is empty. */
  readonly pagesKnown: boolean;
  /** So far; null: it has no forward proxy, or could not be asked. Left out by earlier versions of the service. */
  readonly traffic?: SessionTraffic | null;
  readonly clientsAttached: number;
  readonly lastActivityAt: string | null;
  readonly idleExpiresAt: string | null;
  /** Since when its browser sleeps, see `sleepAfter`; then its pages are not known. Null: it is awake. */
  readonly asleepSince: string | null;
}

/** One entry of a session's history. */
export interface SessionEvent {
  /** 1, 2, 3 … without gaps. */
  readonly seq: number;
  readonly at: string;
  readonly event: string;
  readonly from: SessionStatus | null;
  readonly to: SessionStatus;
  /** Why it happened. */
  readonly cause: string;
  /** Who made it happen. */
  readonly actor: string;
}

/** The outcome of `releaseAll`. */
export interface ReleaseAllResult {
  /** False: some could not be confirmed; a repeat settles them. */
  readonly success: boolean;
  readonly message: string;
  readonly matched: number;
  readonly released: number;
  readonly failed: number;
}

/** The id of a session. */
export const idOf = (session: SessionOrId): string => (typeof session === 'string' ? session : session.id);

/** Whether a session has ended. */
export const isEnded = <S extends SessionData>(session: S): session is S & EndedSessionData =>
  ENDED_STATUSES.some(status => status === session.status);
