import { CREATE_ENDED_CODES } from '../../engine/session-ended';
import { z } from 'zod';
import { createBodySchema, listQuery, releaseAllSelection } from '../../contract/schemas';
import { updateBodySchema } from '../../contract/update-body';
import {
  createdSessionAnswer,
  endedSessionAnswer,
  liveDetailsAnswer,
  liveSessionAnswer,
  releaseAllAnswer,
  sessionAnswer,
  sessionListAnswer,
} from './answers';
import { CONNECT_OPERATIONS } from './connect-operations';
import { CONTEXT_OPERATIONS } from './context-operations';
import { EVENT_OPERATIONS } from './event-operations';
import { FILE_OPERATIONS } from './file-operations';
import { FLEET_OPERATIONS } from './fleet-operations';
import { BUDGET_HEADERS, header, IDEMPOTENCY, ifMatch } from './headers';
import { JOB_OPERATIONS } from './job-operations';
import { KEY_OPERATIONS } from './key-operations';
import type { AnswerSpec, Operation } from './operation';
import { PAGE_OPERATIONS } from './page-operations';
import { SERVICE_OPERATIONS } from './service-operations';
import { VIEWER_OPERATIONS } from './viewer-operations';

const RESPOND_ASYNC = { Prefer: header('`respond-async`: answer as soon as the end is committed.') };

const ETAG = { ETag: 'The revision of the session, in quotes.' };
const APPLIED = { 'Preference-Applied': 'The preferences of `Prefer` that were applied.' };
const session = (description: string, headers: Readonly<Record<string, string>> = {}): AnswerSpec => ({
  description,
  schema: sessionAnswer,
  headers: { ...ETAG, ...APPLIED, ...headers },
});
const CREATED_HEADERS = {
  Location: 'Path of the session.',
  'Idempotency-Replayed': '`true`: an earlier request with this key created the session.',
  ...BUDGET_HEADERS,
};
const SAVE_ID = { 'Save-Id': 'The number of the request.' };
const RELEASED = {
  ...session('The ended session, also if it had ended before the request.'),
  schema: endedSessionAnswer,
};

/** What both ways to release one session have in common. */
const RELEASE = {
  headers: z.object({ ...IDEMPOTENCY, ...RESPOND_ASYNC }),
  answers: { 200: RELEASED },
  errors: ['session_not_found', 'outcome_unknown'],
} as const satisfies Partial<Operation>;

/**
 * Every operation of the API. The server takes its routes from here, and the compiler demands a handler for each. The
 * OpenAPI document and the page at `/docs` are made from the same entries.
 */
