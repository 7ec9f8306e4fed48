import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import type { UpstreamProxy } from '../../door/protocol';
import { ipv6Bytes } from '../../egress/ipv6-bytes';
import type { DialOptions } from '../../egress/egress-guard';
import type { Target } from '../../egress/egress-policy';
import { readExactly } from './read-exactly';
import { RouteError } from './target';

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const USERNAME_PASSWORD = 2;
const CONNECT = 1;

/** Replies of a server to a CONNECT (RFC 1928, section 6). */
const REPLIES = [
  'succeeded',
  'general failure',
  'not allowed by its rules',
  'network unreachable',
  'host unreachable',
  'connection refused',
  'TTL expired',
  'command not supported',
  'address type not supported',
];

/**
 * Connects to `target` through a SOCKS5 server (RFC 1928), with user name and password if it asks (RFC 1929).
 *
 * @throws RouteError when the server refuses; what the socket fails with.
 */
export async function connectThroughSocks(
  server: DialOptions,
  target: Target,
  credentials: Pick<UpstreamProxy, 'username' | 'password'>,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = connect({ ...server, noDelay: true, allowHalfOpen: true });
  // The reads below report errors; one between two reads must not end the process.
  socket.on('error', () => undefined);
  const cut = (): void => void socket.destroy(new RouteError('the upstream proxy did not answer in time'));
  signal.addEventListener('abort', cut, { once: true });
  try {
    await once(socket, 'connect');
    await authenticate(socket, credentials);
    socket.write(Buffer.concat([Buffer.from([VERSION, CONNECT, 0]), addressOf(target)]));
    await readReply(socket);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', cut);
  }
}

async function authenticate(
  socket: Socket,
  { username, password }: Pick<UpstreamProxy, 'username' | 'password'>,
): Promise<void> {
  const hasCredentials = username !== null || password !== null;
  const methods = hasCredentials ? [NO_AUTHENTICATION, USERNAME_PASSWORD] : [NO_AUTHENTICATION];
  socket.write(Buffer.from([VERSION, methods.length, ...methods]));
  const [version, method] = await read(socket, 2);
  if (version !== VERSION) throw new RouteError('the upstream proxy does not speak SOCKS5');
  if (method === NO_AUTHENTICATION) return;
  if (method !== USERNAME_PASSWORD || !hasCredentials) {
    throw new RouteError('the upstream proxy requires an authentication that is not supported');
  }
  socket.write(Buffer.concat([Buffer.from([1]), counted(username ?? ''), counted(password ?? '')]));
  const [, status] = await read(socket, 2);
  if (status !== 0) throw new RouteError('the upstream proxy refused the credentials');
}

async function readReply(socket: Socket): Promise<void> {
  const [, reply = -1, , addressType] = await read(socket, 4);
  if (reply !== 0) {
    throw new RouteError(`the upstream proxy could not connect: ${REPLIES[reply] ?? `reply ${reply}`}`);
  }
  // The server's bound address is not used, but must be read: the page's bytes follow it.
  const length = addressType === 1 ? 4 : addressType === 4 ? 16 : ((await read(socket, 1))[0] ?? 0);
  await read(socket, length + 2);
}

/* Names are sent unresolved: the proxy resolves them, so that no local name server learns of them. */
function addressOf({ host, port }: Target): Buffer {
  const portBytes = Buffer.alloc(2);
  portBytes.writeUInt16BE(port);
  const family = isIP(host);
  if (family === 0) return Buffer.concat([Buffer.from([3]), counted(host), portBytes]);
  if (family === 4) return Buffer.concat([Buffer.from([1, ...host.split('.').map(Number)]), portBytes]);
  return Buffer.concat([Buffer.from([4]), ipv6Bytes(host), portBytes]);
}

function counted(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > 255) throw new RouteError('SOCKS5 allows user names and passwords of at most 255 bytes');
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

const read = (socket: Socket, length: number): Promise<Buffer> =>
  readExactly(socket, length, () => new RouteError('the upstream proxy closed the connection'));
