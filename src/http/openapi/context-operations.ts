import { z } from 'zod';
import { CONTEXT_CHANGES, VERSION_SOURCES } from '../../../machines/session/session.words';
import type { ContextData, ContextVersionData, StorageState } from '../../client/contexts';
import { contextsQuery, createContextBody, updateContextBody } from '../../contract/contexts';
import { storageState } from '../../profiles/storage-state';
import { header, IDEMPOTENCY, ifMatch } from './headers';
import type { AnswerSpec, Operation } from './operation';

/* Contexts and their versions. */

const time = z.string().meta({ format: 'date-time' });
const bytes = z.int().min(0);
const version = z.int().min(1);

/** A context. */
export const contextAnswer: z.ZodType<ContextData> = z.object({
  id: z.string(),
  name: z.string().nullable().describe('Unique among your contexts.'),
  labels: z.record(z.string(), z.string()),
  createdAt: time,
  updatedAt: time.describe('When it was last changed, also by a new version.'),
  currentVersion: version.nullable().describe('The version that sessions get. Null: there is none yet.'),
  latestVersion: version
    .nullable()
    .describe('The newest version that was ever made. Null: there is none yet.'),
  bytes: bytes.describe('Size of all kept versions.'),
  revision: z.int().min(1).describe('Rises with every change; the `ETag`.'),
});

/** A version of a context. */
export const contextVersionAnswer: z.ZodType<ContextVersionData> = z.object({
  version,
  isCurrent: z.boolean(),
  createdAt: time,
  bytes,
  source: z.enum(VERSION_SOURCES).describe('The end of a session, a live one, or an import.'),
  sessionId: z.string().nullable(),
  baseVersion: version
    .nullable()
    .describe('The version that was current when the session began. Null: there was none.'),
  chromiumVersion: z.string().nullable(),
});

/** The data of a `context` on the stream of events. */
export const contextChangeAnswer = z.object({
  contextId: z.string(),
  change: z.enum(CONTEXT_CHANGES),
  revision: z.int().min(1),
  at: time,
  version: version.nullable().describe('The version that was saved or restored.'),
  isCurrent: z
    .boolean()
    .nullable()
    .describe('Whether it became the current one. False: another session had saved meanwhile.'),
});

const listAnswer = z.object({
  contexts: z
    .array(contextAnswer)
    .describe('Newest first. May be fewer than `limit` although `hasMore` is true.'),
  nextCursor: z.string().nullable(),
  hasMore: z.boolean(),
});

/** The logins of a browser are larger than any other body. */
const STORAGE_STATE_MAX_BYTES = 16 * 2 ** 20;

const storageStateAnswer = z.object({
  cookies: z.array(
    z.object({
      name: z.string(),
      value: z.string(),
      domain: z.string(),
      path: z.string(),
      expires: z.number().describe('Epoch seconds. -1: until the session ends.'),
      httpOnly: z.boolean(),
      secure: z.boolean(),
      sameSite: z.enum(['Strict', 'Lax', 'None']),
      partitionKey: z.string().exactOptional(),
    }),
  ),
  origins: z.array(
    z.object({
      origin: z.string(),
      localStorage: z.array(z.object({ name: z.string(), value: z.string() })),
    }),
  ),
}) satisfies z.ZodType<StorageState>;

const ETAG = { ETag: 'The revision of the context, in quotes.' };
const context = (description: string, headers: Readonly<Record<string, string>> = {}): AnswerSpec => ({
  description,
  schema: contextAnswer,
  headers: { ...ETAG, ...headers },
});
const LOCATION = { Location: 'Path of the context.' };
const CONDITIONS = z.object({ ...IDEMPOTENCY, ...ifMatch('context') });

