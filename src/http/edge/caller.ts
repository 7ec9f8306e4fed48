import { ServiceError } from '../../core/errors';
import { allows, type Scope } from '../../core/scopes';

/** Whose request it is. */
export interface Caller {
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  /** As histories and the audit log name it: `key:<tenant>`, and for a stored key `key:<tenant>:<id>`. */
  readonly actor: string;
  /** Aborted when its key is revoked or has expired; null: it needs none, or its key is in the environment. */
  readonly revoked: AbortSignal | null;
}

/** Whether a caller may do what needs this scope. */
export const mayUse = ({ scopes }: Pick<Caller, 'scopes'>, needed: Scope): boolean => allows(scopes, needed);

/** @throws ServiceError `forbidden`, naming the scope that is missing. */
export function requireScope(caller: Pick<Caller, 'scopes'>, needed: Scope): void {
  if (mayUse(caller, needed)) return;
  throw new ServiceError('forbidden', `The API key lacks the scope ${needed}.`, {
    details: { missingScope: needed },
  });
}

/** @see Caller */
export function unauthorized(): ServiceError {
  return new ServiceError(
    'unauthorized',
    'A valid API key is needed, in one of the headers Authorization (Bearer), x-api-key, steel-api-key.',
  );
}
