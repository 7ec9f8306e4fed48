import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../../src/core/clock';
import { messageOf } from '../../../src/core/errors';
import { isKeeperTicket } from '../../../src/core/keeper-ticket';
import type { Logger } from '../../../src/core/logger';
import { limitBody } from '../../../src/core/request-body';
import { API_SILENCE, SILENCE_CHECK_MS } from '../../../src/core/silent-clients';
import { spliceUpgrade, type Splice } from '../../../src/core/splice';
import { StalledReaders, type StallRule } from '../../../src/core/stalled-readers';
import { devToolsHost, devToolsOptions, type DevToolsAddress } from '../process/devtools';
import type { RunDirectory } from '../process/run-directory';
import { sendDevToolsJson } from './gateway-devtools';
import { removeDownload, sendDownload, sendDownloadList, type SendableDownloads } from './gateway-downloads';
import { sendSleep, useOf, whileAwake, type FromApi, type MaySleep } from './gateway-sleep';
import { sendTraffic } from './gateway-traffic';
import { removeUpload, sendUpload, sendUploadList, takeUpload, type TakesUploads } from './gateway-uploads';
import { listenOnPort, portOf } from './listen-on-port';
import { listenOnSocket } from './listen-on-socket';

/** How long a peer may take to send its request. */
const REQUEST_PATIENCE_MS = 5_000;

/** The paths of keeperPath(), keeperFilesPath() and keeperTrafficPath(). */
const PATH_PATTERN = /^\/browser\/([A-Za-z0-9_-]{1,64})(\/[^?]{1,1200})?\?ticket=([0-9a-f]{64})$/;

const TRAFFIC = '/traffic';
const FILES = /^\/(downloads|uploads)(?:\/([^/]{1,1024}))?$/;

/** The DevTools path that clients may use besides the browser's own WebSocket. */
const PAGE = /^\/devtools\/page\/[A-Za-z0-9_-]{1,64}$/;
const JSON_ENDPOINT = /^\/json\/(?:version|list|protocol)$/;

/** Since when the browser sleeps; the question does not wake it. */
const SLEEP = '/sleep';

/** A running browser, as the gateway serves it. */
export interface ReachableBrowser extends SendableDownloads, TakesUploads, MaySleep {
  readonly devTools: DevToolsAddress;
  readonly directory: Pick<RunDirectory, 'root' | 'name'>;
}

/** Dependencies of {@link KeeperGateway}. */
export interface GatewayDeps {
  readonly browserOf: (claimId: string) => ReachableBrowser | null;
  /** The installation's secret; null until a worker has handed it over. */
  readonly secret: () => string | null;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** When an API process that does not read is cut. Default: {@link API_SILENCE}. */
  readonly silence?: StallRule;
  readonly log: Logger;
}

/** Why a request is refused. */
type Refusal = '403 Forbidden' | '404 Not Found' | '410 Gone' | '503 Service Unavailable';

const CLOSE = { connection: 'close' };

/** An admitted request. */
interface Admitted {
  readonly browser: ReachableBrowser;
  /** A path; empty: the browser's own WebSocket. */
  readonly part: string;
}

/**
 * Gives API processes access to this machine's browsers: a WebSocket upgrade with a ticket for one claim, then bytes;
 * or a request for downloads, uploads, traffic or DevTools' JSON. It is not for web browsers or people. For other
 * machines it listens on a port, which needs a trusted or encrypted network; for this machine on a Unix socket.
 */
export class KeeperGateway {
  readonly #server: Server;
  readonly #splices = new Set<Splice>();
  readonly #silentApis: StalledReaders;

