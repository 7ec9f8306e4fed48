/*
 * The closed sets of names, each defined once. Types, checks, labels of metrics and schemas are made from these lists.
 * When a name is added here, the code does not compile until every place that must handle it does (ARCHITECTURE.md).
 */

/** The final states: each absorbs every event (I3). */
export const ENDED_STATUSES = ['released', 'failed', 'timed_out'] as const;

/** @see ENDED_STATUSES */
export type EndedStatus = (typeof ENDED_STATUSES)[number];

/** Every state that clients see, in the order of a session's life. */
export const STATUSES = ['created', 'live', ...ENDED_STATUSES] as const;

/** @see STATUSES */
export type SessionStatus = (typeof STATUSES)[number];

/** A status of a session that has not ended. */
export type OpenStatus = Exclude<SessionStatus, EndedStatus>;

/** Whether a status is final. */
export const isEnded = (status: SessionStatus): status is EndedStatus =>
  ENDED_STATUSES.some(ended => ended === status);

const HAS_BROWSER: Readonly<Record<SessionStatus, boolean>> = {
  created: false,
  live: true,
  released: false,
  failed: false,
  timed_out: false,
};

/** Whether a session of this status has a browser that clients can use. */
export const hasBrowser = (status: SessionStatus): boolean => HAS_BROWSER[status];

/** The statuses of a session that has not ended. */
export const OPEN_STATUSES = STATUSES.filter((status): status is OpenStatus => !isEnded(status));

/** Every state inside a status, as XState keeps it and the row stores it. */
export const SESSION_VALUES = [
  { created: 'queued' },
  { created: 'launching' },
  'live',
  ...ENDED_STATUSES,
] as const;

/** @see SESSION_VALUES */
export type SessionValue = (typeof SESSION_VALUES)[number];

/** Why a session ended (I22: exactly one of these explains every end), and the status that it leads to. */
export const END_REASONS = {
  released_by_client: 'released',
  released_by_bulk: 'released',
  client_closed_browser: 'released',
  client_disconnected: 'released',
  drained: 'released',
  session_timeout: 'timed_out',
  idle_timeout: 'timed_out',
  connect_timeout: 'timed_out',
  queue_timeout: 'failed',
  launch_failed: 'failed',
  context_failed: 'failed',
  browser_crashed: 'failed',
  browser_unresponsive: 'failed',
  resource_limit: 'failed',
  worker_lost: 'failed',
} as const satisfies Record<string, EndedStatus>;

/** @see END_REASONS */
export type EndReason = keyof typeof END_REASONS;

/** Why a session is released from outside. */
export const RELEASE_REASONS = [
  'released_by_client',
  'released_by_bulk',
  'client_disconnected',
  'drained',
] as const satisfies EndReason[];

/** @see RELEASE_REASONS */
export type ReleaseReason = (typeof RELEASE_REASONS)[number];

/** How a browser ended without an order to close it. */
export const BROWSER_GONE_CAUSES = [
  'client_closed_browser',
  'browser_crashed',
  'browser_unresponsive',
  'resource_limit',
] as const satisfies EndReason[];

/** @see BROWSER_GONE_CAUSES */
export type BrowserGoneCause = (typeof BROWSER_GONE_CAUSES)[number];

/**
 * The deadlines that a session can have, in the order of a session's life; each is armed in the state it belongs to,
 * `disconnect` from creation to end.
 */
export const TIMER_KINDS = ['queue', 'launch', 'connect', 'disconnect', 'idle', 'session'] as const;

/** @see TIMER_KINDS */
export type TimerKind = (typeof TIMER_KINDS)[number];

/**
 * What a session does if its context has got another version since it was mounted: its own is kept beside the current
 * one, or becomes the current one, or no other session may save into the context meanwhile.
 */
export const CONTEXT_CONFLICTS = ['keep', 'replace', 'refuse'] as const;

/** @see CONTEXT_CONFLICTS */
export type ContextConflict = (typeof CONTEXT_CONFLICTS)[number];

/** Where the version of a context comes from: the end of a session, a live one, or an import. */
export const VERSION_SOURCES = ['session', 'sync', 'import'] as const;

/** @see VERSION_SOURCES */
export type VersionSource = (typeof VERSION_SOURCES)[number];

/** What can happen to a context. */
export const CONTEXT_CHANGES = ['created', 'updated', 'deleted', 'saved', 'restored'] as const;

/** @see CONTEXT_CHANGES */
export type ContextChange = (typeof CONTEXT_CHANGES)[number];

/** The browsers that a session can have: the whole Chromium, or the smaller one without a user interface. */
export const BROWSERS = ['chromium', 'chromium-headless-shell'] as const;

/** @see BROWSERS */
export type BrowserName = (typeof BROWSERS)[number];

/** The queues that only Holdfast writes. */
export const OWN_QUEUES = ['launch', 'sessions', 'timers', 'accepted'] as const;

/** @see OWN_QUEUES */
export type OwnQueue = (typeof OWN_QUEUES)[number];

/** The queue that other services put jobs into. */
export const INGRESS_QUEUE = 'ingress';

/** Every queue. */
export const QUEUES = [...OWN_QUEUES, INGRESS_QUEUE] as const;

/** @see QUEUES */
export type QueueName = (typeof QUEUES)[number];

/** The jobs that change a session from outside, and the probe that tests the path of such a job. */
const COMMANDS = ['release', 'update', 'probe'] as const;

/** The jobs that other services may put into the queue for them. */
export const INGRESS_JOBS = ['session.create', 'session.extend', 'session.release', 'session.run'] as const;

/** @see INGRESS_JOBS */
export type IngressJobName = (typeof INGRESS_JOBS)[number];

/**
 * The names of jobs on all queues; a delayed job is named after its timer, an accepted one after the job that it
 * continues.
 */
export const JOB_NAMES = ['launch', ...COMMANDS, ...TIMER_KINDS, ...INGRESS_JOBS] as const;
