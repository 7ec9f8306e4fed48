import type { ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Target } from '../../egress/egress-policy';
import type { RouteError } from './target';

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

/** {@link Route.whyNo407} where the page's server has answered it. */
export const SERVER_407 = 'the server asks for the credentials of a proxy (407), which it is not';
