import type { IncomingMessage } from 'node:http';
import { grantOfToken } from '../../../contract/connect-token';
import { ServiceError } from '../../../core/errors';
import { refOf, SESSION_ID_PATTERN } from '../../../core/ids';
import { unauthorized } from '../../edge/caller';
import { CDP_SCOPE, type Admission } from '../../gateway/cdp-access';
import type { DialectParts } from '../dialect';

/** Finds the session that the query of a WebSocket URL names. */
export type SteelAccess = (request: IncomingMessage, query: URLSearchParams) => Promise<Admission>;

/**
 * `sessionId` with `apiKey`, in any order. The URL in a session has a token beside them, so that it works without
 * `&apiKey=` too; a key that is given counts alone.
 *
 * @throws ServiceError `unauthorized`, `forbidden`, `session_not_found`.
 */
export function steelAccess({ authenticator, secret }: AccessParts): SteelAccess {
  return async (request, query) => {
    const id = query.get('sessionId') ?? '';
    const key = keyIn(query);
    const caller =
      (await authenticator.callerOf(request, CDP_SCOPE)) ??
      (key === null ? null : await authenticator.callerWith(request, key, CDP_SCOPE));
    const isId = SESSION_ID_PATTERN.test(id);
    const byToken = isId && key === null ? grantOfToken(secret, id, query.get('token') ?? '') : null;
    if (byToken !== null) return { ...byToken, caller: null };
    if (caller === null) throw unauthorized();
    if (!isId) throw new ServiceError('session_not_found', 'The query names no session (sessionId).');
    return { ref: refOf(caller.tenant, id), caller, generation: null };
  };
}

/** Dependencies of {@link steelAccess}. */
export type AccessParts = Pick<DialectParts, 'authenticator' | 'secret'>;

/* Programs without a key append `&apiKey=undefined`. */
function keyIn(query: URLSearchParams): string | null {
  const key = query.get('apiKey');
  return key === null || ['', 'undefined', 'null'].includes(key) ? null : key;
}
