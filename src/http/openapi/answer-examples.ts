import type { z } from 'zod';
import { DEFAULTS_BESIDE_PROXY } from '../../../machines/session/session.types';
import type { contextChangeAnswer } from './context-operations';
import type { Problem } from '../edge/problem';
import type { ContextData, ContextVersionData } from '../../client/contexts';
import type { CreatedSessionData, EndedSessionData, LiveSessionData } from '../../client/session';
import type {
  liveDetailsAnswer,
  releaseAllAnswer,
  sessionEventAnswer,
  sessionListAnswer,
  transitionAnswer,
} from './answers';

/* One example session and one example context, used in the whole document. */

/** The ids used in examples. */
export const EXAMPLE_IDS = {
  session: '01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5',
  context: 'ctx_01a1f7a3-7f86-7a10-9c55-0f6b7c1d2e3f',
  worker: '4ace64b4-bc6e-49c6-b6bb-b206c1a08217',
} as const;

const SESSION: LiveSessionData = {
  id: EXAMPLE_IDS.session,
  status: 'live',
  endReason: null,
  name: 'nightly',
  labels: { team: 'a' },
  createdAt: '2030-01-31T06:27:30.712Z',
  liveAt: '2030-01-31T06:27:30.992Z',
  endedAt: null,
  expiresAt: '2030-01-31T06:37:30.992Z',
  timeout: 600_000,
  idleTimeout: 60_000,
  sleepAfter: null,
  duration: 0,
  websocketUrl: `ws://127.0.0.1:3000/v1/sessions/${EXAMPLE_IDS.session}/cdp?token=default.uVMd…`,
  viewerUrl: `http://127.0.0.1:3000/v1/sessions/${EXAMPLE_IDS.session}/view?token=default.k3Jq…`,
  ...DEFAULTS_BESIDE_PROXY,
  proxy: null,
  context: null,
  traffic: null,
  workerId: EXAMPLE_IDS.worker,
  queuePosition: null,
  revision: 3,
  error: null,
};

const CREATED: CreatedSessionData = {
  ...SESSION,
  status: 'created',
  liveAt: null,
  expiresAt: null,
  websocketUrl: null,
  workerId: null,
  queuePosition: 2,
  revision: 1,
};

const ENDED: EndedSessionData = {
  ...SESSION,
  status: 'released',
  endReason: 'released_by_client',
  endedAt: '2030-01-31T06:29:12.407Z',
  duration: 101_415,
  traffic: { sentBytes: 48_213, receivedBytes: 1_204_551, refused: 1, refusedHosts: ['ads.example'] },
  websocketUrl: null,
  revision: 4,
};

const EVENT: z.infer<typeof sessionEventAnswer> = {
  seq: 3,
  at: '2030-01-31T06:27:30.992Z',
  event: 'browser_ready',
  from: 'created',
  to: 'live',
  cause: 'browser_ready',
  actor: `worker:${EXAMPLE_IDS.worker}`,
};

const LIST: z.infer<typeof sessionListAnswer> = { sessions: [SESSION], nextCursor: null, hasMore: false };

const LIVE: z.infer<typeof liveDetailsAnswer> = {
  id: SESSION.id,
  websocketUrl: SESSION.websocketUrl,
  wsUrl: SESSION.websocketUrl,
  viewerUrl: SESSION.viewerUrl,
  sessionViewerUrl: SESSION.viewerUrl,
  pages: [{ id: '9F4A3C0E6B1D2A7788C5E0F1A2B3C4D5', url: 'https://example.org/', title: 'Example Domain' }],
  pagesKnown: true,
  traffic: { sentBytes: 12_071, receivedBytes: 603_118, refused: 0, refusedHosts: [] },
  clientsAttached: 1,
  lastActivityAt: '2030-01-31T06:28:02.105Z',
  idleExpiresAt: '2030-01-31T06:29:02.105Z',
  asleepSince: null,
};

const RELEASED: z.infer<typeof releaseAllAnswer> = {
  success: true,
  message: 'All sessions released successfully',
  matched: 3,
  released: 3,
  failed: 0,
};

const TRANSITION: z.infer<typeof transitionAnswer> = {
  sessionId: SESSION.id,
  revision: 3,
  at: EVENT.at,
  event: 'browser_ready',
  from: 'created',
  to: 'live',
  endReason: null,
};

const CONTEXT: ContextData = {
  id: EXAMPLE_IDS.context,
  name: 'github',
  labels: { team: 'a' },
  createdAt: '2030-01-31T06:27:30.712Z',
  updatedAt: '2030-01-31T06:29:12.407Z',
  currentVersion: 3,
  latestVersion: 3,
  bytes: 912_384,
  revision: 5,
};

const CONTEXT_VERSION: ContextVersionData = {
  version: 3,
  isCurrent: true,
  createdAt: CONTEXT.updatedAt,
  bytes: 304_128,
  source: 'session',
  sessionId: SESSION.id,
  baseVersion: 2,
  chromiumVersion: '156.0.7943.0',
};

const CONTEXT_CHANGE: z.infer<typeof contextChangeAnswer> = {
  contextId: CONTEXT.id,
  change: 'saved',
  revision: CONTEXT.revision,
  at: CONTEXT.updatedAt,
  version: 3,
  isCurrent: true,
};

const PROBLEM: Problem = {
  type: 'urn:holdfast:error:session_not_found',
  title: 'No such session',
  status: 404,
  detail: 'There is no such session.',
  instance: '/v1/sessions/unknown',
  code: 'session_not_found',
  message: 'There is no such session.',
  requestId: 'k3J9xQ2mT7aB1cZ0',
  retryable: false,
  errors: [],
};

/** An example of each schema that has a name in the document. */
export const ANSWER_EXAMPLES: Readonly<Record<string, unknown>> = {
  Session: SESSION,
  CreatedSession: CREATED,
  LiveSession: SESSION,
  EndedSession: ENDED,
  SessionList: LIST,
  Context: CONTEXT,
  ContextVersion: CONTEXT_VERSION,
  ContextChange: CONTEXT_CHANGE,
  LiveDetails: LIVE,
  SessionEvent: EVENT,
  ReleaseAllResult: RELEASED,
  Transition: TRANSITION,
  Problem: PROBLEM,
};