  private constructor(private readonly deps: GatewayDeps) {
    this.#silentApis = new StalledReaders({
      clock: deps.clock,
      rule: deps.silence ?? API_SILENCE,
      checkEveryMs: SILENCE_CHECK_MS,
    });
    this.#server = createServer((request, response) => void this.#answer(request, response));
    // Bodies have limits of their own: an upload may take longer.
    this.#server.requestTimeout = 0;
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
  static async listen(address: string, deps: GatewayDeps): Promise<KeeperGateway> {
    const colon = address.lastIndexOf(':');
    const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
    const gateway = new KeeperGateway(deps);
    await listenOnPort(gateway.#server, host, Number(address.slice(colon + 1)));
    return gateway;
  }

  /**
   * Listens for this machine, for the keeper's own user only.
   *
   * @throws if the path cannot be bound.
   */
  static async listenOn(socketPath: string, deps: GatewayDeps): Promise<KeeperGateway> {
    const gateway = new KeeperGateway(deps);
    await listenOnSocket(gateway.#server, socketPath);
    return gateway;
  }

  get port(): number {
    return portOf(this.#server);
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
    const admitted = this.#admit(request);
    if (typeof admitted === 'string')
      return refuse(client, admitted === '410 Gone' ? '404 Not Found' : admitted);
    const { devTools } = admitted.browser;
    const path = admitted.part === '' ? devTools.path : PAGE.test(admitted.part) ? admitted.part : null;
    if (path === null || devTools.port === 0) return refuse(client, '404 Not Found');
    const use = useOf(admitted.browser, request, client);
    if (use === null) return refuse(client, '503 Service Unavailable');
    client.once('close', use.end);
    this.#splice({ request, client, head, ...use.carry }, { ...devTools, path });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    limitBody(request, REQUEST_PATIENCE_MS, () => request.socket.destroy());
    const admitted = this.#admit(request);
    const isRefused = typeof admitted === 'string' && admitted !== '404 Not Found';
    if (isRefused) return void response.writeHead(Number.parseInt(admitted, 10), CLOSE).end();
    try {
      const answer = typeof admitted === 'string' ? null : answerTo(request.method, admitted);
      // All other parts of a browser need an upgrade.
      if (answer === null) return void response.writeHead(426, CLOSE).end();
      await answer(request, response);
    } catch (error) {
      this.deps.log.info({ reason: messageOf(error) }, 'an answer to an API process was interrupted');
      response.destroy();
    }
  }

  #admit({ url = '' }: IncomingMessage): Admitted | Refusal {
    const [, claimId, part = '', ticket] = PATH_PATTERN.exec(url) ?? [];
    const secret = this.deps.secret();
    if (claimId === undefined || ticket === undefined) return '404 Not Found';
    if (secret === null) return '503 Service Unavailable';
    if (!isKeeperTicket(secret, claimId, ticket)) return '403 Forbidden';
    const browser = this.deps.browserOf(claimId);
    if (browser === null) return '410 Gone';
    return { browser, part };
  }

  #splice(from: FromApi, devTools: DevToolsAddress): void {
    const { client } = from;
    const upstream = connect({ ...devToolsOptions(devTools), noDelay: true });
    upstream.once('error', () => refuse(client, '502 Bad Gateway'));
    upstream.once('connect', () => {
      upstream.removeAllListeners('error');
      const upstreamHost = devToolsHost(devTools);
      const upstreamPath = devTools.path;
      const splice = spliceUpgrade({ ...from, upstream, upstreamPath, upstreamHost });
      this.#splices.add(splice);
      const reader = this.#silentApis.watch(client, stall => {
        this.deps.log.warn(
          { ...stall },
          'connection closed: the API process does not read the data of the browser',
        );
        client.resetAndDestroy();
      });
      void splice.closed.then(() => {
        reader.unwatch();
        this.#splices.delete(splice);
      });
    });
  }
}

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/* The function that answers a request without an upgrade; null: there is none. */
function answerTo(method: string | undefined, { browser, part }: Admitted): Answer | null {
  const { devTools } = browser;
  const [, kind, encodedName] = FILES.exec(part) ?? [];
  const name = encodedName === undefined ? null : decodeURIComponent(encodedName);
  switch (`${method} ${kind ?? 'other'}${name === null ? '' : '/name'}`) {
    case 'GET downloads':
      return (_request, response) => sendDownloadList(browser, response);
    case 'GET downloads/name':
      return (_request, response) => sendDownload(browser, name ?? '', response);
    case 'DELETE downloads/name':
      return (_request, response) => removeDownload(browser, name ?? '', response);
    case 'GET uploads':
      return (_request, response) => sendUploadList(browser, response);
    case 'GET uploads/name':
      return (_request, response) => sendUpload(browser, name ?? '', response);
    case 'POST uploads/name':
      return (request, response) => takeUpload(browser, name ?? '', request, response);
    case 'DELETE uploads/name':
      return (_request, response) => removeUpload(browser, name ?? '', response);
    case 'GET other':
      if (part === TRAFFIC) return (_request, response) => sendTraffic(browser, response);
      if (part === SLEEP) return (_request, response) => sendSleep(browser, response);
      if (!JSON_ENDPOINT.test(part) || devTools.port === 0) return null;
      return (_request, response) => whileAwake(browser, () => sendDevToolsJson(devTools, part, response));
    default:
      return null;
  }
}

function refuse(client: Socket, status: string): void {
  client.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
