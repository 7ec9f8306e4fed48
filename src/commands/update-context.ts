import { LABELS_MAX, mergedLabels } from '../../machines/session/session.changes';
import { invalidFields } from '../core/check-fields';
import type { ContextRef } from '../core/ids';
import { contended, contextNotFound, nameTaken, otherRevision } from '../engine/context-errors';
import type { Report } from '../metrics/report';
import type { ContextRecord } from '../store/contexts/context-record';
import type { ContextStore } from '../store/contexts/context-store';
import { operationId } from './operation-id';

/** A change of a context, and its conditions. */
export interface UpdateContextRequest {
  readonly ref: ContextRef;
  /** Null removes it; left out: it stays. */
  readonly name?: string | null;
  /** Merged into the labels; null removes one. */
  readonly labels?: Readonly<Record<string, string | null>>;
  /** Apply it to this revision only; null: to any. */
  readonly ifRevision: number | null;
  /** The caller's key of this request, equal for its retries; null: every call is an operation of its own. */
  readonly requestKey: string | null;
}

/** Changes a context; answers the changed record. */
export type UpdateContext = (request: UpdateContextRequest) => Promise<ContextRecord>;

/** Dependencies of {@link updateContext}. */
export interface UpdateContextParts {
  readonly contexts: Pick<ContextStore, 'find' | 'update'>;
  readonly report: Pick<Report, 'contextChanged'>;
}

/** How often a change is made again from a fresh read, when the context was changed meanwhile. */
const TRIES_MAX = 20;

/**
 * Changes name and labels of contexts.
 *
 * @throws ServiceError `context_not_found`, `precondition_failed`, `context_exists` for the name of another context,
 *   `invalid_request` for too many labels, `outcome_unknown` if it is changed by others all the time; what Redis throws
 *   while it is away.
 */
export function updateContext({ contexts, report }: UpdateContextParts): UpdateContext {
  return async ({ ref, name, labels, ifRevision, requestKey }) => {
    const opId = operationId('update', requestKey, [requestKey, ifRevision, { name, labels }]);
    for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
      const found = await contexts.find(ref);
      if (found === null) throw contextNotFound();
      const answer = await contexts.update({
        // A repeat comes after its own change: only the script can tell it from one that comes too late.
        before: { ...found, revision: ifRevision ?? found.revision },
        opId,
        name: name === undefined ? found.name : name,
        labels: withChange(found.labels, labels),
      });
      if (answer === 'OK') report.contextChanged('updated', ref);
      if (answer === 'EXISTS') throw nameTaken(name ?? '', null);
      if (answer === 'CONFLICT' && ifRevision !== null) throw otherRevision(ifRevision);
      if (answer === 'CONFLICT') continue;
      const changed = answer === 'MISSING' ? null : await contexts.find(ref);
      if (changed === null) throw contextNotFound();
      return changed;
    }
    throw contended();
  };
}

function withChange(
  labels: ContextRecord['labels'],
  changed: UpdateContextRequest['labels'],
): ContextRecord['labels'] {
  const merged = mergedLabels(labels, changed);
  if (Object.keys(merged).length <= LABELS_MAX) return merged;
  const message = `would give the context more than ${LABELS_MAX} labels`;
  throw invalidFields([{ pointer: '/labels', message }]);
}
