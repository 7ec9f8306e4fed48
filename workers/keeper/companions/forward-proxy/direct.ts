import { Agent, request, type ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EgressGuard } from '../../egress/egress-guard';
import type { Target } from '../../egress/egress-policy';
import { directTunnel, unreachable } from './direct-tunnel';
import { SERVER_407, type PlainRequest, type Route } from './route';
import { MAX_HEADER_BYTES, type RouteError } from './target';

/** The way straight on, to where the guard lets it go. */
export class Direct implements Route {
  readonly takesRequests = true;
  readonly whyNo407 = SERVER_407;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(private readonly guard: EgressGuard) {}

  tunnelTo(target: Target): Promise<Duplex> {
    return directTunnel(target, this.guard);
  }

  /* Its agent uses a connection again for requests to the same host and port only, which the guard has let pass. */
  request({ method, url, target, headers }: PlainRequest, isFresh: boolean): ClientRequest {
    const { pathname, search } = new URL(url);
    return request({
      ...this.guard.dial(target),
      method,
      path: pathname + search,
      headers: [...headers],
      agent: isFresh ? false : this.#agent,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
  }

  explain(error: unknown): RouteError {
    return unreachable('the server', error);
  }

  close(): void {
    this.#agent.destroy();
  }
}
