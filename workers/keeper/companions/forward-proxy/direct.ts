import { once } from 'node:events';
import { Agent, request, type ClientRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { EgressGuard } from '../../egress/egress-guard';
import type { Target } from '../../egress/egress-policy';
import { openTunnel, reasonOf, SERVER_407, type PlainRequest, type Route } from './route';
import { MAX_HEADER_BYTES, RouteError } from './target';

/** The way straight on, to where the guard lets it go. */
export class Direct implements Route {
  readonly takesRequests = true;
  readonly whyNo407 = SERVER_407;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(private readonly guard: EgressGuard) {}

  tunnelTo(target: Target): Promise<Duplex> {
    const { host } = target;
    return openTunnel(
      host,
      signal => this.#connect(target, signal),
      error => unreachable(host, error),
    );
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

  async #connect(target: Target, signal: AbortSignal): Promise<Socket> {
    const socket = connect({
      ...this.guard.dial(target),
      allowHalfOpen: true,
      noDelay: true,
    });
    // The first error ends the wait below; a later one is followed by `close`.
    socket.on('error', () => undefined);
    try {
      await once(socket, 'connect', { signal });
      return socket;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }
}

function unreachable(what: string, error: unknown): RouteError {
  return new RouteError(`${what} cannot be reached: ${reasonOf(error)}`, error);
}
