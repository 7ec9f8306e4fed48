import type { Fence } from '../../../machines/session/session.types';
import type { KeptBrowser } from '../process/kept-browser';
import { goneKeptMs } from './adoption';
import { KeeperError, type BrowserRecord } from '../door/protocol';

/**
 * The books of a keeper: its browsers and their claims. Every browser that holds a slot is in here, from before its
 * start until process tree and run directory are gone (I12). A browser that ended by itself stays until its worker has
 * processed the report.
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

  /**
   * Forgets a browser whose report the worker has processed: it is no longer listed, even if its removal is not
   * complete.
   */
  forget(browser: KeptBrowser): void {
    this.#forgotten.add(browser);
  }

  isForgotten(browser: KeptBrowser): boolean {
    return this.#forgotten.has(browser);
  }

  /** All browsers, including forgotten ones. */
  all(): KeptBrowser[] {
    return [...this.#browsers];
  }

  holdingSlots(): KeptBrowser[] {
    return this.all().filter(browser => browser.holdsSlot);
  }

  /** The records for a worker. */
  records(): BrowserRecord[] {
    return this.all()
      .filter(browser => !this.#forgotten.has(browser))
      .map(browser => browser.record());
  }

  /** The names of the browsers' run directories. */
  directories(): Set<string> {
    return new Set(this.all().map(({ name }) => name));
  }

  find(ref: string, claimId: string): KeptBrowser | undefined {
    return this.all().find(browser => browser.ref === ref && browser.fence.claimId === claimId);
  }

  /** The browser that runs under a claim, of any session. */
  running(claimId: string): KeptBrowser | undefined {
    return this.all().find(({ state, fence }) => state === 'running' && fence.claimId === claimId);
  }

  /** @throws KeeperError `unknown_claim` if no browser runs under this claim. */
  requireRunning(claimId: string): KeptBrowser {
    const browser = this.running(claimId);
    if (browser === undefined) throw new KeeperError('unknown_claim', 'no browser runs under this claim');
    return browser;
  }

  /**
   * The browser that gets a new claim; null if it has that claim already.
   *
   * @throws KeeperError `unknown_claim` if `from` is not the recorded claim, `stale_claim` if the number does not rise.
   */
  claimable(ref: string, from: Fence, to: Fence): KeptBrowser | null {
    if (this.find(ref, to.claimId)?.fence.n === to.n) return null;
    const browser = this.find(ref, from.claimId);
    if (browser === undefined || browser.fence.n !== from.n || browser.state === 'closing')
      throw new KeeperError('unknown_claim', `${ref} has no browser under claim ${from.n}`);
    if (to.n <= from.n)
      throw new KeeperError('stale_claim', `claim ${to.n} is not newer than claim ${from.n}`);
    return browser;
  }

  /**
   * The browsers of earlier claims of a session.
   *
   * @throws KeeperError `stale_claim` for a claim that is not newer than all of them (I6).
   */
  olderThan(ref: string, fence: Fence): KeptBrowser[] {
    const earlier = this.all().filter(browser => browser.ref === ref);
    if (earlier.some(browser => browser.fence.n >= fence.n)) {
      const message = `${ref} has a browser with the same or a newer claim than ${fence.n}`;
      throw new KeeperError('stale_claim', message);
    }
    return earlier;
  }

  /** The browsers that are gone, are still not forgotten by a worker, and have waited for long enough. */
  expired(nowMs: number): KeptBrowser[] {
    return this.all().filter(
      ({ holdsSlot, goneAtMs, directory }) =>
        !holdsSlot && nowMs - (goneAtMs ?? nowMs) > goneKeptMs(directory.profileUse.isKept),
    );
  }
}
