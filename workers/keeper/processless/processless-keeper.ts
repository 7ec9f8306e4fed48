import { randomUUID } from 'node:crypto';
import type { Endpoint, Fence } from '../../../machines/session/session.types';
import { NO_REMAINS } from '../books/remains';
import {
  KeeperError,
  type BrowserRecord,
  type KeeperEvent,
  type KeeperOperations,
  type KeeperStats,
} from '../door/protocol';
import type { Browsers } from '../door/worker-registry';

type Launch = KeeperOperations['launch'];
type Closed = KeeperOperations['close']['reply'];

/** Dependencies of {@link ProcesslessKeeper}. */
export interface ProcesslessDeps {
  readonly slots: number;
  readonly bootId: string;
  readonly netns: string;
}

/**
 * The keeper of `HOLDFAST_BROWSER=none`: a browser is an entry in its books and nothing else, so load tests measure the
 * control plane and not the starts of processes. Slots and claims follow the rules of the other keeper (I6, I12). Its
 * browsers end with it, since there is nothing that the next keeper could find.
 */
export class ProcesslessKeeper implements Browsers {
  readonly #browsers = new Map<string, BrowserRecord>();
  readonly #listeners = new Set<(event: KeeperEvent) => void>();
  #isStopped = false;

  constructor(private readonly deps: ProcesslessDeps) {}

  onEvent(listener: (event: KeeperEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stats(): KeeperStats {
    const { slots } = this.deps;
    return { slots, used: this.#browsers.size, orphansReaped: 0, gatewayConnections: 0, load: null };
  }

  list(): BrowserRecord[] {
    return [...this.#browsers.values()];
  }

  /** None are started ahead: a start takes no time. */
  expectLaunches(): void {}

  launch({ ref, fence }: Launch['request']): Promise<Launch['reply']> {
    if (this.#isStopped) return refused('launch_cancelled', 'the keeper is stopping');
    const earlier = this.#browsers.get(ref);
    if (earlier !== undefined && earlier.fence.n >= fence.n)
      return refused('stale_claim', `claim ${fence.n} is not newer than claim ${earlier.fence.n}`);
    if (earlier === undefined && this.#browsers.size >= this.deps.slots)
      return refused('no_free_slot', `all ${this.deps.slots} slots are taken`);
    const endpoint = this.#endpoint();
    this.#browsers.set(ref, { ref, fence, state: 'running', endpoint, gone: null });
    this.#changed();
    return Promise.resolve({ endpoint });
  }

  claim(ref: string, from: Fence, to: Fence): Promise<void> {
    const browser = this.#find(ref, from.claimId);
    if (browser === undefined) {
      if (this.#find(ref, to.claimId) !== undefined) return Promise.resolve();
      return refused('unknown_claim', `${ref} has no browser under claim ${from.n}`);
    }
    if (to.n <= from.n) return refused('stale_claim', `claim ${to.n} is not newer than claim ${from.n}`);
    this.#browsers.set(ref, { ...browser, fence: to });
    return Promise.resolve();
  }

  close(ref: string, claimId: string): Promise<Closed> {
    const isKnown = this.#find(ref, claimId) !== undefined;
    if (isKnown) {
      this.#browsers.delete(ref);
      this.#changed();
    }
    return Promise.resolve({ known: isKnown, ...NO_REMAINS });
  }

  /** A close leaves nothing to forget. */
  forget(): Promise<void> {
    return Promise.resolve();
  }

  /** Nothing is downloaded or uploaded. */
  cutHeard(): Promise<void> {
    return Promise.resolve();
  }

  copyProfile(): Promise<string> {
    return refused('bad_request', 'a browser without a process has no profile');
  }

  endAll(): Promise<void> {
    this.#browsers.clear();
    this.#changed();
    return Promise.resolve();
  }

  /** Refuses launches from now on. */
  stop(): void {
    this.#isStopped = true;
  }

  #find(ref: string, claimId: string): BrowserRecord | undefined {
    const browser = this.#browsers.get(ref);
    return browser?.fence.claimId === claimId ? browser : undefined;
  }

  /* Nobody listens there: a client that connects is told that the browser cannot be reached. */
  #endpoint(): Endpoint {
    const { bootId, netns } = this.deps;
    const path = `/devtools/browser/${randomUUID()}`;
    return { port: 0, path, bootId, netns, gateway: null, gatewaySocket: null };
  }

  #changed(): void {
    const event: KeeperEvent = { event: 'stats', stats: this.stats() };
    for (const listener of this.#listeners) listener(event);
  }
}

function refused(code: KeeperError['code'], message: string): Promise<never> {
  return Promise.reject(new KeeperError(code, message));
}
