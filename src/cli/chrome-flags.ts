import type { CreateOptions } from '../client/session';
import { UsageError } from './exit-codes';

/** What flags of Chrome ask of a session. */
export type FromFlags = Pick<CreateOptions, 'headless' | 'dimensions' | 'userAgent' | 'proxy'>;

/** Flags that would change how the browser reaches the network, and that sessions have no equal for. */
const REFUSED = ['--proxy-pac-url', '--proxy-bypass-list', '--proxy-auto-detect', '--host-resolver-rules'];

/**
 * Flags of Chrome → options of a session. All others concern the browser process or the machine, and are ignored.
 *
 * @throws UsageError for one whose omission would be noticed too late.
 */
export function chromeFlags(flags: readonly string[]): FromFlags {
  // As in Chrome, the last of several counts.
  const given = new Map(flags.map(flag => [nameOf(flag), flag.slice(nameOf(flag).length + 1)]));
  const refused = REFUSED.find(name => given.has(name));
  if (refused !== undefined)
    throw new UsageError(`${refused} is not supported: a session has one proxy at most`);
  const size = given.get('--window-size');
  const userAgent = unquoted(given.get('--user-agent'));
  const proxy = unquoted(given.get('--proxy-server'));
  return {
    headless: given.has('--headless'),
    ...(size === undefined ? {} : { dimensions: dimensionsOf(size) }),
    ...(userAgent === '' ? {} : { userAgent }),
    ...(proxy === '' || proxy === 'direct://' ? {} : { proxy: proxyOf(proxy) }),
  };
}

const nameOf = (flag: string): string => flag.split('=', 1)[0] ?? '';

/* Programs that build command lines for a shell quote the values. */
const unquoted = (value = ''): string => value.replace(/^"(.*)"$/, '$1');

function dimensionsOf(size: string): { width: number; height: number } {
  const [, width, height] = /^(\d{1,5})[,x](\d{1,5})$/.exec(size) ?? [];
  if (width === undefined) throw new UsageError(`--window-size=${size} is not WIDTH,HEIGHT`);
  return { width: Number(width), height: Number(height) };
}

/* `host:port` is an HTTP proxy; lists, and proxies by scheme, have no equal here. */
function proxyOf(proxy: string): NonNullable<FromFlags['proxy']> {
  const url = proxy.includes('://') ? proxy : `http://${proxy}`;
  if (/[,;=]/.test(proxy) || !URL.canParse(url))
    throw new UsageError('--proxy-server must name one proxy, such as http://host:port');
  const { protocol, host, username, password } = new URL(url);
  return {
    server: `${protocol}//${host}`,
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  };
}
