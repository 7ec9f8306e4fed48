import { isIPv6, type Socket } from 'node:net';
import { keyDigest } from '../core/api-key';
import type { Clock } from '../core/clock';
import { TooManyFailuresError } from '../core/too-many-failures';
import type { Report } from '../metrics/report';

/** How many wrong keys an address may send at once, and how many a second in the long run. */
const AT_ONCE = 60;
const PER_SECOND = 1;

/** How many addresses, and how many pairs of address and key, are remembered; those used longest ago go first. */
const REMEMBERED_MAX = 10_000;

/** Whose key it is: the other end of a connection. */
export type KeySender = Pick<Socket, 'remoteAddress'>;

/** Dependencies of {@link FailedKeys}. */
export interface FailedKeysParts {
  readonly clock: Clock;
  readonly report: Pick<Report, 'keyRefused'>;
}

/** How many wrong keys an address may still send, at a time. */
interface Allowance {
  readonly left: number;
  readonly atMs: number;
}

/**
 * Bounds how many API keys an address can try (ADR 95). Beyond it a key is not looked at any more, right or wrong, so
 * that the answer says nothing about it. A key that was right from this address before goes on: who tries keys does not
 * lock out those who have one.
 */
export class FailedKeys {
  readonly #allowances = new Map<string, Allowance>();
  /** Address and digest of keys that were right. */
  readonly #known = new Set<string>();

  constructor(private readonly parts: FailedKeysParts) {}

  /**
   * What a key stands for, by `find`; null if it is wrong.
   *
   * @throws TooManyFailuresError if the address has tried too many; what `find` throws.
   */
  async check<T>(
    sender: KeySender,
    key: string,
    find: () => T | null | Promise<T | null>,
  ): Promise<T | null> {
    const address = blockOf(sender.remoteAddress ?? '');
    const pair = `${address} ${keyDigest(key).toString('base64')}`;
    if (!this.#known.has(pair)) this.#refuseIfSpent(address);
    const found = await find();
    this.#known.delete(pair);
    if (found === null) {
      this.#failed(address);
      return null;
    }
    this.#known.add(pair);
    dropOldest(this.#known);
    return found;
  }

  #refuseIfSpent(address: string): void {
    const left = this.#left(address);
    if (left >= 1) return;
    this.parts.report.keyRefused('unchecked', address);
    throw new TooManyFailuresError(((1 - left) / PER_SECOND) * 1_000);
  }

  #failed(address: string): void {
    // Not below zero: several keys may have been looked at at the same time.
    const left = Math.max(0, this.#left(address) - 1);
    this.#allowances.delete(address);
    this.#allowances.set(address, { left, atMs: this.parts.clock.monotonicMs() });
    dropOldest(this.#allowances);
    this.parts.report.keyRefused('wrong', address);
  }

  #left(address: string): number {
    const known = this.#allowances.get(address);
    if (known === undefined) return AT_ONCE;
    const passedMs = this.parts.clock.monotonicMs() - known.atMs;
    return Math.min(AT_ONCE, known.left + (passedMs / 1_000) * PER_SECOND);
  }
}

/* Of IPv6 the network, in which one machine has as many addresses as it likes. */
function blockOf(remoteAddress: string): string {
  const address = remoteAddress.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!isIPv6(address)) return address;
  const [head = [], tail = []] = address
    .split('::')
    .map(part => part.split(':').filter(group => group !== ''));
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':')}::/64`;
}

function dropOldest(of: Map<string, unknown> | Set<string>): void {
  const [oldest] = of.keys();
  if (of.size > REMEMBERED_MAX && oldest !== undefined) of.delete(oldest);
}
