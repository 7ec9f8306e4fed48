import { ServiceError } from '../core/errors';

/* The errors of commands and queries about contexts. */

/** The error for a context that does not exist. */
export const contextNotFound = (): ServiceError =>
  new ServiceError('context_not_found', 'There is no such context.');

/** The error for a version that does not exist, or no longer. */
export const versionNotFound = (): ServiceError =>
  new ServiceError('context_version_not_found', 'The context has no such version, or it was dropped.');

/** The error for a context that does not have the revision that was asked for. */
export const otherRevision = (ifRevision: number): ServiceError =>
  new ServiceError('precondition_failed', `The context does not have revision ${ifRevision}. Read it again.`);

/**
 * The error for a name that another context has.
 *
 * @param id - of that context, if it is known
 */
export function nameTaken(name: string, id: string | null): ServiceError {
  return new ServiceError('context_exists', `There is a context ${JSON.stringify(name)} already.`, {
    fields: [{ pointer: '/name', message: 'is the name of another context' }],
    ...(id === null ? {} : { details: { contextId: id } }),
  });
}

/** The error for a context that others change faster than this process can read it. */
export const contended = (): ServiceError =>
  new ServiceError('outcome_unknown', 'The context was changed by others in every try. Repeat the request.');
