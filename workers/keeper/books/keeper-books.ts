import type { Fence } from '../../../machines/session/session.types';
import { KeeperError } from '../door/keeper-error';
import type { KeptBrowser } from '../process/kept-browser';
import type { BrowserRecord } from '../door/protocol';

/**
 * The books of a keeper: which browsers it has, under which claims. Whatever holds a slot stands in here, from before it is
 * started until process tree and run directory are gone (I12); one that went by itself stays until its report was heard.
 */
export class KeeperBooks {
  readonly #browsers = new Set<KeptBrowser>();
  readonly #forgotten = new WeakSet<KeptBrowser>();

  add(browser: KeptBrowser): void {
    this.#browsers.add(browser);
  }

  delete(browser: KeptBrowser): void {
    this.#browsers.delete(browser);
  }

  /** Its worker has heard the report: it is told no more, whatever of it is still to be removed. */
  forget(browser: KeptBrowser): void {
    this.#forgotten.add(browser);
  }

  isForgotten(browser: KeptBrowser): boolean {
    return this.#forgotten.has(browser);
  }

  /** All of them, forgotten ones too. */
  all(): KeptBrowser[] {
    return [...this.#browsers];
  }

  holdingSlots(): KeptBrowser[] {
    return this.all().filter(browser => browser.holdsSlot);
  }

  /** What a worker is told. */
  records(): BrowserRecord[] {
    return this.all()
      .filter(browser => !this.#forgotten.has(browser))
      .map(browser => browser.record());
  }

  /** The names of their run directories. */
  directories(): Set<string> {
    return new Set(this.all().map(({ name }) => name));
  }

  find(ref: string, claimId: string): KeptBrowser | undefined {
    return this.all().find(browser => browser.ref === ref && browser.fence.claimId === claimId);
  }

  /** The browser that runs under a claim, whosever it is. */
  running(claimId: string): KeptBrowser | undefined {
    return this.all().find(({ state, fence }) => state === 'running' && fence.claimId === claimId);
  }

  /**
   * The browsers of earlier claims of a session.
   *
   * @throws KeeperError `stale_claim` for a claim that is not newer than all of them (I6).
   */
  olderThan(ref: string, fence: Fence): KeptBrowser[] {
    const earlier = this.all().filter(browser => browser.ref === ref);
    if (earlier.some(browser => browser.fence.n >= fence.n)) {
      const message = `${ref} has a browser under a claim that is not older than ${fence.n}`;
      throw new KeeperError('stale_claim', message);
    }
    return earlier;
  }

  /** Those that went before a moment, epoch milliseconds, and nobody has asked about since. */
  goneBefore(ms: number): KeptBrowser[] {
    return this.all().filter(({ goneAtMs, holdsSlot }) => !holdsSlot && (goneAtMs ?? ms) < ms);
  }
}
