import type { RequestHandler } from 'express';
import { contextView } from '../../../contract/contexts';
import { CONTEXT_ID_PATTERN, contextRefOf } from '../../../core/ids';
import type { FoundContext } from '../../../queries/get-context';
import { withinRedisBudget } from '../../edge/redis-budget';
import { tenantOf } from '../../edge/request-context';
import type { DialectParts } from '../dialect';
import { noSuchProfile } from './errors';

const LISTED_MAX = 100;

/** `GET /v1/profiles`: the contexts of the API key, newest first. */
export function listProfilesRoute({ service: { listContexts } }: DialectParts): RequestHandler {
  return async (_req, res) => {
    const { contexts } = await withinRedisBudget(
      listContexts({
        ...{ tenant: tenantOf(res), name: null, labels: [], createdAfterMs: null, createdBeforeMs: null },
        ...{ cursor: null, limit: LISTED_MAX },
      }),
    );
    res.json({ count: contexts.length, profiles: contexts.map(profileView) });
  };
}

/** `GET /v1/profiles/{id}`. */
export function getProfileRoute({ service: { getContext } }: DialectParts): RequestHandler {
  return async (req, res) => {
    const { id } = req.params;
    if (typeof id !== 'string' || !CONTEXT_ID_PATTERN.test(id)) throw noSuchProfile();
    res.json(profileView(await withinRedisBudget(getContext(contextRefOf(tenantOf(res), id)))));
  };
}

/* A context keeps nothing of the options of its sessions. */
function profileView(record: FoundContext): object {
  const { id, createdAt, updatedAt } = contextView(record);
  return {
    ...{ id, createdAt, updatedAt, status: 'READY', sourceSessionId: null },
    ...{ dimensions: null, userAgent: null, fingerprint: null, extensionIds: null },
    ...{ useProxyConfig: null, credentialsConfig: null },
  };
}