/** Operations about contexts, see {@link Operation}. */
export const CONTEXT_OPERATIONS = {
  createContext: {
    method: 'POST',
    path: '/v1/contexts',
    scope: 'sessions',
    tag: 'Contexts',
    summary: 'Create a context, or get the one of a name',
    description:
      'A context is empty at first. With `ifExists: "return"` the answer is the context that has the ' +
      'name, or a new one: of several requests at once, one creates it.',
    headers: z.object(IDEMPOTENCY),
    body: () => createContextBody,
    bodyExample: { name: 'github', labels: { team: 'a' }, ifExists: 'return' },
    answers: {
      200: context('The context that has the name. Nothing was changed.', LOCATION),
      201: context('The new context.', {
        ...LOCATION,
        'Idempotency-Replayed': '`true`: an earlier request with this key created the context.',
      }),
    },
    errors: ['context_exists', 'context_not_found', 'idempotency_key_reused', 'quota_exceeded'],
  },
  listContexts: {
    method: 'GET',
    path: '/v1/contexts',
    scope: 'view',
    tag: 'Contexts',
    summary: 'List the contexts, newest first',
    query: contextsQuery,
    answers: {
      200: {
        description: 'One page.',
        schema: listAnswer,
        headers: { Link: '`rel="next"`: the next page.' },
      },
    },
    errors: [],
  },
  getContext: {
    method: 'GET',
    path: '/v1/contexts/{id}',
    scope: 'view',
    tag: 'Contexts',
    summary: 'Read a context',
    headers: z.object({
      'If-None-Match': header('An `ETag`: 304 if the context still has this revision.'),
    }),
    answers: {
      200: context('The context.'),
      304: { description: 'Nothing has changed.', headers: ETAG },
    },
    errors: ['context_not_found'],
  },
  updateContext: {
    method: 'PATCH',
    path: '/v1/contexts/{id}',
    scope: 'sessions',
    tag: 'Contexts',
    summary: 'Change name or labels of a context',
    headers: CONDITIONS,
    body: () => updateContextBody,
    bodyExample: { name: 'github-ci', labels: { team: null } },
    answers: { 200: context('The changed context.') },
    errors: ['context_not_found', 'context_exists', 'precondition_failed', 'outcome_unknown'],
  },
  deleteContext: {
    method: 'DELETE',
    path: '/v1/contexts/{id}',
    scope: 'sessions',
    tag: 'Contexts',
    summary: 'Delete a context with all its versions',
    description: 'Sessions that use the context go on. What they would save is dropped.',
    headers: CONDITIONS,
    answers: { 204: { description: 'The context is deleted.' } },
    errors: ['context_not_found', 'precondition_failed', 'outcome_unknown'],
  },
  listContextVersions: {
    method: 'GET',
    path: '/v1/contexts/{id}/versions',
    scope: 'view',
    tag: 'Contexts',
    summary: 'List the kept versions of a context, newest first',
    answers: {
      200: {
        description: 'All kept versions.',
        schema: z.object({ versions: z.array(contextVersionAnswer) }),
      },
    },
    errors: ['context_not_found'],
  },
  restoreContextVersion: {
    method: 'POST',
    path: '/v1/contexts/{id}/versions/{version}/restore',
    scope: 'sessions',
    tag: 'Contexts',
    summary: 'Make an older version of a context the current one',
    description: 'Live sessions keep what they have. The next ones get the restored version.',
    headers: CONDITIONS,
    answers: { 200: context('The changed context.') },
    errors: ['context_not_found', 'context_version_not_found', 'precondition_failed'],
  },
  getStorageState: {
    method: 'GET',
    path: '/v1/contexts/{id}/storage-state',
    scope: 'sessions',
    tag: 'Contexts',
    summary: "Read cookies and local storage of the current version, as Playwright's `storageState`",
    description: 'Local storage is that of the origins that were open when the version was saved.',
    answers: { 200: { description: 'The state.', schema: storageStateAnswer } },
    errors: [
      'context_not_found',
      'context_version_not_found',
      'storage_state_unknown',
      'context_failed',
      'storage_unavailable',
    ],
  },
  importStorageState: {
    method: 'PUT',
    path: '/v1/contexts/{id}/storage-state',
    scope: 'sessions',
    tag: 'Contexts',
    summary: "Make a version out of Playwright's `storageState`",
    description:
      'The version has these cookies and this local storage, and nothing else. It becomes the current one. The body ' +
      'may have 16 MiB.',
    headers: z.object(IDEMPOTENCY),
    body: () => storageState,
    bodyMaxBytes: STORAGE_STATE_MAX_BYTES,
    bodyExample: {
      cookies: [
        {
          ...{ name: 'sid', value: '1f0a', domain: 'app.example', path: '/', expires: -1 },
          ...{ httpOnly: true, secure: true, sameSite: 'Lax' },
        },
      ],
      origins: [{ origin: 'https://app.example', localStorage: [{ name: 'theme', value: 'dark' }] }],
    },
    answers: { 200: context('The context.') },
    errors: ['context_not_found', 'contexts_quota_exceeded', 'context_too_large', 'storage_unavailable'],
  },
} as const satisfies Record<string, Operation>;
