import { BROWSERS } from '../../../machines/session/session.words';
import { z } from 'zod';
import {
  type EndReason,
  STATUSES,
  END_REASONS,
  ENDED_STATUSES,
  CONTEXT_CONFLICTS,
} from '../../../machines/session/session.words';
import { QUOTA_NAMES } from '../../config/quotas';
import { ERROR_CATALOGUE, type ErrorCode } from '../../core/errors';
import type { Problem } from '../edge/problem';
import type {
  CreatedSessionData,
  EndedSessionData,
  LiveSessionData,
  SessionData,
  SessionTraffic,
} from '../../client/session';
import type { ContextSaveData, SessionContextData } from '../../client/session-context';

/*
 * The answers of the service, as schemas for the OpenAPI document. Nothing is validated with them at run time. The
 * compiler checks them against the types of the answers where there are any, and a test checks them against real
 * answers.
 */

const status = z.enum(STATUSES);
// SAFETY: the keys of the literal are its type's.
const endReason = z.enum(Object.keys(END_REASONS) as EndReason[]);
const time = z.string().meta({ format: 'date-time', description: 'ISO 8601, UTC.' });
const count = z.int().min(0);
const milliseconds = z.int().min(0).describe('Milliseconds.');

const NULL_IS_DEFAULT = 'Null: the default of Chromium.';

/** What became of a save of a context. */
const contextSaveAnswer = z.object({
  id: z
    .int()
    .nullable()
    .describe("Rises with every request for a save. Null: the save at the session's end."),
  at: time,
  version: z.int().min(1).nullable().describe('Null: the save made none, for the reason in `error`.'),
  isCurrent: z.boolean().describe('Whether the version became the current one.'),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
}) satisfies z.ZodType<ContextSaveData>;

const sessionContext = z.object({
  id: z.string(),
  persist: z.boolean(),
  onConflict: z.enum(CONTEXT_CONFLICTS),
  saveEvery: milliseconds.nullable(),
  version: z
    .int()
    .min(1)
    .nullable()
    .describe('The version that the browser has started with. Null: none, or the session is not live yet.'),
  lastSave: contextSaveAnswer.nullable(),
}) satisfies z.ZodType<SessionContextData>;

const sessionTraffic = z.object({
  sentBytes: count.describe('From the browser to its forward proxy.'),
  receivedBytes: count,
  refused: count.describe('How many requests the rules of egress have refused.'),
  refusedHosts: z.array(z.string()).readonly().describe('The last hosts that were refused, at most ten.'),
}) satisfies z.ZodType<SessionTraffic>;

const sessionFacts = {
  id: z.string(),
  name: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  createdAt: time,
  timeout: milliseconds,
  idleTimeout: milliseconds.nullable(),
  sleepAfter: milliseconds.nullable(),
  duration: milliseconds.describe(
    'How long the session has been live, or was live until it ended, in milliseconds.',
  ),
  viewerUrl: z
    .string()
    .describe(
      'A page that shows the session to people, with a token: anyone who has this URL can look on. It also ' +
        'shows how the session ended.',
    ),
  browser: z.enum(BROWSERS).nullable().describe('Null: what the service starts by default.'),
  headless: z.boolean(),
  dimensions: z
    .object({ width: z.int(), height: z.int() })
    .nullable()
    .describe('The viewport of a page, in CSS pixels. Null: 1280 × 720.'),
  deviceScaleFactor: z.number().nullable().describe(NULL_IS_DEFAULT),
  userAgent: z.string().nullable().describe(NULL_IS_DEFAULT),
  locale: z.string().nullable().describe(NULL_IS_DEFAULT),
  timezone: z.string().nullable().describe(NULL_IS_DEFAULT),
  egress: z
    .object({ allow: z.array(z.string()).readonly().nullable(), deny: z.array(z.string()).readonly() })
    .nullable()
    .describe('What the browser may reach of what the installation permits. Null: all of that.'),
  proxy: z
    .object({ server: z.string() })
    .nullable()
    .describe('Without user name and password: no answer contains them.'),
  context: sessionContext.nullable().describe('Null: the session was created without a context.'),
  traffic: sessionTraffic.nullable().describe('Through its forward proxy. Null: none, or not gone yet.'),
  workerId: z.string().nullable(),
  revision: z.int().min(1).describe('Rises with every change; the `ETag`.'),
  isPartial: z
    .literal(true)
    .exactOptional()
    .describe('A newer version of the service wrote the session. This version could read only a part of it.'),
};

const none = z.null();

/** A session that waits for a worker, or is being launched. */
export const createdSessionAnswer = z.object({
  status: z.literal('created'),
  ...sessionFacts,
  endReason: none,
  liveAt: none,
  endedAt: none,
  expiresAt: none,
  websocketUrl: none,
  queuePosition: z.int().min(1).nullable().describe('1: the next in line. Null: the session does not wait.'),
  error: none,
}) satisfies z.ZodType<CreatedSessionData>;

