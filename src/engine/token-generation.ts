import { ServiceError } from '../core/errors';
import type { SessionRecord } from '../store/session-record';

/**
 * Refuses a connect token that was rotated.
 *
 * @param generation - that of the token; null: the client has come with an API key
 * @throws ServiceError `unauthorized`.
 */
export function requireGeneration(
  { tokenGeneration }: Pick<SessionRecord, 'tokenGeneration'>,
  generation: number | null,
): void {
  if (generation !== null && generation !== tokenGeneration) throw tokenRotated();
}

/** The error for a connect token that was rotated. */
export const tokenRotated = (): ServiceError =>
  new ServiceError('unauthorized', 'The connect token was rotated: read the session for its websocketUrl.');
