import type { ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Target } from '../../egress/egress-policy';
import { RouteError } from './target';

/** A request that is not a tunnel. */
export interface PlainRequest {
  readonly method: string;
  /** Whole, as the browser has sent it. */
  readonly url: string;
  readonly target: Target;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

/** Where a forward proxy sends everything: straight on, or to one upstream proxy. */
export interface Route {
  /** Whether it takes plain requests; else they go to the page's server through a tunnel. */
  readonly takesRequests: boolean;

  /** @throws EgressRefused; RouteError if there is no connection. */
  tunnelTo(target: Target): Promise<Duplex>;

  /**
   * Begins a request, whose body the caller writes.
   *
   * @param isFresh - not on a connection that was used before
   * @throws EgressRefused
   */
  request(request: PlainRequest, isFresh: boolean): ClientRequest;

  /** Why a 407 that answers a request is not passed on: it would make the browser ask for credentials. */
  readonly whyNo407: string;

  /** What the error of such a request means. */
  explain(error: unknown): RouteError;

  close(): void;
}

const noWayYet = (): RouteError => new RouteError('the proxy of the session is not known yet');

/**
 * Before there is a session: what a browser asks for by itself then is not the session's, so it is refused and not
 * held until the upstream is known.
 */
export const NO_WAY_YET: Route = {
  takesRequests: false,
  whyNo407: '',
  tunnelTo: () => Promise.reject(noWayYet()),
  request: () => {
    throw noWayYet();
  },
  explain: noWayYet,
  close: () => undefined,
};

/** {@link Route.whyNo407} where the page's server has answered it. */
export const SERVER_407 = 'the server asks for the credentials of a proxy (407), which it is not';
