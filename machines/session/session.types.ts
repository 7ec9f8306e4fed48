import type { BrowserName, ContextConflict, EndReason, SessionValue, TimerKind } from './session.words';

/**
 * What a session remembers. No logic lives here; the words are in session.words.ts.
 *
 * All `…Ms` times are epoch milliseconds of Redis `TIME` (the one clock, see ARCHITECTURE "Clocks");
 * all `…TimeoutMs` are durations in milliseconds.
 */

/**
 * The right to send events for a session's browser: a number that rises with every claim and adoption, and a fresh
 * random id. Both must match (I6): after a rollback of Redis the number alone can repeat.
 */
export interface Fence {
  readonly n: number;
  readonly claimId: string;
}

/** The worker that owns the session's browser, under which fence. */
export interface Owner {
  readonly workerId: string;
  readonly fence: Fence;
}

/** Where the browser's DevTools socket is, and from where it can be reached directly. */
export interface Endpoint {
  /** Loopback port of Chromium's DevTools server in its own network. */
  readonly port: number;
  /** Path of the browser-level socket, `/devtools/browser/<guid>`. */
  readonly path: string;
  /** Kernel boot id of the machine: together with `netns` it shows whether another process shares this loopback. */
  readonly bootId: string;
  /**
   * Network namespace of the keeper. Of a browser that is not reached on its loopback, because it has a namespace of
   * its own or may sleep, `<the keeper's>/<name of the browser>`, which equals that of no other process.
   */
  readonly netns: string;
  /**
   * Path of the Unix socket that leads to the DevTools server of a browser in a namespace of its own, for processes in
   * that of its keeper. Left out where there is none, as by older keepers, and for a browser that may sleep: that one
   * is reached through its keeper only.
   */
  readonly devToolsSocket?: string;
  /** `host:port` of the keeper's gateway for processes on other machines; null when it does not listen. */
  readonly gateway: string | null;
  /** Path of the keeper gateway's Unix socket, for processes on the same machine; null when it has none. */
  readonly gatewaySocket: string | null;
}

/** The durations a session was created with. */
export interface SessionLimits {
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number | null;
  readonly queueTimeoutMs: number;
  readonly connectTimeoutMs: number | null;
  /**
   * Only of a session that was created by a connection: how long it goes on without a client, from its creation on.
   */
  readonly disconnectTimeoutMs: number | null;
  /** Its browser sleeps after so long without anything to do, until it is needed; null: it never sleeps. */
  readonly sleepAfterMs: number | null;
}

/**
 * Options of the browser that are the same in the request, the row, the launch and the answer. The proxy is not among
 * them: its credentials are kept apart, and each of the four shows another part of it.
 */
export interface OptionsBesideProxy {
  /** Null: the one that its worker machine starts by default. */
  readonly browser: BrowserName | null;
  /** False: with windows on a display, also on a worker machine that has no screen. */
  readonly headless: boolean;
  /** The inside of a page's window, in CSS pixels. */
  readonly dimensions: { readonly width: number; readonly height: number } | null;
  /** Device pixels per CSS pixel. */
  readonly deviceScaleFactor: number | null;
  readonly userAgent: string | null;
  /** A BCP 47 tag in canonical form. */
  readonly locale: string | null;
  /** A zone of the IANA database. */
  readonly timezone: string | null;
  /** Null: the browser reaches what the installation permits. */
  readonly egress: SessionEgress | null;
}

/** What a session's browser may reach of what the installation permits. Entries as in `src/config/egress.ts`. */
export interface SessionEgress {
  /** Only these; null: all. */
  readonly allow: readonly string[] | null;
  /** Not these. */
  readonly deny: readonly string[];
}

/**
 * What the browser is started with. Every option holds without a connection from Holdfast, for any client and any
 * number of connections. Null leaves the choice to Chromium.
 */
export interface BrowserOptions extends OptionsBesideProxy {
  /** `scheme://host:port`; user name and password are not here but in {@link SessionContext.sealed}. */
  readonly proxyServer: string | null;
}

/** The context whose current version a session mounts before its browser starts. */
export interface ContextUse {
  readonly contextId: string;
  /** Whether the session saves a new version when it ends, and on demand. */
  readonly persist: boolean;
  readonly onConflict: ContextConflict;
  /** Saves while it is live so long after the last one; null: only on demand. Only with `persist`. */
  readonly saveEveryMs: number | null;
}

/** What became of a save into the session's context. */
export interface ContextSave {
  /** The number of the request for it, which rises in the installation; null: the save of the session's end. */
  readonly saveId: number | null;
  readonly atMs: number;
  /** The version that it made; null if it made none. */
  readonly version: number | null;
  /** Whether that version became the current one. */
  readonly isCurrent: boolean;
  /** Why it made no version: a code and words for the caller; null if it made one. */
  readonly problem: { readonly code: string; readonly message: string } | null;
}

/** Absolute deadlines that are armed right now, by kind. */
export type Deadlines = Readonly<Partial<Record<TimerKind, number>>>;

/** Everything a session remembers; stored as JSON in its row. */
export interface SessionContext {
  readonly tenant: string;
  readonly id: string;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly limits: SessionLimits;
  readonly options: BrowserOptions;
  /**
   * Secrets that a launch needs: proxy credentials and cookies, encrypted by the API process that accepts the session.
   * Null if there are none, and as soon as no launch can need them any more.
   */
  readonly sealed: string | null;
  /** Null: the session starts with an empty profile and saves nothing. */
  readonly contextUse: ContextUse | null;
  /** The version that the browser has started with; 0 if the context had none, null before. */
  readonly mountedVersion: number | null;
  /** The latest save while it was live. That of its end is beside the row's snapshot, which is final by then (I3). */
  readonly lastSave: ContextSave | null;
  readonly createdAtMs: number;
  readonly liveAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly deadlines: Deadlines;
  /** Claims so far; a launch is tried at most {@link MAX_LAUNCH_ATTEMPTS} times. */
  readonly launchAttempts: number;
  /** The highest fence number given out so far; survives the loss of the owner. */
  readonly fenceN: number;
  readonly owner: Owner | null;
  readonly endpoint: Endpoint | null;
  readonly endReason: EndReason | null;
  /** What went wrong, in words for the caller; only for `failed`. */
  readonly error: { readonly code: EndReason; readonly message: string } | null;
}

/** What is decided at creation; `nowMs` is Redis `TIME`. */
export interface SessionInput {
  readonly tenant: string;
  readonly id: string;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly limits: SessionLimits;
  readonly options: BrowserOptions;
  readonly sealed: string | null;
  readonly contextUse: ContextUse | null;
  readonly nowMs: number;
}

/** @see DEFAULT_BROWSER_OPTIONS */
export const DEFAULTS_BESIDE_PROXY: OptionsBesideProxy = {
  browser: null,
  headless: true,
  dimensions: null,
  deviceScaleFactor: null,
  userAgent: null,
  locale: null,
  timezone: null,
  egress: null,
};

/** The options of a session that was created without any. */
export const DEFAULT_BROWSER_OPTIONS: BrowserOptions = { ...DEFAULTS_BESIDE_PROXY, proxyServer: null };

/** How long one launch may take before the machine ends the attempt, whichever worker runs it. */
export const LAUNCH_TIMEOUT_MS = 30_000;

/** How often a launch is tried before the session fails. */
export const MAX_LAUNCH_ATTEMPTS = 2;

/** What the row stores: state value and context, nothing of XState's own bookkeeping (see session.versions.ts). */
export interface SessionSnapshot {
  readonly value: SessionValue;
  readonly context: SessionContext;
}
