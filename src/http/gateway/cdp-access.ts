import type { IncomingHttpHeaders } from 'node:http';
import { ServiceError } from '../../core/errors';
import { refOf, SESSION_ID_PATTERN, type SessionRef } from '../../core/ids';
import { unauthorized, type Authenticator } from '../edge/authenticator';
import { refOfToken } from '../../contract/connect-token';

/** Dependencies of {@link cdpAccess}. */
export interface CdpAccessParts {
  readonly authenticator: Pick<Authenticator, 'tenantOf'>;
  /** The installation's secret; signs connect tokens. */
  readonly secret: string;
}

/** The credentials in a request for a session's browser. */
export interface CdpRequest {
  readonly id: string;
  /** The connect token from the query. */
  readonly token: string | null;
  readonly headers: IncomingHttpHeaders;
}

/** Finds the session that a request may access. */
export type CdpAccess = (request: CdpRequest) => SessionRef;

/**
 * Accepts the connect token of the session, or an API key of its tenant in a header. A wrong token is refused, also
 * together with a valid key.
 *
 * @throws ServiceError `unauthorized`; `session_not_found` for what cannot be an id.
 */
export function cdpAccess({ authenticator, secret }: CdpAccessParts): CdpAccess {
  return ({ id, token, headers }) => {
    if (token !== null) {
      const ref = SESSION_ID_PATTERN.test(id) ? refOfToken(secret, id, token) : null;
      if (ref !== null) return ref;
      throw new ServiceError('unauthorized', 'The connect token is not valid for this session.');
    }
    const tenant = authenticator.tenantOf(headers);
    if (tenant === null) throw unauthorized();
    if (SESSION_ID_PATTERN.test(id)) return refOf(tenant, id);
    throw new ServiceError('session_not_found', 'There is no such session.');
  };
}
