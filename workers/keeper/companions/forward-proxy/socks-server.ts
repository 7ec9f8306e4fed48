import { isIP, type Socket } from 'node:net';
import { canonicalHost, type Target } from '../../egress/egress-policy';
import { readExactly } from './read-exactly';

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const NO_ACCEPTABLE_METHOD = 0xff;
const CONNECT = 1;

/** Replies (RFC 1928, section 6); the address that a server connects from is nobody's business. */
const reply = (code: number): Buffer => Buffer.from([VERSION, code, 0, 1, 0, 0, 0, 0, 0, 0]);
const COMMAND_NOT_SUPPORTED = reply(7);
const ADDRESS_TYPE_NOT_SUPPORTED = reply(8);

/** The reply to what {@link acceptSocks} has read: what the client sends from now on goes to its target. */
export const SUCCEEDED = reply(0);

/**
 * Reads what a client of SOCKS5 (RFC 1928) wants to be connected to, without authentication. The reply is the caller's.
 *
 * @throws if it is no such client, ends before, or wants something else, which then is answered.
 */
export async function acceptSocks(client: Socket): Promise<Target> {
  const read = (length: number): Promise<Buffer> =>
    readExactly(client, length, () => new Error('the client has closed the connection'));
  const [version, count = 0] = await read(2);
  if (version !== VERSION) throw new Error('this is not SOCKS5');
  const isOffered = (await read(count)).includes(NO_AUTHENTICATION);
  client.write(Buffer.from([VERSION, isOffered ? NO_AUTHENTICATION : NO_ACCEPTABLE_METHOD]));
  if (!isOffered) throw new Error('the client wants to authenticate itself');
  const [again, command, , addressType] = await read(4);
  if (again !== VERSION || command !== CONNECT) return refuse(client, COMMAND_NOT_SUPPORTED);
  const host = canonicalHost(await readHost(read, addressType));
  const port = (await read(2)).readUInt16BE(0);
  return host === null ? refuse(client, ADDRESS_TYPE_NOT_SUPPORTED) : { host, port };
}

/* As it stands in a URL. Chromium sends addresses as names. */
async function readHost(read: (length: number) => Promise<Buffer>, addressType?: number): Promise<string> {
  if (addressType === 1) return [...(await read(4))].join('.');
  if (addressType === 4) {
    const groups = (await read(16)).toString('hex').match(/.{4}/g) ?? [];
    return `[${groups.join(':')}]`;
  }
  if (addressType !== 3) return '';
  const name = (await read((await read(1))[0] ?? 0)).toString('latin1');
  return isIP(name) === 6 ? `[${name}]` : name;
}

function refuse(client: Socket, answer: Buffer): never {
  client.write(answer);
  throw new Error('the client asks for what this proxy does not do');
}
