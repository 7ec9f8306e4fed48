import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  createServer as createHttpServer,
  request as requestOf,
  type IncomingMessage,
  type Server as HttpServer,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { join } from 'node:path';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Credentials for the proxy of a test. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** A proxy as users rent one: it requires a password, and records where its clients went. */
export interface UpstreamProxyServer {
  /** `scheme://host:port`. */
  readonly url: string;
  /** What it carried, oldest first: `CONNECT host:port` or `GET http://…`. */
  readonly carried: string[];
  /** The same with the names and values of its headers; nothing for SOCKS. */
  readonly heads: (readonly string[])[];
  /** How many connections it has taken. */
  readonly connections: () => number;
  /** How often a client was refused. */
  readonly refused: () => number;
  close(): Promise<void>;
}

/** The certificate of {@link startHttpsProxy}, for `localhost`; no authority has signed it. */
export const PROXY_CERTIFICATE = join(__dirname, '../fixtures/tls/localhost.crt');

/** As {@link startHttpProxy}, over TLS. */
export async function startHttpsProxy(known: Credentials): Promise<UpstreamProxyServer> {
  const key = readFileSync(join(__dirname, '../fixtures/tls/localhost.key'));
  const cert = readFileSync(PROXY_CERTIFICATE);
  return serveHttp(createHttpsServer({ key, cert, allowHalfOpen: true }), 'https', known);
}

/** An HTTP proxy with Basic authentication; every name resolves to this machine, so that no name server is needed. */
export async function startHttpProxy(known: Credentials): Promise<UpstreamProxyServer> {
  return serveHttp(createHttpServer(), 'http', known);
}

async function serveHttp(
  server: HttpServer,
  scheme: 'http' | 'https',
  { username, password }: Credentials,
): Promise<UpstreamProxyServer> {
  const expected = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const carried: string[] = [];
  const heads: (readonly string[])[] = [];
  let refused = 0;
  const note = ({ method = '', url = '', rawHeaders }: IncomingMessage): void => {
    carried.push(`${method} ${url}`);
    heads.push([`${method} ${url}`, ...rawHeaders]);
  };
  const isKnown = ({ headers }: IncomingMessage): boolean => {
    const known = headers['proxy-authorization'] === expected;
    if (!known) refused += 1;
    return known;
  };
  server.on('request', (request, response) => {
    if (!isKnown(request)) {
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="test"' }).end('who are you?');
      return;
    }
    note(request);
    const { method = '', url = '', rawHeaders } = request;
    const { port, pathname, search } = new URL(url);
    const headers = rawHeaders.flatMap((name, i) =>
      i % 2 === 1 || name.toLowerCase() === 'proxy-authorization' ? [] : [name, rawHeaders[i + 1] ?? ''],
    );
    const options = { host: '127.0.0.1', port, method, path: pathname + search, headers };
    const onward = requestOf(options, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => undefined);
    if (!isKnown(request)) {
      socket.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm="test"\r\n\r\n',
      );
      return;
    }
    note(request);
    carry(socket, portIn(request.url ?? ''), 'HTTP/1.1 200 OK\r\n\r\n', head);
  });
  return listening(server, scheme, { carried, heads, refused: () => refused });
}

/** A SOCKS5 proxy with user name and password (RFC 1928, RFC 1929); names resolve as above. */
export async function startSocksProxy({ username, password }: Credentials): Promise<UpstreamProxyServer> {
  const carried: string[] = [];
  let refused = 0;
  const serve = async (socket: Socket): Promise<void> => {
    const greeting = await take(socket);
    if (!greeting.subarray(2).includes(2)) return void socket.end(Buffer.from([5, 0xff]));
    socket.write(Buffer.from([5, 2]));
    const login = await take(socket);
    const nameLength = login[1] ?? 0;
    const given = [login.subarray(2, 2 + nameLength), login.subarray(3 + nameLength)].map(String);
    if (given[0] !== username || given[1] !== password) {
      refused += 1;
      return void socket.end(Buffer.from([1, 1]));
    }
    socket.write(Buffer.from([1, 0]));
    const order = await take(socket);
    const host = hostIn(order);
    const port = order.readUInt16BE(order.length - 2);
    carried.push(`CONNECT ${host}:${port}`);
    carry(socket, port, Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]), Buffer.alloc(0));
  };
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => undefined);
    serve(socket).catch(() => socket.destroy());
  });
  return listening(server, 'socks5', { carried, heads: [], refused: () => refused });
}

/* The host of a CONNECT of SOCKS5, in the form of URLs. */
function hostIn(order: Buffer): string {
  if (order[3] === 3) return String(order.subarray(5, -2));
  if (order[3] === 1) return [...order.subarray(4, -2)].join('.');
  const groups = Array.from({ length: 8 }, (_, i) => order.readUInt16BE(4 + 2 * i).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname;
}

/* One message of a handshake: its sender waits for an answer, so that it comes in one piece. */
async function take(socket: Socket): Promise<Buffer> {
  socket.resume();
  // SAFETY: a socket without an encoding emits buffers.
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.pause();
  return bytes;
}

function carry(client: Socket, port: number, greeting: string | Buffer, head: Buffer): void {
  const onward = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  onward.on('error', () => client.destroy());
  onward.once('connect', () => {
    client.write(greeting);
    onward.write(head);
    client.pipe(onward);
    onward.pipe(client);
  });
  client.once('close', () => onward.destroy());
}

const portIn = (authority: string): number => Number(/:(\d+)$/.exec(authority)?.[1]);

async function listening(
  server: Server,
  scheme: string,
  seen: Pick<UpstreamProxyServer, 'carried' | 'heads' | 'refused'>,
): Promise<UpstreamProxyServer> {
  let connections = 0;
  const sockets = new Set<Socket>();
  server.on('connection', socket => {
    connections += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // SAFETY: a listening TCP server has an AddressInfo.
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const host = scheme === 'https' ? 'localhost' : '127.0.0.1';
  return { ...seen, url: `${scheme}://${host}:${port}`, connections: () => connections, close };
}
