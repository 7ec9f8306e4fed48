import type { IncomingMessage } from 'node:http';
import type { Scope } from '../../core/scopes';
import { ServiceError } from '../../core/errors';
import { refOf, SESSION_ID_PATTERN, type SessionRef } from '../../core/ids';
import { sessionNotFound } from '../../engine/not-found';
import type { Authenticator } from '../edge/authenticator';
import { unauthorized, type Caller } from '../edge/caller';
import { grantOfToken } from '../../contract/connect-token';

/** Dependencies of {@link cdpAccess}. */
export interface CdpAccessParts {
  readonly authenticator: Pick<Authenticator, 'callerOf'>;
  /** The installation's secret; signs connect tokens. */
  readonly secret: string;
}

/** The credentials in a request for a session's browser. */
export interface CdpRequest {
  readonly id: string;
  /** The connect token from the query. */
  readonly token: string | null;
  readonly request: IncomingMessage;
}

/** What a request for a session's browser may access. */
export interface Admission {
  readonly ref: SessionRef;
  /** Null: it came with the token of the session. */
  readonly caller: Caller | null;
  /** Of the token; null: it came with a key. */
  readonly generation: number | null;
}

/** What a key needs for a session's browser. */
export const CDP_SCOPE: Scope = 'sessions';

/** Finds the session that a request may access. */
export type CdpAccess = (request: CdpRequest) => Promise<Admission>;

/**
 * Accepts the connect token of the session, or an API key of its tenant in a header. A wrong token is refused, also
 * together with a valid key.
 *
 * @throws ServiceError `unauthorized`, `forbidden`; `session_not_found` for what cannot be an id.
 */
export function cdpAccess({ authenticator, secret }: CdpAccessParts): CdpAccess {
  return async ({ id, token, request }) => {
    if (token !== null) {
      const grant = SESSION_ID_PATTERN.test(id) ? grantOfToken(secret, id, token) : null;
      if (grant !== null) return { ...grant, caller: null };
      throw new ServiceError('unauthorized', 'The connect token is not valid for this session.');
    }
    const caller = await authenticator.callerOf(request, CDP_SCOPE);
    if (caller === null) throw unauthorized();
    if (SESSION_ID_PATTERN.test(id)) return { ref: refOf(caller.tenant, id), caller, generation: null };
    throw sessionNotFound();
  };
}
