/// <reference lib="esnext.disposable" preserve="true" />

import type { ForeignOptions } from './foreign-options';

/** The states of a session that goes on. */
export const OPEN_STATUSES = ['created', 'live'] as const;

/** The states in which a session is over. */
export const ENDED_STATUSES = ['released', 'failed', 'timed_out'] as const;

/** @see ENDED_STATUSES */
export type EndedStatus = (typeof ENDED_STATUSES)[number];

/** Where a session is in its life. */
export type SessionStatus = (typeof OPEN_STATUSES)[number] | EndedStatus;

/** What every session has. Times are ISO 8601 in UTC, durations milliseconds. */
export interface SessionFacts {
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
  /** User name and password are told to nobody. */
  readonly proxy: { readonly server: string } | null;
  readonly workerId: string | null;
  /** Rises with every change. */
  readonly revision: number;
  /** A newer version of the service keeps the session: this is what could be read of it. */
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
  /** 1: next in turn; null: does not wait. */
  readonly queuePosition: number | null;
  readonly error: null;
}

/** A session that one can connect to. */
export interface LiveSessionData extends SessionFacts {
  readonly status: 'live';
  readonly endReason: null;
  readonly liveAt: string;
  readonly endedAt: null;
  /** When `timeout` will end it. */
  readonly expiresAt: string;
  /** CDP endpoint of the whole browser, complete and self-authorising. */
  readonly websocketUrl: string;
  readonly queuePosition: null;
  readonly error: null;
}

/** A session that is over. */
export interface EndedSessionData extends SessionFacts {
  readonly status: EndedStatus;
  /** Why it ended, such as `released_by_client` or `session_timeout`. */
  readonly endReason: string;
  /** Null: it never was live. */
  readonly liveAt: string | null;
  readonly endedAt: string;
  readonly expiresAt: string | null;
  readonly websocketUrl: null;
  readonly queuePosition: null;
  /** Why it failed; null if it did not. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** A session as the service has answered it: which members it has follows from its `status`. */
export type SessionData = CreatedSessionData | LiveSessionData | EndedSessionData;

/** What makes a session end at the end of a block with `await using`. */
export interface Releasable {
  [Symbol.asyncDispose](): Promise<void>;
}

/** A session that is not live yet. */
export type CreatedSession = CreatedSessionData & Releasable;

/** A session that is live at the moment it was read. */
export type LiveSession = LiveSessionData & Releasable;

/** A session that has ended. */
export type EndedSession = EndedSessionData & Releasable;

/**
 * A session at the moment it was read; it does not change by itself, `retrieve` reads it again. With `await using` it is
 * released at the end of the block.
 */
export type Session = CreatedSession | LiveSession | EndedSession;

/** A session, or only its id: all that has to be kept. */
export type SessionOrId = string | { readonly id: string };

/** The proxy that all traffic of a browser goes through. */
export interface ProxyOptions {
  /** `http://host:port`, `https://host:port` or `socks5://host:port`. */
  readonly server: string;
  readonly username?: string;
  readonly password?: string;
}

/** A cookie to be set: for a `url`, or for a `domain`. */
export interface NewCookie {
  readonly name: string;
  readonly value: string;
  readonly url?: string;
  readonly domain?: string;
  readonly path?: string;
  /** Epoch seconds; left out: until the session ends. */
  readonly expires?: number;
  readonly httpOnly?: boolean;
  readonly secure?: boolean;
  readonly sameSite?: 'Strict' | 'Lax' | 'None';
  /** Of a partitioned cookie: the site it is kept apart for. */
  readonly partitionKey?: { readonly topLevelSite: string; readonly hasCrossSiteAncestor: boolean };
}

/** What its browser is to be like; null leaves a thing to the service. */
export interface BrowserCreateOptions {
  /** False: with windows, on a display of its own. Default: true. */
  readonly headless?: boolean | null;
  /** The inside of every page, CSS pixels. */
  readonly dimensions?: { readonly width: number; readonly height: number } | null;
  /** Device pixels to a CSS pixel, 0.5 to 4. */
  readonly deviceScaleFactor?: number | null;
  readonly userAgent?: string | null;
  /** A language tag, such as `de-DE`. */
  readonly locale?: string | null;
  /** An IANA name, such as `Europe/Berlin`. */
  readonly timezone?: string | null;
  readonly proxy?: ProxyOptions | null;
  /** In the browser before its first page opens. */
  readonly cookies?: readonly NewCookie[] | null;
}

/** What a session is to be like. Durations are milliseconds. What the service does not offer it refuses: `not_supported`. */
export interface CreateOptions extends BrowserCreateOptions, ForeignOptions {
  /** How long it may be live. Default 300 000. */
  readonly timeout?: number;
  /** Ends it after so long without anything happening. Default: off. */
  readonly idleTimeout?: number | null;
  /** How long it may wait for a free slot. Default 60 000. */
  readonly queueTimeout?: number;
  /** Ends it if nobody connects for so long. Default: off. */
  readonly connectTimeout?: number | null;
  readonly labels?: Readonly<Record<string, string>>;
  readonly name?: string | null;
  /** An id of your own choice. */
  readonly sessionId?: string;
  readonly context?: unknown;
  readonly recording?: boolean | null;
  readonly blockAds?: boolean | null;
}

/** What is to change about a session; what is not named stays. */
export interface UpdateOptions {
  /** In total, from the moment it was live on: a longer one extends it, a shorter one brings its end nearer. */
  readonly timeout?: number;
  /** The same as a moment; not together with `timeout`. */
  readonly expiresAt?: string | Date;
  /** Null switches it off. */
  readonly idleTimeout?: number | null;
  /** Merged into those it has; null removes one. */
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
  /** Bytes, so far. */
  readonly size: number;
  readonly modifiedAt: string;
  /** False: the browser is still writing it, under a name of its own. */
  readonly isComplete: boolean;
  /** Why there is no file: it was cut, since the session had used up its quota. Null for all others. */
  readonly error: 'download_quota_exceeded' | null;
}

/** What changes about a live session without a new revision. */
export interface LiveDetails {
  readonly id: string;
  readonly websocketUrl: string | null;
  /** The same as `websocketUrl`. */
  readonly wsUrl: string | null;
  readonly viewerUrl: string | null;
  /** The same as `viewerUrl`. */
  readonly sessionViewerUrl: string | null;
  readonly pages: readonly OpenPage[];
  /** False: the browser could not be asked, so that `pages` is empty. */
  readonly pagesKnown: boolean;
  readonly clientsAttached: number;
  readonly lastActivityAt: string | null;
  readonly idleExpiresAt: string | null;
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

/** What became of the sessions that `releaseAll` met. */
export interface ReleaseAllResult {
  /** False: not every one could be confirmed; asking again settles it. */
  readonly success: boolean;
  readonly message: string;
  readonly matched: number;
  readonly released: number;
  readonly failed: number;
}

/** The id of what was given. */
export const idOf = (session: SessionOrId): string => (typeof session === 'string' ? session : session.id);

/** Whether it is over. */
export const isEnded = <S extends SessionData>(session: S): session is S & EndedSessionData =>
  ENDED_STATUSES.some(status => status === session.status);
