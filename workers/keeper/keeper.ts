import { setMaxListeners } from 'node:events';
import type { Fence } from '../../machines/session/session.types';
import { machineStats } from './admission/machine-stats';
import { messageOf } from '../../src/core/errors';
import { directoryOf, recoverBrowsers } from './books/adoption';
import { CutTally } from './books/cut-tally';
import type { BookEntry } from './books/records';
import { dropRemains, findRemains, NO_REMAINS, removeUnknownRemains } from './books/remains';
import { LaunchError } from './process/browser-start';
import type { ReachableBrowser } from './door/gateway';
import { KeeperBooks } from './books/keeper-books';
import { endpointOf, type KeeperDeps } from './keeper-deps';
import { KeptBrowser, type KeptBrowserDeps } from './process/kept-browser';
import {
  KeeperError,
  type BrowserRecord,
  type KeeperEvent,
  type KeeperOperations,
  type KeeperStats,
} from './door/protocol';
import { directoryFor, launchBrowser } from './process/launch-browser';
import { reapStrays } from './process/remove-tree';
import type { RunDirectory } from './process/run-directory';
import { watchBrowser } from './process/watch-browser';
import { Sleepers } from './sleep/sleepers';
import { openPool } from './warm/open-pool';
import type { WarmPool } from './warm/warm-pool';

type Launch = KeeperOperations['launch'];
type Closed = KeeperOperations['close']['reply'];

/** How often expired reports are removed. */
const EXPIRY_CHECK_MS = 60_000;

/**
 * The browsers of one machine: slots, claims and reports. Rules:
 *
 * - a slot is taken before anything is started and free when process tree and run directory are gone (I12);
 * - only the recorded claim may give orders, and fence numbers of a session only rise (I6);
 * - a browser that ended by itself is reported at once and remembered until the worker forgets it;
 * - everything that this keeper finds at its start it takes over, reports or removes (I7).
 */
export class Keeper {
  readonly #deps: KeeperDeps;
  readonly #books = new KeeperBooks();
  readonly #listeners = new Set<(event: KeeperEvent) => void>();
  readonly #closing = new AbortController();
  readonly #cuts: CutTally;
  readonly #warm: WarmPool;
  readonly #sleepers: Sleepers;
  #orphansReaped = 0;
  #expiry: NodeJS.Timeout | null = null;

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
    this.#cuts = new CutTally(deps.log, () => this.#changed());
    this.#warm = openPool(deps, this.#books, () => this.#changed());
    this.#sleepers = new Sleepers(deps, () => this.#changed());
    // One listener for each browser; Node would warn of a leak at more than ten.
    setMaxListeners(0, this.#closing.signal);
  }

