import type { Request, RequestHandler, Response } from 'express';
import { parseCreateContext, parseUpdateContext } from '../../../contract/contexts';
import { EMPTY_STATE } from '../../../core/browser-state';
import { contextNotFound } from '../../../engine/context-errors';
import { CONTEXT_ID_PATTERN, contextRefOf, type ContextRef } from '../../../core/ids';
import type { FoundContext } from '../../../queries/get-context';
import type { ContextService } from '../../../contract/service';
import { iso } from '../../../contract/times';
import { withinRedisBudget } from '../../edge/redis-budget';
import { tenantOf } from '../../edge/request-context';
import type { DialectParts } from '../dialect';
import { answer } from './envelope';
import { pageOf } from './paging';
import { parametersOf } from './parameters';
import { openSession } from './session';

/** `GetContext`: by id or by name; with `AllowCreate` one is created if there is none of the name. */
export function getContextRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const parameters = parametersOf(req);
    const id = parameters.text('ContextId');
    if (id !== null) {
      answer(res, contextData(await withinRedisBudget(service.getContext(refOfId(id, res)))));
      return;
    }
    const asked = parseCreateContext({ name: parameters.required('Name'), ifExists: 'return' });
    const tenant = tenantOf(res);
    const record = await withinRedisBudget(
      parameters.flag('AllowCreate') === true
        ? service.createContext({ tenant, ...asked, idempotencyKey: null }).then(created => created.record)
        : named(service, tenant, asked.name),
    );
    answer(res, contextData(record));
  };
}

async function named(
  { listContexts }: ContextService,
  tenant: string,
  name: string | null,
): Promise<FoundContext> {
  const all = { labels: [], createdAfterMs: null, createdBeforeMs: null };
  const { contexts } = await listContexts({ tenant, name, ...all, cursor: null, limit: 1 });
  const [found] = contexts;
  if (found === undefined) throw contextNotFound();
  return found;
}

/** `ListContexts`: newest first; with `SessionId` only that of the session. */
export function listContextsRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const parameters = parametersOf(req);
    const tenant = tenantOf(res);
    const only = parameters.text('SessionId') === null ? null : await openSession(service, req, res);
    const all = { name: null, labels: [], createdAfterMs: null, createdBeforeMs: null };
    const { items, page } = await withinRedisBudget(
      pageOf(parameters, {
        read: async (cursor, limit) => {
          if (only !== null) {
            const id = only.record.snapshot.context.contextUse?.contextId;
            const items = id === undefined ? [] : [await service.getContext(contextRefOf(tenant, id))];
            return { items, nextCursor: null };
          }
          const { contexts, nextCursor } = await service.listContexts({ tenant, ...all, cursor, limit });
          return { items: contexts, nextCursor };
        },
      }),
    );
    answer(res, items.map(contextData), page);
  };
}

/** `ModifyContext`: renames it. */
export function renameContextRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const change = parseUpdateContext({ name: parametersOf(req).required('Name') });
    await withinRedisBudget(
      service.updateContext({ ref: refOfParameter(req, res), ...change, ifRevision: null, requestKey: null }),
    );
    answer(res);
  };
}

/**
 * `ClearContext`: the next session starts with nothing. Done when it answers, so the status for which clients then ask
 * `GetContext` is `available`.
 */
export function clearContextRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const ref = refOfParameter(req, res);
    const { currentVersion } = await withinRedisBudget(service.getContext(ref));
    if (currentVersion !== 0) await service.importStorageState({ ref, state: EMPTY_STATE, requestKey: null });
    answer(res, { Status: AVAILABLE });
  };
}

/** `DeleteContext`. */
export function deleteContextRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const ref = refOfParameter(req, res);
    await withinRedisBudget(service.deleteContext({ ref, ifRevision: null, requestKey: null }));
    answer(res);
  };
}

const AVAILABLE = 'available';

const contextData = ({ id, name, createdAtMs, updatedAtMs }: FoundContext): object => ({
  Id: id,
  Name: name ?? '',
  State: AVAILABLE,
  CreateTime: iso(createdAtMs),
  LastUsedTime: iso(updatedAtMs),
  OsType: 'linux',
});

const refOfParameter = (req: Request, res: Response): ContextRef =>
  refOfId(parametersOf(req).required('Id'), res);

/* Always a context of the caller's own tenant. */
function refOfId(id: string, res: Response): ContextRef {
  if (!CONTEXT_ID_PATTERN.test(id)) throw contextNotFound();
  return contextRefOf(tenantOf(res), id);
}
