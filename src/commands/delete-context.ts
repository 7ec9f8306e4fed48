import type { ContextRef } from '../core/ids';
import { contended, contextNotFound, otherRevision } from '../engine/context-errors';
import type { Report } from '../metrics/report';
import type { ContextStore } from '../store/contexts/context-store';
import { operationId } from './operation-id';

/** A request to delete a context. */
export interface DeleteContextRequest {
  readonly ref: ContextRef;
  /** Only if it has this revision; null: any. */
  readonly ifRevision: number | null;
  /** The caller's key of this request, equal for its retries; null: every call is an operation of its own. */
  readonly requestKey: string | null;
}

/** Deletes a context with its versions. */
export type DeleteContext = (request: DeleteContextRequest) => Promise<void>;

/** Dependencies of {@link deleteContext}. */
export interface DeleteContextParts {
  readonly contexts: Pick<ContextStore, 'find' | 'remove' | 'wasAnswered'>;
  readonly report: Pick<Report, 'contextChanged'>;
}

/** How often the removal is tried again from a fresh read, when the context was changed meanwhile. */
const TRIES_MAX = 20;

/**
 * Deletes contexts, whether sessions use them or not: those that have one mounted go on, and what they would save is
 * dropped.
 *
 * @throws ServiceError `context_not_found`, `precondition_failed`, `outcome_unknown` if it is changed by others all the
 *   time; what Redis throws while it is away.
 */
export function deleteContext({ contexts, report }: DeleteContextParts): DeleteContext {
  return async ({ ref, ifRevision, requestKey }) => {
    const opId = operationId('delete', requestKey, [requestKey, ifRevision]);
    for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
      const found = await contexts.find(ref);
      if (found === null) {
        if (await contexts.wasAnswered(ref, opId)) return;
        throw contextNotFound();
      }
      const answer = await contexts.remove({ ...found, revision: ifRevision ?? found.revision }, opId);
      if (answer === 'OK') report.contextChanged('deleted', ref);
      if (answer === 'OK' || answer === 'REPLAY') return;
      if (answer === 'CONFLICT' && ifRevision !== null) throw otherRevision(ifRevision);
    }
    throw contended();
  };
}
