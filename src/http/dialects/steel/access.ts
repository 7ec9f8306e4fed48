import type { IncomingHttpHeaders } from 'node:http';
import { refOfToken } from '../../../contract/connect-token';
import { ServiceError } from '../../../core/errors';
import { refOf, SESSION_ID_PATTERN, type SessionRef } from '../../../core/ids';
import { unauthorized } from '../../edge/authenticator';
import type { DialectParts } from '../dialect';

/** Finds the session that the query of a WebSocket URL names. */
export type SteelAccess = (headers: IncomingHttpHeaders, query: URLSearchParams) => SessionRef;

/**
 * `sessionId` with `apiKey`, in any order. The URL in a session has a token beside them, so that it works without
 * `&apiKey=` too; a key that is given counts alone.
 *
 * @throws ServiceError `unauthorized`, `session_not_found`.
 */
export function steelAccess({ authenticator, secret }: AccessParts): SteelAccess {
  return (headers, query) => {
    const id = query.get('sessionId') ?? '';
    const key = keyIn(query);
    const tenant = authenticator.tenantOf(headers) ?? (key === null ? null : authenticator.tenantWith(key));
    const isId = SESSION_ID_PATTERN.test(id);
    const byToken = isId && key === null ? refOfToken(secret, id, query.get('token') ?? '') : null;
    if (byToken !== null) return byToken;
    if (tenant === null) throw unauthorized();
    if (!isId) throw new ServiceError('session_not_found', 'The query names no session (sessionId).');
    return refOf(tenant, id);
  };
}

/** Dependencies of {@link steelAccess}. */
export type AccessParts = Pick<DialectParts, 'authenticator' | 'secret'>;

/* Programs without a key append `&apiKey=undefined`. */
function keyIn(query: URLSearchParams): string | null {
  const key = query.get('apiKey');
  return key === null || ['', 'undefined', 'null'].includes(key) ? null : key;
}
