import { lookup as resolve } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Clock } from '../../../src/core/clock';
import { plainAddress } from './addresses';
import { EgressPolicy, isLocalName, type Target, type EgressRules, type Refusal } from './egress-policy';

/** The rules refuse a target. The message is for the page and its author, and does not say what a name stands for. */
export class EgressRefused extends Error {
  constructor(
    readonly host: string,
    refusal: Refusal,
  ) {
    super(`${host} is refused by the egress policy of the ${refusal}`);
    this.name = 'EgressRefused';
  }
}

/** What a guard knows of the network. */
export interface Network {
  /** @throws what the resolver says. */
  readonly resolve: (host: string) => Promise<readonly LookupAddress[]>;
  /** The plain addresses of this machine's interfaces. */
  readonly ownAddresses: () => ReadonlySet<string>;
}

/** For so long the addresses of interfaces are not read again: that takes as long as a request. */
const OWN_ADDRESSES_KEPT_MS = 1_000;

/** The network of this machine. */
export function systemNetwork(clock: Pick<Clock, 'monotonicMs'>): Network {
  let own: { readonly addresses: ReadonlySet<string>; readonly readAtMs: number } | null = null;
  return {
    resolve: host => resolve(host, { all: true }),
    ownAddresses: () => {
      const nowMs = clock.monotonicMs();
      if (own === null || nowMs - own.readAtMs > OWN_ADDRESSES_KEPT_MS)
        own = { addresses: interfaceAddresses(), readAtMs: nowMs };
      return own.addresses;
    },
  };
}

function interfaceAddresses(): ReadonlySet<string> {
  const interfaces = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? []);
  return new Set(interfaces.map(({ address }) => plainAddress(address)));
}

/** How a socket connects. */
export interface DialOptions extends Target {
  readonly lookup?: LookupFunction;
}

const LOCAL: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/**
 * Holds connections to the rules. A name is resolved once, each of its addresses is judged, and the socket gets only
 * those that may be reached: there is no second resolution that could give another answer.
 */
export class EgressGuard {
  readonly #rules: EgressRules | null;
  readonly #policy: EgressPolicy | null;

  /** @param rules - null: everything may be reached */
  constructor(
    rules: EgressRules | null,
    private readonly network: Network,
  ) {
    this.#rules = rules;
    this.#policy = rules === null ? null : new EgressPolicy(rules);
  }

  /** The guard of the way to a session's own proxy, whose address need not be in the lists of the session. */
  get toProxy(): EgressGuard {
    return new EgressGuard(this.#rules === null ? null : { ...this.#rules, session: null }, this.network);
  }

  /**
   * The options of a socket that connects to `target` only if it may. For a name the refusal comes as the error of
   * the connection.
   *
   * @throws EgressRefused for an address that is refused.
   */
  dial({ host, port }: Target): DialOptions {
    const policy = this.#policy;
    if (policy === null) return { host, port };
    if (isIP(host) !== 0) {
      const refusal = policy.judge({ host, port }, host, this.network.ownAddresses());
      if (refusal !== null) throw new EgressRefused(host, refusal);
      return { host, port };
    }
    return { host, port, lookup: this.#lookupFor(policy, { host, port }) };
  }

  /**
   * Judges a target that a session's own proxy connects to, and resolves.
   *
   * @throws EgressRefused
   */
  requireBehindProxy(target: Target): void {
    const { host } = target;
    const refusal =
      isIP(host) === 0
        ? this.#policy?.judgeName(target)
        : this.#policy?.judge(target, host, this.network.ownAddresses());
    if (refusal) throw new EgressRefused(host, refusal);
  }

  #lookupFor(policy: EgressPolicy, target: Target): LookupFunction {
    return (_host, { all }, callback) => {
      this.#permitted(policy, target).then(
        addresses => {
          const [first] = addresses;
          if (all) callback(null, [...addresses]);
          else callback(null, first?.address ?? '', first?.family);
        },
        // SAFETY: resolvers and the guard reject with errors.
        (error: unknown) => callback(error as Error, ''),
      );
    };
  }

  /* Never empty. */
  async #permitted(policy: EgressPolicy, target: Target): Promise<readonly LookupAddress[]> {
    const { host } = target;
    const found = isLocalName(host) ? LOCAL : await this.network.resolve(host);
    const own = this.network.ownAddresses();
    const judged = found.map(entry => ({ entry, refusal: policy.judge(target, entry.address, own) }));
    const permitted = judged.flatMap(({ entry, refusal }) => (refusal === null ? [entry] : []));
    const refusal = judged.find(one => one.refusal !== null)?.refusal ?? 'installation';
    if (permitted.length === 0) throw new EgressRefused(host, refusal);
    return permitted;
  }
}

/** Lets everything through, and so asks for nothing. */
export const UNGUARDED = new EgressGuard(null, {
  resolve: host => Promise.reject(new Error(`${host} is not resolved here`)),
  ownAddresses: () => new Set(),
});
