import type { Request, RequestHandler, Response } from 'express';
import {
  contextPath,
  contextView,
  parseContextsQuery,
  parseCreateContext,
  parseUpdateContext,
  versionView,
} from '../../contract/contexts';
import { parseIdempotencyKey } from '../../contract/schemas';
import { parseIfMatch } from '../../contract/update-body';
import { CONTEXT_ID_PATTERN, contextRefOf, type ContextRef } from '../../core/ids';
import { contextNotFound, versionNotFound } from '../../engine/context-errors';
import type { ContextRecord } from '../../store/contexts/context-record';
import { fromStorageState } from '../../profiles/storage-state';
import type { ContextService } from '../../contract/service';
import { etagOf, hasRevision } from '../edge/etag';
import { linkToNext } from '../edge/link';
import { withinRedisBudget } from '../edge/redis-budget';
import { tenantOf } from '../edge/request-context';

/** `POST /v1/contexts`: 201 with the new context; 200 with the one that has the name, if that was asked for. */
export function createContextRoute({ createContext }: ContextService): RequestHandler {
  return async (req, res) => {
    const asked = parseCreateContext(req.body);
    const idempotencyKey = parseIdempotencyKey(req.headers['idempotency-key']);
    const { record, isNew, replayed } = await withinRedisBudget(
      createContext({ tenant: tenantOf(res), ...asked, idempotencyKey }),
    );
    if (replayed) res.set('Idempotency-Replayed', 'true');
    res.status(isNew ? 201 : 200).set('Location', contextPath(record.id));
    send(res, record);
  };
}

/** `GET /v1/contexts`: one page of the tenant's contexts, newest first. */
export function listContextsRoute({ listContexts }: ContextService): RequestHandler {
  return async (req, res) => {
    const asked = parseContextsQuery(req.query);
    const { contexts, nextCursor } = await withinRedisBudget(
      listContexts({ tenant: tenantOf(res), ...asked }),
    );
    if (nextCursor !== null) res.set('Link', linkToNext(req, 'cursor', nextCursor));
    res.json({ contexts: contexts.map(contextView), nextCursor, hasMore: nextCursor !== null });
  };
}

/** `GET /v1/contexts/:id`: the context, or 304 if the client has this revision. */
export function getContextRoute({ getContext }: ContextService): RequestHandler {
  return async (req, res) => {
    const record = await withinRedisBudget(getContext(contextRefOfParam(req, res)));
    if (hasRevision(req.headers['if-none-match'], record.revision))
      res.set('ETag', etagOf(record.revision)).status(304).end();
    else send(res, record);
  };
}

/** `PATCH /v1/contexts/:id`: changes name and labels; 200 with the changed context. */
export function updateContextRoute({ updateContext }: ContextService): RequestHandler {
  return async (req, res) => {
    const ref = contextRefOfParam(req, res);
    const change = parseUpdateContext(req.body);
    send(res, await withinRedisBudget(updateContext({ ref, ...change, ...conditionsOf(req) })));
  };
}

/** `DELETE /v1/contexts/:id`: deletes the context with its versions. */
export function deleteContextRoute({ deleteContext }: ContextService): RequestHandler {
  return async (req, res) => {
    await withinRedisBudget(deleteContext({ ref: contextRefOfParam(req, res), ...conditionsOf(req) }));
    res.status(204).end();
  };
}

/** `GET /v1/contexts/:id/versions`: the kept versions, the newest first. */
export function listVersionsRoute({ listVersions }: ContextService): RequestHandler {
  return async (req, res) => {
    const { record, versions } = await withinRedisBudget(listVersions(contextRefOfParam(req, res)));
    res.json({ versions: versions.map(version => versionView(version, record)) });
  };
}

/** `POST /v1/contexts/:id/versions/:version/restore`: makes an older version the current one; 200 with the context. */
export function restoreVersionRoute({ restoreVersion }: ContextService): RequestHandler {
  return async (req, res) => {
    const ref = contextRefOfParam(req, res);
    const version = versionOfParam(req);
    send(res, await withinRedisBudget(restoreVersion({ ref, version, ...conditionsOf(req) })));
  };
}

/** `GET /v1/contexts/:id/storage-state`: cookies and local storage of the current version, in Playwright's form. */
export function getStorageStateRoute({ getStorageState }: ContextService): RequestHandler {
  return async (req, res) => {
    // It holds logins: no cache may keep it.
    res.set('Cache-Control', 'no-store').json(await getStorageState(contextRefOfParam(req, res)));
  };
}

/** `PUT /v1/contexts/:id/storage-state`: makes a version out of it, the current one; 200 with the context. */
export function importStorageStateRoute({ importStorageState }: ContextService): RequestHandler {
  return async (req, res) => {
    const ref = contextRefOfParam(req, res);
    const state = fromStorageState(req.body);
    const requestKey = parseIdempotencyKey(req.headers['idempotency-key']);
    send(res, await importStorageState({ ref, state, requestKey }));
  };
}

function send(res: Response, record: ContextRecord): void {
  res.set('ETag', etagOf(record.revision)).json(contextView(record));
}

function conditionsOf({ headers }: Request): { ifRevision: number | null; requestKey: string | null } {
  return {
    ifRevision: parseIfMatch(headers['if-match']),
    requestKey: parseIdempotencyKey(headers['idempotency-key']),
  };
}

/* Always a context of the request's own tenant, so that another tenant's cannot even be named (I14). */
function contextRefOfParam({ params: { id } }: Request, res: Response): ContextRef {
  if (typeof id !== 'string' || !CONTEXT_ID_PATTERN.test(id)) throw contextNotFound();
  return contextRefOf(tenantOf(res), id);
}

function versionOfParam({ params: { version } }: Request): number {
  if (typeof version !== 'string' || !/^[1-9]\d{0,8}$/.test(version)) throw versionNotFound();
  return Number(version);
}
