import type { IncomingHttpHeaders } from 'node:http';
import { HoldfastError } from '../../core/errors';
import { refOf, SESSION_ID_PATTERN, type SessionRef } from '../../core/ids';
import { unauthorized, type Authenticator } from '../edge/authenticator';
import { refOfToken } from '../../contract/connect-token';

/** What {@link cdpAccess} works with. */
export interface CdpAccessParts {
  readonly authenticator: Pick<Authenticator, 'tenantOf'>;
  /** The installation's; signs connect tokens. */
  readonly secret: string;
}

/** What somebody shows who wants to reach the browser of a session. */
export interface CdpRequest {
  readonly id: string;
  /** From the query. */
  readonly token: string | null;
  readonly headers: IncomingHttpHeaders;
}

/** Tells whose browser may be reached with what somebody shows. */
export type CdpAccess = (request: CdpRequest) => SessionRef;

/**
 * Lets in who has the connect token of the session, or an API key of its tenant in a header. A token that is wrong counts,
 * also beside a key.
 *
 * @throws HoldfastError `unauthorized`; `session_not_found` for what cannot be an id.
 */
export function cdpAccess({ authenticator, secret }: CdpAccessParts): CdpAccess {
  return ({ id, token, headers }) => {
    if (token !== null) {
      const ref = SESSION_ID_PATTERN.test(id) ? refOfToken(secret, id, token) : null;
      if (ref !== null) return ref;
      throw new HoldfastError('unauthorized', 'The connect token is not that of this session.');
    }
    const tenant = authenticator.tenantOf(headers);
    if (tenant === null) throw unauthorized();
    if (SESSION_ID_PATTERN.test(id)) return refOf(tenant, id);
    throw new HoldfastError('session_not_found', 'There is no such session.');
  };
}
