import type { Request, RequestHandler } from 'express';
import { keyNotFound } from '../../commands/revoke-key';
import { keyView, parseCreateKey, parseListKeys } from '../../contract/keys';
import type { Service } from '../../contract/service';
import { KEY_ID_PATTERN } from '../../core/api-key';
import { linkToNext } from '../edge/link';
import { withinRedisBudget } from '../edge/redis-budget';
import { actorOf, tenantOf } from '../edge/request-context';

/** `POST /v1/keys`: creates an API key. Only this answer has the key itself. */
export function createKeyRoute({ createKey }: Pick<Service, 'createKey'>): RequestHandler {
  return async (req, res) => {
    const asked = parseCreateKey(req.body, tenantOf(res));
    const { key, record } = await withinRedisBudget(createKey({ ...asked, actor: actorOf(res) }));
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
export function revokeKeyRoute({ revokeKey }: Pick<Service, 'revokeKey'>): RequestHandler {
  return async (req, res) => {
    await withinRedisBudget(revokeKey(keyIdOf(req)));
    res.status(204).end();
  };
}

function keyIdOf({ params: { id } }: Request): string {
  if (typeof id === 'string' && KEY_ID_PATTERN.test(id)) return id;
  throw keyNotFound();
}
