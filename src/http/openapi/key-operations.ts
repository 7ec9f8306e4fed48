import { z } from 'zod';
import type { ApiKeyData, NewApiKey } from '../../client/keys';
import { createKeyBody, listKeysQuery } from '../../contract/keys';
import { AUDIT_ACTIONS } from '../../core/audit';
import { SCOPES } from '../../core/scopes';
import { auditQuery } from '../routes/audit';
import type { Operation } from './operation';

const time = z.string().meta({ format: 'date-time' });
const key = {
  id: z.string().describe('The part of the key between its two underscores.'),
  name: z.string(),
  tenant: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  createdAt: time,
  createdBy: z.string().describe('The key that has created it.'),
  expiresAt: time.nullable(),
  lastUsedAt: time.nullable().describe('Noted about once a minute.'),
};

/** An API key as lists show it. */
const apiKeyAnswer = z.object(key) satisfies z.ZodType<ApiKeyData>;

const newKeyAnswer = z.object({
  ...key,
  key: z.string().describe('The key itself: only this answer ever has it.'),
}) satisfies z.ZodType<NewApiKey>;

const auditAnswer = z.object({
  id: z.string().describe('Rises with time.'),
  at: time,
  action: z.enum(AUDIT_ACTIONS),
  actor: z.string().describe('The key, as in histories; never the key itself.'),
  subject: z.string().describe('The id of the key, worker, job or session; of sessions with their tenant.'),
  detail: z.string().nullable(),
});

/** Operations about API keys and what was done with them, see {@link Operation}. */
export const KEY_OPERATIONS = {
  createKey: {
    method: 'POST',
    path: '/v1/keys',
    scope: 'admin',
    tag: 'Keys',
    summary: 'Create an API key',
    description: 'A repeated request creates another key.',
    body: () => createKeyBody,
    bodyExample: { name: 'nightly tests', scopes: ['sessions'], expiresIn: 7_776_000_000 },
    answers: { 201: { description: 'The key.', schema: newKeyAnswer } },
    errors: ['too_many_keys'],
  },
  listKeys: {
    method: 'GET',
    path: '/v1/keys',
    scope: 'admin',
    tag: 'Keys',
    summary: 'List the API keys, newest first',
    description: 'Of all tenants. Those of the environment are not among them.',
    query: listKeysQuery,
    answers: {
      200: {
        description: 'One page.',
        schema: z.object({
          keys: z.array(apiKeyAnswer),
          nextCursor: z.string().nullable(),
          hasMore: z.boolean(),
        }),
        headers: { Link: '`rel="next"`: the next page.' },
      },
    },
    errors: [],
  },
  revokeKey: {
    method: 'DELETE',
    path: '/v1/keys/{id}',
    scope: 'admin',
    tag: 'Keys',
    summary: 'Revoke an API key',
    description:
      'It is refused everywhere within five seconds; WebSockets and event streams that were opened with it are closed.',
    answers: { 204: { description: 'The key is revoked.' } },
    errors: ['key_not_found'],
  },
  listAudit: {
    method: 'GET',
    path: '/v1/audit',
    scope: 'admin',
    tag: 'Keys',
    summary: 'Read the audit log, newest first',
    description:
      'Who has done what to which key, worker, job or session. About the last 10 000 entries are kept.',
    query: auditQuery,
    answers: {
      200: {
        description: 'One page.',
        schema: z.object({
          entries: z.array(auditAnswer),
          nextCursor: z.string().nullable(),
          hasMore: z.boolean(),
        }),
        headers: { Link: '`rel="next"`: the next page.' },
      },
    },
    errors: [],
  },
} as const satisfies Record<string, Operation>;
