import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, Socket, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Endpoint } from '../../machines/session/session.types';
import { isKeeperTicket } from '../../src/core/keeper-ticket';
import { spliceUpgrade, type Splice } from '../../src/core/splice';

/** How long a peer may take to send its request. */
const REQUEST_PATIENCE_MS = 5_000;

/** What keeperPath() makes. */
const PATH_PATTERN = /^\/browser\/([A-Za-z0-9_-]{1,64})\?ticket=([0-9a-f]{64})$/;

/** What the gateway asks the keeper. */
export interface GatewayDeps {
  readonly endpointOf: (claimId: string) => Endpoint | null;
  /** The installation's secret; null until a worker has handed it over. */
  readonly secret: () => string | null;
}

/**
 * The way to this machine's browsers from other machines: a WebSocket upgrade with a ticket for one claim, then bytes.
 * Meant for API processes, not for browsers or people; it needs a network that is trusted or encrypted.
 */
export class Gateway {
  readonly #server: Server;
  readonly #splices = new Set<Splice>();

  private constructor(private readonly deps: GatewayDeps) {
    this.#server = createServer((_request, response) => {
      response.writeHead(426, { connection: 'close' }).end('WebSocket upgrades only\n');
    });
    this.#server.requestTimeout = REQUEST_PATIENCE_MS;
    this.#server.headersTimeout = REQUEST_PATIENCE_MS;
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // A plain HTTP server's connections are net sockets; the type only allows for other servers.
      if (socket instanceof Socket) this.#upgrade(request, socket, head);
      else socket.destroy();
    });
  }

  /**
   * Listens for other machines.
   *
   * @param address - `host:port`; port 0 takes a free one
   * @throws if the address cannot be bound.
   */
  static async listen(address: string, deps: GatewayDeps): Promise<Gateway> {
    const colon = address.lastIndexOf(':');
    const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
    const gateway = new Gateway(deps);
    await new Promise<void>((resolve, reject) => {
      gateway.#server.once('error', reject);
      gateway.#server.listen(Number(address.slice(colon + 1)), host, resolve);
    });
    return gateway;
  }

  get port(): number {
    // SAFETY: a listening TCP server has an AddressInfo.
    return (this.#server.address() as AddressInfo).port;
  }

  /** Clients that are spliced through right now. */
  get connections(): number {
    return this.#splices.size;
  }

  /** Stops listening and cuts every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    for (const splice of this.#splices) splice.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #upgrade(request: IncomingMessage, client: Socket, head: Buffer): void {
    client.on('error', () => client.destroy());
    const [, claimId, ticket] = PATH_PATTERN.exec(request.url ?? '') ?? [];
    const secret = this.deps.secret();
    if (claimId === undefined || ticket === undefined) return refuse(client, '404 Not Found');
    if (secret === null) return refuse(client, '503 Service Unavailable');
    if (!isKeeperTicket(secret, claimId, ticket)) return refuse(client, '403 Forbidden');
    const endpoint = this.deps.endpointOf(claimId);
    if (endpoint === null || endpoint.port === 0) return refuse(client, '404 Not Found');
    this.#splice(request, client, head, endpoint);
  }

  #splice(request: IncomingMessage, client: Socket, head: Buffer, { port, path }: Endpoint): void {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
    upstream.once('error', () => refuse(client, '502 Bad Gateway'));
    upstream.once('connect', () => {
      upstream.removeAllListeners('error');
      const upstreamHost = `127.0.0.1:${port}`;
      const splice = spliceUpgrade({ client, head, request, upstream, upstreamPath: path, upstreamHost });
      this.#splices.add(splice);
      void splice.closed.then(() => this.#splices.delete(splice));
    });
  }
}

function refuse(client: Socket, status: string): void {
  client.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
