import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../../../../src/core/errors';
import type { Traffic } from '../../../../src/core/traffic';
import { listenOnPort, portOf } from '../../door/listen-on-port';
import { listenOnSocket } from '../../door/listen-on-socket';
import { EgressRefused, type EgressGuard } from '../../egress/egress-guard';
import { joinStreams } from '../join-streams';
import { directTunnel } from './direct-tunnel';
import { refusalAnswer } from './refusal';
import { acceptSocks, SUCCEEDED } from './socks-server';
import { TUNNEL_TIMEOUT_MS } from './target';
import { TrafficMeter } from './traffic-meter';

/**
 * A SOCKS5 proxy for one browser (ADR 92). A connection goes to the one address that was judged for it, whatever is
 * said on it: nothing of it is read, so there is no request that two readers could understand differently.
 *
 * What may not be reached, or cannot, is answered where the browser asks for it over http: 403 or 502 with the reason.
 * Everything else is closed. A page that finds the port cannot use it, because it cannot send what SOCKS begins with.
 */
export class SocksProxy {
  readonly #server: Server;
  readonly #guard: EgressGuard;
  readonly #meter = new TrafficMeter();

  private constructor(guard: EgressGuard) {
    this.#guard = guard;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
      this.#meter.add(client);
      void this.#serve(client);
    });
  }

  /**
   * Starts to listen.
   *
   * @param port - 0 takes a free one
   * @throws if the address cannot be bound.
   */
  static async listen(host: string, port: number, guard: EgressGuard): Promise<SocksProxy> {
    const proxy = new SocksProxy(guard);
    await listenOnPort(proxy.#server, host, port);
    return proxy;
  }

  /**
   * The same on a Unix socket, for its own user only.
   *
   * @throws if the path cannot be bound.
   */
  static async listenOn(path: string, guard: EgressGuard): Promise<SocksProxy> {
    const proxy = new SocksProxy(guard);
    await listenOnSocket(proxy.#server, path);
    return proxy;
  }

  get port(): number {
    return portOf(this.#server);
  }

  get traffic(): Traffic {
    return this.#meter.traffic;
  }

  /** Stops listening; open connections continue until one of their ends closes. */
  close(): Promise<void> {
    this.#server.close();
    return Promise.resolve();
  }

  async #serve(client: Socket): Promise<void> {
    // An error is followed by `close`, which ends the other side.
    client.on('error', () => undefined);
    client.setTimeout(TUNNEL_TIMEOUT_MS, () => client.destroy());
    const target = await acceptSocks(client).catch(() => null);
    if (target === null) {
      client.destroySoon();
      return;
    }
    const way = await directTunnel(target, this.#guard).catch((error: unknown) => {
      this.#explain(client, error);
      return null;
    });
    if (way === null) return;
    if (client.destroyed) {
      way.destroy();
      return;
    }
    client.write(SUCCEEDED);
    joinStreams(client, way);
  }

  /* What is asked shows in its first bytes. A connection that is opened ahead and never used has asked for nothing. */
  #explain(client: Socket, error: unknown): void {
    client.write(SUCCEEDED);
    client.once('data', (asked: Buffer) => {
      const isRefused = error instanceof EgressRefused;
      if (isRefused) this.#meter.refuse(error.host);
      if (isHttp(asked)) client.end(refusalAnswer(isRefused ? 403 : 502, messageOf(error)));
      else client.destroy();
    });
    client.once('end', () => client.destroy());
  }
}

/* A method and a blank; what TLS begins with is no letter. */
const isHttp = (bytes: Buffer): boolean => /^[A-Z]+ /.test(bytes.toString('latin1', 0, 32));
