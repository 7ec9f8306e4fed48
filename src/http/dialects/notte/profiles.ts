import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { parseCreateContext } from '../../../contract/contexts';
import { contextName } from '../../../contract/names';
import { parseIdempotencyKey } from '../../../contract/schemas';
import { iso } from '../../../contract/times';
import { checkFields } from '../../../core/check-fields';
import { CONTEXT_ID_PATTERN, contextRefOf, type ContextRef } from '../../../core/ids';
import { contextNotFound } from '../../../engine/context-errors';
import type { FoundContext } from '../../../queries/get-context';
import { withinRedisBudget } from '../../edge/redis-budget';
import { tenantOf } from '../../edge/request-context';
import type { DialectParts } from '../dialect';
import { numberedPage, pageFields } from './paging';

/* Notte's profiles are the contexts of the service. */

const PAGE_SIZE = 20;

/** A context as Notte's clients see it. */
export interface NotteProfile {
  readonly profile_id: string;
  readonly name: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

const profileOf = ({ id, name, createdAtMs, updatedAtMs }: FoundContext): NotteProfile => ({
  profile_id: id,
  name,
  created_at: iso(createdAtMs),
  updated_at: iso(updatedAtMs),
});

const createBody = z.looseObject({ name: contextName.nullish() });

/** `POST /profiles/create`. */
export function createProfileRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const { name = null } = checkFields(createBody, req.body);
    const asked = parseCreateContext({ name });
    const idempotencyKey = parseIdempotencyKey(req.headers['idempotency-key']);
    const { record } = await withinRedisBudget(
      service.createContext({ tenant: tenantOf(res), ...asked, idempotencyKey }),
    );
    res.json(profileOf(record));
  };
}

/** `GET /profiles/{id}`. */
export function getProfileRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    res.json(profileOf(await withinRedisBudget(service.getContext(refOfProfile(req, res)))));
  };
}

/** `DELETE /profiles/{id}`: with everything that is saved in it. */
export function deleteProfileRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const request = { ref: refOfProfile(req, res), ifRevision: null, requestKey: null };
    await withinRedisBudget(service.deleteContext(request));
    res.json({ success: true, message: 'Profile deleted' });
  };
}

const listQuery = z.looseObject({ ...pageFields(PAGE_SIZE), name: contextName.optional() });

/** `GET /profiles`: newest first; `name` selects one. */
export function listProfilesRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const { name = null, ...page } = checkFields(listQuery, req.query, { root: 'query' });
    const filters = { name, labels: [], createdAfterMs: null, createdBeforeMs: null };
    const tenant = tenantOf(res);
    const answer = await numberedPage(page, async (cursor, limit) => {
      const part = await withinRedisBudget(service.listContexts({ tenant, ...filters, cursor, limit }));
      return { items: part.contexts, nextCursor: part.nextCursor };
    });
    res.json({ ...answer, items: answer.items.map(profileOf) });
  };
}

/* Always one of the request's own tenant (I14). */
function refOfProfile({ params: { id } }: Request, res: Response): ContextRef {
  if (typeof id !== 'string' || !CONTEXT_ID_PATTERN.test(id)) throw contextNotFound();
  return contextRefOf(tenantOf(res), id);
}