/** A session that clients can connect to. */
export const liveSessionAnswer = z.object({
  status: z.literal('live'),
  ...sessionFacts,
  endReason: none,
  liveAt: time,
  endedAt: none,
  expiresAt: time.describe('When `timeout` ends the session.'),
  websocketUrl: z
    .string()
    .describe(
      'The CDP endpoint of the browser, with a token: anyone who has this URL can control the browser.',
    ),
  queuePosition: none,
  error: none,
}) satisfies z.ZodType<LiveSessionData>;

/** A session that has ended. */
export const endedSessionAnswer = z.object({
  status: z.enum(ENDED_STATUSES).describe('Final.'),
  ...sessionFacts,
  endReason: endReason.describe('Why the session ended.'),
  liveAt: time.nullable().describe('Null: the session was never live.'),
  endedAt: time,
  expiresAt: time.nullable(),
  websocketUrl: none,
  queuePosition: none,
  error: z
    .object({ code: z.string(), message: z.string() })
    .nullable()
    .describe('What went wrong, if the session failed.'),
}) satisfies z.ZodType<EndedSessionData>;

/** One session; its members depend on its `status`. */
export const sessionAnswer = z.discriminatedUnion('status', [
  createdSessionAnswer,
  liveSessionAnswer,
  endedSessionAnswer,
]) satisfies z.ZodType<SessionData>;

/** A page of sessions. */
export const sessionListAnswer = z.object({
  sessions: z
    .array(sessionAnswer)
    .describe('Newest first. May be fewer than `limit` although `hasMore` is true.'),
  nextCursor: z.string().nullable(),
  hasMore: z.boolean(),
});

/** The details of a live session that change without a new revision. */
export const liveDetailsAnswer = z.object({
  id: z.string(),
  websocketUrl: z.string().nullable(),
  wsUrl: z.string().nullable().describe('The same as `websocketUrl`.'),
  viewerUrl: z.string(),
  sessionViewerUrl: z.string().describe('The same as `viewerUrl`.'),
  pages: z.array(z.object({ id: z.string(), url: z.string(), title: z.string() })),
  pagesKnown: z.boolean().describe('False: the browser did not answer, so `pages` is not known.'),
  traffic: sessionTraffic.nullable().describe('So far. Null: no forward proxy, or it could not be asked.'),
  clientsAttached: count,
  lastActivityAt: time.nullable(),
  idleExpiresAt: time.nullable(),
  asleepSince: time.nullable().describe('Since when its browser sleeps. Null: it is awake.'),
});

/** One line of a session's history. */
export const sessionEventAnswer = z.object({
  seq: z.int().min(1).describe('1, 2, 3 … without gaps.'),
  at: time,
  event: z.string(),
  from: status.nullable().describe('Null: the session was created.'),
  to: status,
  cause: z.string().describe('Why it happened.'),
  actor: z.string().describe('Who caused it: `key:…`, `timer`, `worker:…`, `sweep`, `gateway`.'),
});

/** A page of a session's history. */
export const sessionEventsAnswer = z.object({
  events: z.array(sessionEventAnswer),
  nextCursor: z.string().nullable().describe('`after` for the next page. Null: there is none.'),
  hasMore: z.boolean(),
});

/** The outcome of a bulk release. */
export const releaseAllAnswer = z.object({
  success: z.boolean().describe('False: not every release was confirmed. Repeat the request.'),
  message: z.string(),
  matched: count,
  released: count,
  failed: count,
});

/** The data of a `transition` on the stream of all sessions. */
export const transitionAnswer = z.object({
  sessionId: z.string(),
  revision: z.int().min(1),
  at: time,
  event: z.string(),
  from: status.nullable(),
  to: status,
  endReason: endReason.nullable(),
});

// SAFETY: as above; the catalogue's keys are the codes.
const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];

/** Every error (RFC 9457). */
export const problemAnswer: z.ZodType<Problem> = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  code: z.enum(codes),
  message: z.string().describe('The same as `detail`.'),
  requestId: z.string().describe('As in the header `X-Request-Id` and in the logs of the service.'),
  retryable: z.boolean().describe('Whether the same request may succeed if it is repeated.'),
  errors: z.array(
    z.object({
      pointer: z
        .string()
        .describe('A JSON Pointer (RFC 6901) into the body, or a name after `query/` or `header/`.'),
      message: z.string(),
    }),
  ),
  contextId: z.string().optional().describe('Only in `context_exists`: the context that has the name.'),
  quota: z.enum(QUOTA_NAMES).optional().describe('Only in `quota_exceeded`: which one is used up.'),
  sessionId: z.string().optional().describe('Only in errors about a session that has ended.'),
  sessionStatus: status.optional().describe('Only in errors about a session that has ended.'),
  endReason: endReason.nullish().describe('Only in errors about a session that has ended.'),
});
