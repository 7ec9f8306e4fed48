import { BlockList, isIP } from 'node:net';
import type { SessionEgress } from '../../../machines/session/session.types';
import { readEgressEntry, type EgressConfig, type EntryHost } from '../../../src/config/egress';
import { facesOf, isLoopback, isPublic, plainAddress } from './addresses';

/**
 * What one browser may reach: what the installation permits, narrowed by its tenant and its session. Plain data, so
 * that it can be sent.
 */
export interface EgressRules extends EgressConfig {
  readonly tenant: EgressConfig | null;
  readonly session: SessionEgress | null;
}

/** The rules for a session; null if nothing is forbidden. */
export function rulesFor(
  config: EgressConfig,
  tenant: EgressConfig | null,
  session: SessionEgress | null,
): EgressRules | null {
  const isFree = isOpen(config) && (tenant === null || isOpen(tenant)) && session === null;
  return isFree ? null : { ...config, tenant, session };
}

const isOpen = ({ mode, deny }: EgressConfig): boolean => mode === 'open' && deny.length === 0;

/** Where a connection is to go: a name or an address, as {@link canonicalHost} writes them. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Whose rules refuse a target. */
export type Refusal = 'installation' | 'tenant' | 'session';

/** One entry of a list, ready to be compared. */
interface Matcher {
  readonly namesPort: boolean;
  readonly matches: (seen: Seen) => boolean;
}

/** Rules of the operator, ready to be asked. */
interface Layer {
  readonly whose: Refusal;
  readonly mode: EgressConfig['mode'];
  readonly allow: readonly Matcher[];
  readonly deny: readonly Matcher[];
}

/** What entries are compared with: addresses are those of the connection, none if it is not known yet. */
interface Seen extends Target {
  readonly addresses: readonly string[];
}

/**
 * Decides where a browser may go. Pure: others resolve names, and ask for each address that a name has.
 *
 * Of the operator's rules `deny` is asked first, then `allow`, then the mode: first those of the installation, then
 * those of the tenant, which can only take away from what is left. So can those of the session.
 */
export class EgressPolicy {
  readonly #layers: readonly Layer[];
  readonly #sessionAllow: readonly Matcher[] | null;
  readonly #sessionDeny: readonly Matcher[];

  constructor({ tenant, session, ...installation }: EgressRules) {
    this.#layers = [layerOf('installation', installation), ...(tenant ? [layerOf('tenant', tenant)] : [])];
    this.#sessionAllow = session?.allow?.map(matcherOf) ?? null;
    this.#sessionDeny = session?.deny.map(matcherOf) ?? [];
  }

  /**
   * Whose rules refuse a connection to one address of a target; null if it may be made.
   *
   * @param address - as `getaddrinfo` gives it
   * @param own - the plain addresses of this machine's interfaces
   */
  judge(target: Target, address: string, own: ReadonlySet<string>): Refusal | null {
    const plain = plainAddress(address);
    const seen = { ...target, addresses: facesOf(plain) };
    const isOwn = isLoopback(plain) || own.has(plain);
    const refusing = this.#layers.find(({ mode, allow, deny }) => {
      if (isIn(deny, seen)) return true;
      if (mode === 'open' || (mode === 'public' && !isOwn && isPublic(plain))) return false;
      // What runs on this machine, such as Redis, must not be opened by a range that was meant for other machines.
      const opening = isOwn ? allow.filter(({ namesPort }) => namesPort) : allow;
      return !isIn(opening, { ...target, addresses: [plain] });
    });
    return refusing?.whose ?? this.#judgeForSession(seen);
  }

  /**
   * The same for a name that is resolved elsewhere, by a session's own proxy. Nothing is known of its addresses, so it
   * is compared with the names of the lists, and matches no range.
   */
  judgeName(target: Target): Refusal | null {
    const seen = { ...target, addresses: [] };
    const refusing = this.#layers.find(({ mode, allow, deny }) => {
      if (isIn(deny, seen)) return true;
      const isPermitted = mode === 'open' || (mode === 'public' && !isLocalName(target.host));
      return !isPermitted && !isIn(allow, seen);
    });
    return refusing?.whose ?? this.#judgeForSession(seen);
  }

  #judgeForSession(seen: Seen): Refusal | null {
    if (isIn(this.#sessionDeny, seen)) return 'session';
    return this.#sessionAllow === null || isIn(this.#sessionAllow, seen) ? null : 'session';
  }
}

/** Whether a name means this machine, whatever name servers say (RFC 6761). */
export function isLocalName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

/**
 * A host as browsers understand it: names in small letters and punycode without a dot at the end, any spelling of an
 * IPv4 address (`0x7f.1`, `2130706433`, `１２７.0.0.1`) as that address, IPv6 without brackets. Null if it is none.
 */
export function canonicalHost(written: string): string | null {
  const isHost = /^(?:\[[0-9a-f:.]+\]|[^\s:/@?#\\%[\]]+)$/i.test(written);
  if (!isHost || !URL.canParse(`http://${written}/`)) return null;
  const { hostname } = new URL(`http://${written}/`);
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  return host === '' ? null : host;
}

const layerOf = (whose: Refusal, { mode, allow, deny }: EgressConfig): Layer => ({
  ...{ whose, mode },
  allow: allow.map(matcherOf),
  deny: deny.map(matcherOf),
});

const isIn = (list: readonly Matcher[], seen: Seen): boolean => list.some(({ matches }) => matches(seen));

function matcherOf(text: string): Matcher {
  const { host, port } = readEgressEntry(text);
  const isHost = hostMatcher(host);
  return { namesPort: port !== null, matches: seen => (port === null || port === seen.port) && isHost(seen) };
}

function hostMatcher(entry: EntryHost): (seen: Seen) => boolean {
  switch (entry.kind) {
    case 'any':
      return () => true;
    case 'name':
      return ({ host }) => host === entry.name;
    case 'below':
      return ({ host }) => isIP(host) === 0 && host.endsWith(`.${entry.name}`);
    case 'range': {
      const range = new BlockList();
      range.addSubnet(entry.address, entry.bits, entry.family === 4 ? 'ipv4' : 'ipv6');
      return ({ addresses }) =>
        addresses.some(address => range.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6'));
    }
  }
}
