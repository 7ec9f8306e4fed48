import { z } from 'zod';
import type { ApiKeyData } from '../client/keys';
import type { CreateKeyRequest } from '../commands/create-key';
import { TENANT_PATTERN, TENANT_RULE } from '../config/tenants';
import { checkFields } from '../core/check-fields';
import { SCOPES } from '../core/scopes';
import { isKeyCursor, type FoundKey, type ListKeysRequest } from '../queries/list-keys';
import type { KeyRecord } from '../store/key-store';
import { sessionName } from './names';
import { pageLimit } from './schemas';
import { iso, isoOrNull } from './times';

const EXPIRES_IN_MIN_MS = 1_000;
const EXPIRES_IN_MAX_MS = 10 * 366 * 24 * 3_600_000;

const tenant = z.string().regex(TENANT_PATTERN, TENANT_RULE);

/** The body of `POST /v1/keys`. */
export const createKeyBody = z.strictObject({
  name: sessionName.unwrap().regex(/\S/u, 'must not be empty').describe('For people; names may repeat.'),
  scopes: z
    .array(z.enum(SCOPES))
    .min(1, 'must name a scope')
    .max(SCOPES.length, 'names a scope twice')
    .refine(scopes => new Set(scopes).size === scopes.length, 'names a scope twice'),
  tenant: tenant.optional().describe('For whom the key acts. Default: the tenant of the request.'),
  expiresIn: z
    .int()
    .min(EXPIRES_IN_MIN_MS, `must be at least ${EXPIRES_IN_MIN_MS}: the unit is milliseconds`)
    .max(EXPIRES_IN_MAX_MS, 'must be at most ten years, in milliseconds')
    .nullable()
    .optional()
    .describe('Milliseconds. Default: the key does not expire.'),
});

/** The query of `GET /v1/keys`. */
export const listKeysQuery = z.object({
  tenant: tenant.optional().describe('Only keys of this tenant.'),
  cursor: z.string().refine(isKeyCursor, 'is not a cursor of this list').optional(),
  limit: pageLimit,
});

/** @throws ServiceError `invalid_request`. */
export function parseCreateKey(body: unknown, ownTenant: string): Omit<CreateKeyRequest, 'actor'> {
  const { name, scopes, tenant: named, expiresIn } = checkFields(createKeyBody, body);
  return { name, scopes, tenant: named ?? ownTenant, expiresInMs: expiresIn ?? null };
}

/** @throws ServiceError `invalid_request`. */
export function parseListKeys(query: unknown): ListKeysRequest {
  const { tenant: named, cursor, limit } = checkFields(listKeysQuery, query, { root: 'query' });
  return { tenant: named ?? null, cursor: cursor ?? null, limit };
}

/** The view of a key, which never has the key itself. */
export const keyView = ({
  id,
  name,
  scopes,
  lastUsedAtMs = null,
  ...key
}: KeyRecord & Partial<Pick<FoundKey, 'lastUsedAtMs'>>): ApiKeyData => ({
  id,
  name,
  tenant: key.tenant,
  scopes,
  createdAt: iso(key.createdAtMs),
  createdBy: key.createdBy,
  expiresAt: isoOrNull(key.expiresAtMs),
  lastUsedAt: isoOrNull(lastUsedAtMs),
});