export const OPERATIONS = {
  ...SERVICE_OPERATIONS,
  createSession: {
    method: 'POST',
    path: '/v1/sessions',
    scope: 'sessions',
    tag: 'Sessions',
    summary: 'Create a session',
    description:
      'Answers when the session is live. If the session ends before that, the answer is an error: ' +
      'its code depends on the end reason, and it has `sessionId`, `sessionStatus` and `endReason`. ' +
      'A repeated request with the same `Idempotency-Key` gets the same answer. Fields that this ' +
      'version does not know are refused with `invalid_request`, fields that are known but not ' +
      'supported with `not_supported`.',
    headers: z.object({
      ...IDEMPOTENCY,
      Prefer: header('`wait=N`: seconds to wait until it is live, default 30. `respond-async`: do not wait.'),
    }),
    body: createBodySchema,
    bodyExample: { timeout: 600_000, idleTimeout: 60_000, labels: { team: 'a' }, name: 'nightly' },
    answers: {
      201: { ...session('The session is live.', CREATED_HEADERS), schema: liveSessionAnswer },
      202: {
        ...session('The session is created, but not live yet.', CREATED_HEADERS),
        schema: createdSessionAnswer,
      },
    },
    errors: [
      'session_id_taken',
      'idempotency_key_reused',
      'not_supported',
      'context_not_found',
      'context_in_use',
      'quota_exceeded',
      ...CREATE_ENDED_CODES,
    ],
  },
  listSessions: {
    method: 'GET',
    path: '/v1/sessions',
    scope: 'view',
    tag: 'Sessions',
    summary: 'List the retained sessions, newest first',
    query: listQuery,
    answers: {
      200: {
        description: 'One page.',
        schema: sessionListAnswer,
        headers: { Link: '`rel="next"`: the next page.' },
      },
    },
    errors: [],
  },
  releaseSessions: {
    method: 'POST',
    path: '/v1/sessions/release',
    scope: 'sessions',
    tag: 'Sessions',
    summary: 'Release all created and live sessions, or a selection of them',
    headers: z.object(RESPOND_ASYNC),
    query: releaseAllSelection,
    body: () => releaseAllSelection,
    bodyExample: { labelSelector: 'team=a' },
    answers: {
      200: { description: 'How many sessions were released.', schema: releaseAllAnswer, headers: APPLIED },
    },
    errors: ['outcome_unknown'],
  },
  getSession: {
    method: 'GET',
    path: '/v1/sessions/{id}',
    scope: 'view',
    tag: 'Sessions',
    summary: 'Read a session',
    headers: z.object({
      'If-None-Match': header('An `ETag`: 304 if the session still has this revision.'),
      Prefer: header('`wait=N` with `If-None-Match`: wait up to N seconds for a change.'),
    }),
    answers: {
      200: session('The session.'),
      304: { description: 'Nothing has changed.', headers: { ...ETAG, ...APPLIED } },
    },
    errors: ['session_not_found'],
  },
  updateSession: {
    method: 'PATCH',
    path: '/v1/sessions/{id}',
    scope: 'sessions',
    tag: 'Sessions',
    summary: 'Change time-outs, labels or name of a session',
    description:
      'If a time-out is due at the same moment, exactly one of the two is applied: the answer is ' +
      '200, or 409 `session_ended`.',
    headers: z.object({
      ...IDEMPOTENCY,
      ...ifMatch('session'),
    }),
    body: updateBodySchema,
    bodyExample: { timeout: 1_200_000, labels: { state: 'busy', team: null } },
    answers: { 200: session('The changed session.') },
    errors: [
      'session_not_found',
      'session_ended',
      'session_not_live',
      'too_many_changes',
      'precondition_failed',
      'outcome_unknown',
    ],
  },
  deleteSession: {
    method: 'DELETE',
    path: '/v1/sessions/{id}',
    scope: 'sessions',
    tag: 'Sessions',
    summary: 'Release a session; the same as `POST …/release`',
    ...RELEASE,
  },
  releaseSession: {
    method: 'POST',
    path: '/v1/sessions/{id}/release',
    scope: 'sessions',
    tag: 'Sessions',
    summary: 'Release a session',
    description: 'Idempotent. Answers when its browser is gone, after 5 seconds at most.',
    ...RELEASE,
  },
  syncContext: {
    method: 'POST',
    path: '/v1/sessions/{id}/context/sync',
    scope: 'sessions',
    tag: 'Contexts',
    summary: 'Save the context of a live session',
    description:
      'Whatever the browser holds when the request arrives is in the save. Answers when it is made or has failed, see ' +
      '`context.lastSave`. After a 202 it is done as soon as `context.lastSave.id` is at least `Save-Id`.',
    headers: z.object({
      Prefer: header('`wait=N`: seconds to wait, default 30. `respond-async`: do not wait.'),
    }),
    answers: {
      200: session('The session, after its save.', SAVE_ID),
      202: session('The session, before its save.', SAVE_ID),
    },
    errors: ['session_not_found', 'session_ended', 'session_not_live', 'context_not_persisted'],
  },
  getLiveDetails: {
    method: 'GET',
    path: '/v1/sessions/{id}/live',
    scope: 'view',
    tag: 'Sessions',
    summary: 'Read the details of a live session that change without a new revision',
    answers: { 200: { description: 'Open pages, clients, activity.', schema: liveDetailsAnswer } },
    errors: ['session_not_found', 'session_ended', 'session_not_live'],
  },
  ...EVENT_OPERATIONS,
  ...CONNECT_OPERATIONS,
  ...CONTEXT_OPERATIONS,
  ...PAGE_OPERATIONS,
  ...VIEWER_OPERATIONS,
  ...FILE_OPERATIONS,
  ...JOB_OPERATIONS,
  ...KEY_OPERATIONS,
  ...FLEET_OPERATIONS,
} as const satisfies Record<string, Operation>;

/** Names an operation, in the document and in the server. */
export type OperationId = keyof typeof OPERATIONS;
