import { createHash } from 'node:crypto';
import type { Config } from '../config/config';
import { quotasOf } from '../config/quotas';
import { QuotaExceededError } from '../core/quota-exceeded';
import { contextRefOf, newContextId, randomId } from '../core/ids';
import { contextNotFound, nameTaken } from '../engine/context-errors';
import type { Report } from '../metrics/report';
import type { ContextRecord } from '../store/contexts/context-record';
import type { ContextStore } from '../store/contexts/context-store';
import type { MaintenanceStore } from '../store/maintenance-store';
import { keyReused } from './key-reused';

/** A request to create a context. */
export interface CreateContextRequest {
  readonly tenant: string;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** What to do if a context has the name: return it unchanged, or refuse. */
  readonly ifExists: 'return' | 'refuse';
  readonly idempotencyKey: string | null;
}

/** A context that exists now. */
export interface CreatedContext {
  readonly record: ContextRecord;
  /** Made for this request: by this call, or by an earlier one with the same Idempotency-Key. */
  readonly isNew: boolean;
  /** Whether it was an earlier call. */
  readonly replayed: boolean;
}

/** Creates a context. */
export type CreateContext = (request: CreateContextRequest) => Promise<CreatedContext>;

/** Dependencies of {@link createContext}. */
export interface CreateContextParts {
  readonly contexts: Pick<ContextStore, 'create' | 'find'>;
  readonly maintenance: Pick<MaintenanceStore, 'nowMs'>;
  readonly report: Pick<Report, 'contextChanged' | 'quotaRefused'>;
  readonly config: Pick<Config, 'quotas'>;
}

/** The context of the name may be deleted while it is read; nobody does that this often. */
const TRIES_MAX = 5;

/**
 * Creates contexts. Of several at once with one name, one is created, and the others get that one or are refused.
 *
 * @throws ServiceError `context_exists` if another context has the name, `idempotency_key_reused` if another body used
 *   the key, `context_not_found` if what this key has created was deleted, `quota_exceeded`; what Redis throws while it is away.
 */
export function createContext(parts: CreateContextParts): CreateContext {
  return async request => {
    const { tenant, name, labels, ifExists, idempotencyKey } = request;
    // The connection may send the script twice; the second run finds the record of the first under this key.
    const requestKey = idempotencyKey ?? randomId();
    const fingerprint = fingerprintOf(request);
    const contextsMax = quotasOf(parts.config.quotas, tenant).contexts;
    for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
      const createdAtMs = await parts.maintenance.nowMs();
      const id = newContextId(createdAtMs);
      const answer = await parts.contexts.create({
        ...{ tenant, id, name, labels, createdAtMs, requestKey, fingerprint, contextsMax },
      });
      if (answer.answer === 'QUOTA') {
        parts.report.quotaRefused('contexts', tenant);
        throw new QuotaExceededError({ quota: 'contexts', limit: answer.limit });
      }
      if (answer.answer === 'IDEMPOTENT' && answer.fingerprint !== fingerprint) throw keyReused();
      if (answer.answer === 'EXISTS' && ifExists === 'refuse') throw nameTaken(name ?? '', answer.id);
      const foundId = answer.answer === 'OK' ? id : answer.id;
      const ref = contextRefOf(tenant, foundId);
      if (foundId === id) parts.report.contextChanged('created', ref);
      const record = await parts.contexts.find(ref);
      const isNew = answer.answer !== 'EXISTS';
      if (record !== null) return { record, isNew, replayed: isNew && foundId !== id };
      if (answer.answer !== 'EXISTS') break;
    }
    throw contextNotFound();
  };
}

/* Equal for equal parameters, in any order of labels. */
function fingerprintOf({ name, labels, ifExists }: CreateContextRequest): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify(['context', name, sorted, ifExists]))
    .digest('hex');
}
