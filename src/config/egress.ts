import { isIP } from 'node:net';
import { countTenants } from './tenants';

/**
 * Where browsers may go (docs/egress.md): everywhere the machine reaches, to public addresses only, or only to what is
 * listed.
 */
export const EGRESS_MODES = ['open', 'public', 'listed'] as const;

/** @see EGRESS_MODES */
export type EgressMode = (typeof EGRESS_MODES)[number];

/** What the operator lets browsers reach. The lists hold entries in canonical form, see {@link readEgressEntry}. */
export interface EgressConfig {
  readonly mode: EgressMode;
  /** What browsers may reach although `mode` does not say so. */
  readonly allow: readonly string[];
  /** What they never reach; wins over `allow`. */
  readonly deny: readonly string[];
}

/** Everything that the machine reaches. */
export const OPEN_EGRESS: EgressConfig = { mode: 'open', allow: [], deny: [] };

/** One entry of a list: which hosts it means, on which port. */
export interface EgressEntry {
  readonly host: EntryHost;
  /** Null: every port. */
  readonly port: number | null;
}

/** The hosts of an entry: every one, one name, the names below one, or a range of addresses. */
export type EntryHost =
  | { readonly kind: 'any' }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'below'; readonly name: string }
  | { readonly kind: 'range'; readonly family: 4 | 6; readonly address: string; readonly bits: number };

/** An entry cannot be read; the message says what it must be. */
export class EgressEntryError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EgressEntryError';
  }
}

/** The longest name that DNS has. */
const NAME_MAX = 253;

const GRAMMAR =
  'must be a host (example.com, *.example.com), an address or a range (10.0.0.0/8, [2001:db8::]/32), or * for all, ' +
  'each with :port or without';

/**
 * Reads `host`, `*.host`, `address`, `address/bits` or `*`, each with `:port` or without. An IPv6 address with a port
 * is in brackets. Names are compared in the form that URLs have: small letters, punycode, no dot at the end.
 *
 * @throws EgressEntryError
 */
export function readEgressEntry(text: string): EgressEntry {
  const { written, port } = splitPort(text.trim());
  return { host: readHost(written), port };
}

/** The canonical form of an entry: equal entries have equal texts. */
export function writeEgressEntry({ host, port }: EgressEntry): string {
  return writeHost(host) + (port === null ? '' : `:${port}`);
}

