import { connect, createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../../../src/core/errors';
import { LineReader } from '../../../src/core/line-reader';
import { listenOnSocket } from './listen-on-socket';
import { KeeperError, type KeeperErrorCode, type KeeperMessage } from './protocol';
import { parseRequest, type CheckedRequest } from './requests';

/** One worker's connection, as the handler sees it. */
export interface Connection {
  send(message: KeeperMessage): void;
  close(): void;
}

/** Handles the requests of a connection. */
export interface RequestHandler {
  /** The reply; a KeeperError becomes a refusal with its code. */
  handle(request: CheckedRequest, connection: Connection): Promise<unknown>;
  onClosed(connection: Connection): void;
}

/** Another keeper serves this run root already. */
export class KeeperRunningError extends Error {
  constructor(readonly socketPath: string) {
    super(`another keeper is running on ${socketPath}`);
    this.name = 'KeeperRunningError';
  }
}

/**
 * The keeper's Unix socket: one JSON object a line both ways. The file is for its owner only (0600), which is the only
 * authentication; every line is checked nevertheless.
 */
export class SocketServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(private readonly handler: RequestHandler) {
    this.#server = createServer(socket => this.#serve(socket));
  }

  /** @throws KeeperRunningError if a process answers on this socket file. */
  static async refuseIfServed(path: string): Promise<void> {
    if (await hasListener(path)) throw new KeeperRunningError(path);
  }

  /**
   * Listens on a socket file; a file of a dead keeper is replaced.
   *
   * @throws KeeperRunningError if a process answers on it.
   */
  static async listen(path: string, handler: RequestHandler): Promise<SocketServer> {
    await SocketServer.refuseIfServed(path);
    const server = new SocketServer(handler);
    await listenOnSocket(server.#server, path);
    return server;
  }

  /** Closes the socket and every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const connection: Connection = {
      send: message => {
        if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
      },
      close: () => socket.destroy(),
    };
    const reader = new LineReader(line => void this.#answer(line, connection));
    socket.on('data', chunk => {
      if (!reader.push(chunk)) socket.destroy();
    });
    // An error is followed by `close`, whose handler cleans up.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.handler.onClosed(connection);
    });
  }

  async #answer(line: string, connection: Connection): Promise<void> {
    const parsed = parseRequest(line);
    if ('unreadable' in parsed) {
      connection.close();
    } else if ('refused' in parsed) {
      const { id, message } = parsed.refused;
      connection.send({ id, error: { code: 'bad_request', message } });
    } else {
      connection.send(await this.#reply(parsed.request, connection));
    }
  }

  async #reply(request: CheckedRequest, connection: Connection): Promise<KeeperMessage> {
    const { id } = request;
    try {
      return { id, ok: await this.handler.handle(request, connection) };
    } catch (error) {
      return { id, error: refusal(error) };
    }
  }
}

function refusal(error: unknown): { code: KeeperErrorCode; message: string } {
  const code =
    error instanceof KeeperError && error.code !== 'connection_lost' ? error.code : 'internal_error';
  return { code, message: messageOf(error) };
}

function hasListener(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path);
    const answer = (listens: boolean): void => {
      socket.destroy();
      resolve(listens);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
