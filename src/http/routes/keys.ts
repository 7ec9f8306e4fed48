import type { Request, RequestHandler } from 'express';
import { keyNotFound } from '../../commands/revoke-key';
import { keyView, parseCreateKey, parseListKeys } from '../../contract/keys';
import type { Service } from '../../contract/service';
import { KEY_ID_PATTERN } from '../../core/api-key';
import { linkToNext } from '../edge/link';
import { withinRedisBudget } from '../edge/redis-budget';
import type { KeyRecord } from '../../store/key-store';
import { actorOf, tenantOf } from '../edge/request-context';
import { auditRequest } from './audit';

/** `POST /v1/keys`: creates an API key. Only this answer has the key itself. */
export function createKeyRoute({
  createKey,
  recordAudit,
}: Pick<Service, 'createKey' | 'recordAudit'>): RequestHandler {
  return async (req, res) => {
    const asked = parseCreateKey(req.body, tenantOf(res));
    const { key, record } = await withinRedisBudget(createKey({ ...asked, actor: actorOf(res) }));
    await auditRequest(recordAudit, res, 'key_created', record.id, describe(record));
    res.status(201).json({ ...keyView(record), key });
  };
}

/** `GET /v1/keys`: one page of the API keys of all tenants, newest first. */
export function listKeysRoute({ listKeys }: Pick<Service, 'listKeys'>): RequestHandler {
  return async (req, res) => {
    const { keys, nextCursor } = await withinRedisBudget(listKeys(parseListKeys(req.query)));
    if (nextCursor !== null) res.set('Link', linkToNext(req, 'cursor', nextCursor));
    res.json({ keys: keys.map(keyView), nextCursor, hasMore: nextCursor !== null });
  };
}

/** `DELETE /v1/keys/:id`: revokes an API key, and closes what was opened with it. */
export function revokeKeyRoute({
  revokeKey,
  recordAudit,
}: Pick<Service, 'revokeKey' | 'recordAudit'>): RequestHandler {
  return async (req, res) => {
    const record = await withinRedisBudget(revokeKey(keyIdOf(req)));
    await auditRequest(recordAudit, res, 'key_revoked', record.id, describe(record));
    res.status(204).end();
  };
}

const describe = ({ name, tenant, scopes }: KeyRecord): string => `${tenant}, ${scopes.join(' ')}: ${name}`;

function keyIdOf({ params: { id } }: Request): string {
  if (typeof id === 'string' && KEY_ID_PATTERN.test(id)) return id;
  throw keyNotFound();
}