/* A colon is part of an IPv6 address unless it follows brackets; bits may stand inside of brackets or behind them. */
function splitPort(text: string): { written: string; port: number | null } {
  const [, bracketed, inside, behind = '', port] =
    /^(\[([0-9a-f:.]+(?:\/\d{1,3})?)\](\/\d{1,3})?)(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (bracketed !== undefined) return { written: `${inside}${behind}`, port: readPort(port) };
  if (text.split(':').length > 2) return { written: text, port: null };
  const [, written, plainPort] = /^([^:]*)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (written === undefined) throw new EgressEntryError(GRAMMAR);
  return { written, port: readPort(plainPort) };
}

function readPort(text: string | undefined): number | null {
  if (text === undefined) return null;
  const port = Number(text);
  if (port < 1 || port > 65_535) throw new EgressEntryError('must have a port from 1 to 65535');
  return port;
}

function readHost(written: string): EntryHost {
  if (written === '*') return { kind: 'any' };
  if (written.includes('/')) return readRange(written);
  if (isIP(written) !== 0) return readRange(`${written}/${isIP(written) === 4 ? 32 : 128}`);
  const isBelow = written.startsWith('*.');
  const name = canonicalName(isBelow ? written.slice(2) : written);
  return { kind: isBelow ? 'below' : 'name', name };
}

function readRange(written: string): EntryHost {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(written) ?? [];
  const version = isIP(address);
  const bits = Number(digits);
  // Zone ids pass isIP.
  if (version === 0 || address.includes('%') || digits === '') throw new EgressEntryError(GRAMMAR);
  const family = version === 4 ? 4 : 6;
  if (bits > (family === 4 ? 32 : 128)) throw new EgressEntryError(`${written} has too many bits`);
  const canonical = canonicalAddress(address);
  // Connections to these are compared as what they are.
  if (family === 6 && /^::ffff:[0-9a-f]+:[0-9a-f]+$/.test(canonical))
    throw new EgressEntryError(`${written} is IPv4 in the form of IPv6: write it as IPv4`);
  return { kind: 'range', family, address: canonical, bits };
}

/* In the form of URLs, without brackets. */
const canonicalAddress = (address: string): string =>
  isIP(address) === 4 ? address : new URL(`http://[${address}]`).hostname.slice(1, -1);

function canonicalName(written: string): string {
  if (!/^[^\s/@:?#%[\]\\*]+$/u.test(written) || !URL.canParse(`http://${written}/`))
    throw new EgressEntryError(GRAMMAR);
  const name = new URL(`http://${written}/`).hostname.replace(/\.$/, '');
  // `0x7f.1` is a number to browsers; an entry for it would be for an address that nobody sees in it.
  if (isIP(name) !== 0) throw new EgressEntryError(`${written} is another spelling of ${name}: write that`);
  if (name === '' || name.length > NAME_MAX) throw new EgressEntryError(GRAMMAR);
  return name;
}

function writeHost(host: EntryHost): string {
  switch (host.kind) {
    case 'any':
      return '*';
    case 'name':
      return host.name;
    case 'below':
      return `*.${host.name}`;
    case 'range': {
      const { family, address, bits } = host;
      const suffix = bits === (family === 4 ? 32 : 128) ? '' : `/${bits}`;
      return family === 4 ? `${address}${suffix}` : `[${address}]${suffix}`;
    }
  }
}

/** The settings that egress depends on. */
export interface EgressSettings {
  /** Undefined: `public` with several tenants, else `open`. */
  readonly HOLDFAST_EGRESS?: EgressMode | undefined;
  readonly HOLDFAST_EGRESS_ALLOW: string;
  readonly HOLDFAST_EGRESS_DENY: string;
  readonly HOLDFAST_CHROMIUM_ARGS: string;
}

/** Whether the operator's flags lead browsers to a proxy, or past one. */
export const setsProxy = (chromiumArgs: string): boolean => /(?:^|\s)--(?:no-)?proxy-/.test(chromiumArgs);

/** The egress that settings describe, and what is wrong with them. */
export function egressConfig(
  settings: EgressSettings,
  apiKeys: readonly { readonly tenant: string }[],
): { egress: EgressConfig; problems: string[] } {
  const problems: string[] = [];
  const mode = settings.HOLDFAST_EGRESS ?? (countTenants(apiKeys) > 1 ? 'public' : 'open');
  const listOf = (name: 'HOLDFAST_EGRESS_ALLOW' | 'HOLDFAST_EGRESS_DENY'): EgressEntry[] =>
    settings[name]
      .split(',')
      .filter(text => text.trim() !== '')
      .flatMap(text => {
        try {
          return [readEgressEntry(text)];
        } catch (error) {
          problems.push(`${name}: ${text.trim()}: ${error instanceof Error ? error.message : String(error)}`);
          return [];
        }
      });
  const allow = listOf('HOLDFAST_EGRESS_ALLOW');
  const deny = listOf('HOLDFAST_EGRESS_DENY');
  if (mode === 'open' && allow.length > 0)
    problems.push('HOLDFAST_EGRESS_ALLOW: there is nothing to allow, because HOLDFAST_EGRESS is open');
  if (allow.some(({ host }) => host.kind === 'any'))
    problems.push('HOLDFAST_EGRESS_ALLOW: * would allow everything; HOLDFAST_EGRESS=open does');
  const isClosed = mode !== 'open' || deny.length > 0;
  if (isClosed && setsProxy(settings.HOLDFAST_CHROMIUM_ARGS))
    problems.push('HOLDFAST_CHROMIUM_ARGS: a flag for a proxy goes round HOLDFAST_EGRESS');
  return {
    egress: { mode, allow: allow.map(writeEgressEntry), deny: deny.map(writeEgressEntry) },
    problems,
  };
}