  /** Takes over the browsers of an earlier keeper. Nothing else may be called before this has resolved. */
  async open(): Promise<void> {
    const { runRoot, records, runtime, bootId, clock, log } = this.#deps;
    const found = await recoverBrowsers({ runRoot, records, runtime, bootId, nowMs: clock.nowMs() });
    this.#orphansReaped = found.orphansReaped;
    for (const { stored, process } of found.alive) {
      const browser = this.#keep(stored, process.directory);
      browser.resume(process, stored);
      void this.#openUploads(browser);
      if (stored.ordered) void browser.order('ended by an order from before a restart');
      else this.#watch(browser, stored.sleepAfterMs);
    }
    for (const { name, stored, report } of found.gone)
      this.#keep(stored, directoryOf(runRoot, name, stored)).remember(report);
    await removeUnknownRemains(runRoot, this.#books.directories());
    this.#expiry = setInterval(() => void this.#expire(), EXPIRY_CHECK_MS);
    const { orphansReaped: reaped, warmReaped } = found;
    log.info({ adopted: found.alive.length, gone: found.gone.length, reaped, warmReaped }, 'keeper open');
  }

  /** Calls `listener` for every event until the returned function is called. */
  onEvent(listener: (event: KeeperEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stats(): KeeperStats {
    return {
      slots: this.#deps.slots,
      used: this.#books.holdingSlots().length,
      orphansReaped: this.#orphansReaped,
      warm: this.#warm.counts,
      sleep: this.#sleepers.counts,
      ...this.#cuts.counts,
      egress: this.#deps.runtime.egressTally.counts,
      ...machineStats(this.#deps.machine),
    };
  }

  list(): BrowserRecord[] {
    return this.#books.records();
  }

  /** The first process of every running browser. */
  rootPids(): number[] {
    const kept = this.#books.all().flatMap(({ rootPid }) => (rootPid === null ? [] : [rootPid]));
    return [...kept, ...this.#warm.rootPids()];
  }

  /** Whether launches are to be expected, by a worker that takes browsers with a page. */
  expectLaunches(areExpected: boolean): void {
    this.#warm.want(areExpected);
  }

  /** The running browser under this claim; null if there is none. */
  browserOf(claimId: string): ReachableBrowser | null {
    const browser = this.#books.running(claimId);
    if (!browser?.facts || browser.downloads === null || browser.uploads === null) return null;
    const { downloads, cut, uploads, directory } = browser;
    const sleeper = this.#sleepers.of(browser);
    return { devTools: browser.facts.devTools, downloads, cuts: cut.downloads, uploads, directory, sleeper };
  }

  /**
   * Starts a browser for a session, or hands one over that was started ahead. An older one of the same session is ended
   * first.
   *
   * @throws KeeperError `stale_claim`, `no_free_slot`, `launch_failed` or `launch_cancelled`.
   */
  async launch(request: Launch['request']): Promise<Launch['reply']> {
    const { ref, fence, options, timeoutMs, takesWarm, sleepAfterMs = null } = request;
    if (this.#closing.signal.aborted) throw new KeeperError('launch_cancelled', 'the keeper is stopping');
    const earlier = this.#books.olderThan(ref, fence);
    const freed = earlier.filter(browser => browser.holdsSlot).length;
    if (this.#books.holdingSlots().length - freed >= this.#deps.slots) {
      throw new KeeperError('no_free_slot', `all ${this.#deps.slots} slots are taken`);
    }
    const reserved = takesWarm === true ? this.#warm.reserve(options) : null;
    // Entered in the books before anything is awaited: the very next request may be to close it.
    const browser = this.#keep({ ref, fence, sleepAfterMs }, directoryFor(this.#deps, fence, options));
    this.#changed();
    try {
      let isWarm = false;
      const endpoint = await browser.start(async signal => {
        await Promise.all(earlier.map(older => this.#end(older, 'superseded by a newer claim')));
        const warm = (await reserved?.handOver()) ?? null;
        isWarm = warm !== null;
        return warm ?? launchBrowser(this.#deps, browser, options, { timeoutMs, signal });
      });
      this.#watch(browser, sleepAfterMs);
      return { endpoint, isWarm };
    } catch (error) {
      await this.#drop(browser);
      const isCancelled = error instanceof LaunchError && error.code === 'launch_cancelled';
      this.#deps.log[isCancelled ? 'info' : 'warn']({ ref, reason: messageOf(error) }, 'a launch failed');
      if (error instanceof LaunchError) throw new KeeperError(error.code, error.message);
      throw error;
    } finally {
      this.#warm.adjust();
    }
  }

  /**
   * Records a new claim for a browser. Repeating the recorded claim has no effect.
   *
   * @throws KeeperError as {@link KeeperBooks.claimable}.
   */
  async claim(ref: string, from: Fence, to: Fence): Promise<void> {
    await this.#books.claimable(ref, from, to)?.claim(to);
  }

  /**
   * Ends a browser; resolves when its processes and its folder are gone. What remains stays until {@link forget}. Not
   * known if there is no browser under this claim. In that case all folders and processes without a record are removed
   * first, because they may be the session's.
   *
   * @throws what the file system throws when the run root cannot be read.
   */
  async close(ref: string, claimId: string): Promise<Closed> {
    const browser = this.#books.find(ref, claimId);
    if (browser === undefined) {
      const { runRoot, runtime } = this.#deps;
      const known = (): Set<string> => new Set([...this.#books.directories(), ...this.#warm.directories()]);
      this.#orphansReaped += await reapStrays(runRoot, known, runtime);
      return { known: false, ...NO_REMAINS };
    }
    await browser.order('closed by its worker');
    const remains = await findRemains(browser.directory);
    if (remains.profile === null && remains.traffic === null) await this.#drop(browser);
    return { known: true, ...remains };
  }

  /** The worker has committed that downloads, or an upload, were cut. */
  async cutHeard(ref: string, claimId: string, kind: 'downloads' | 'uploads'): Promise<void> {
    await this.#books.find(ref, claimId)?.noteCut(cut => cut.heard(kind));
  }

  /** Copies parts of the profile of a running browser; answers the path of the copy. @throws KeeperError */
  async copyProfile(claimId: string, parts: readonly string[]): Promise<string> {
    const browser = this.#books.requireRunning(claimId);
    return this.#sleepers.whileAwake(browser, () => browser.copyProfile(parts));
  }

  /** Forgets a browser that has ended; one that has not is left alone. */
  async forget(ref: string, claimId: string): Promise<void> {
    const browser = this.#books.find(ref, claimId);
    if (browser?.state !== 'gone') return;
    this.#books.forget(browser);
    if (!browser.holdsSlot) await this.#drop(browser);
  }

  /** Ends everything; the reports stay for the next worker. */
  async endAll(message: string): Promise<void> {
    const there = this.#books.holdingSlots();
    if (there.length > 0) this.#deps.log.warn({ browsers: there.length }, message);
    await Promise.all([...there.map(browser => browser.order(message)), this.#warm.endAll()]);
  }

  /** Refuses launches and stops all watches. Browsers are left as they are. */
  stop(): void {
    this.#closing.abort();
    this.#warm.stop();
    this.#sleepers.stop();
    for (const browser of this.#books.all()) browser.detach();
    this.#deps.records.stop();
    if (this.#expiry !== null) clearInterval(this.#expiry);
  }

  /** Ends a browser whose owner needs no report of it. */
  async #end(browser: KeptBrowser, why: string): Promise<void> {
    await browser.order(why);
    await this.#drop(browser);
  }

  #keep({ ref, fence, sleepAfterMs }: BookEntry, directory: RunDirectory): KeptBrowser {
    const { records, clock, bootId, disk } = this.#deps;
    const deps: KeptBrowserDeps = {
      ...{ records, clock, bootId, disk: disk.of(ref) },
      endpointOf: process => endpointOf(this.#deps, process, sleepAfterMs !== null),
      sleepAfterMs,
      onUploadCut: browser => this.#cuts.addUpload(browser),
      onGone: browser => this.#emit({ event: 'browser_gone', browser: browser.record() }),
      onFreed: browser => this.#onFreed(browser),
    };
    const browser = new KeptBrowser(ref, fence, directory, deps);
    this.#books.add(browser);
    return browser;
  }

  #watch(browser: KeptBrowser, sleepAfterMs: number | null): void {
    const sleeper = this.#sleepers.watch(browser, sleepAfterMs);
    watchBrowser(browser, this.#deps, this.#closing.signal, {
      isAsleep: () => sleeper?.isAsleep ?? false,
      onCut: cuts => this.#cuts.addDownloads(browser, cuts),
    });
  }

  /*
   * What an earlier keeper has left incomplete takes space. If it cannot be removed now, the next upload tries again.
   */
  async #openUploads({ ref, uploads }: KeptBrowser): Promise<void> {
    await uploads?.open().catch((error: unknown) => {
      this.#deps.log.warn({ err: error, ref }, 'incomplete uploads could not be removed');
    });
  }

  #onFreed(browser: KeptBrowser): void {
    browser.disk.close();
    this.#changed();
    if (this.#books.isForgotten(browser)) void this.#drop(browser);
  }

  /** Removes a browser from the books. A record that cannot be removed now expires later. */
  async #drop(browser: KeptBrowser): Promise<void> {
    this.#books.delete(browser);
    try {
      await dropRemains(browser.directory);
      await this.#deps.records.remove(browser.name);
    } catch (error) {
      this.#deps.log.error({ err: error, ref: browser.ref }, 'a record could not be removed');
    }
  }

  async #expire(): Promise<void> {
    const expired = this.#books.expired(this.#deps.clock.nowMs());
    await Promise.all(expired.map(browser => this.#drop(browser)));
  }

  #changed(): void {
    this.#warm.adjust();
    this.#emit({ event: 'stats', stats: this.stats() });
  }

  #emit(event: KeeperEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
