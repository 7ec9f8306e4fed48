import type { Clock } from '../../../src/core/clock';
import type { SleepCounts } from '../../../src/core/sleep-counts';
import type { BrowserRuntime } from '../process/browser-facts';
import type { KeptBrowser } from '../process/kept-browser';
import { Breaths, type BreathRhythm } from './breaths';
import { BrowserFreezer } from './browser-freezer';
import { lookAtPages } from './page-look';
import { Reclaimer } from './reclaimer';
import { SleepTally } from './sleep-tally';
import { Sleeper } from './sleeper';

/** Dependencies of {@link Sleepers}. */
export interface SleepersParts {
  readonly runtime: Pick<BrowserRuntime, 'processes' | 'log'>;
  readonly breathRhythm: BreathRhythm;
  readonly clock: Clock;
}

/** The browsers of a keeper that may sleep. */
export class Sleepers {
  readonly #tally = new SleepTally();
  readonly #reclaimer = new Reclaimer();
  readonly #breaths: Breaths;
  readonly #all = new Map<KeptBrowser, Sleeper>();

  /** @param onChanged - called when one has fallen asleep or is awake again */
  constructor(
    private readonly parts: SleepersParts,
    private readonly onChanged: () => void,
  ) {
    this.#breaths = new Breaths(parts.breathRhythm);
  }

  get counts(): SleepCounts {
    return this.#tally.counts([...this.#all.values()].filter(({ isAsleep }) => isAsleep).length);
  }

  /** Lets a running browser sleep after so long, until it ends; null: it never sleeps. */
  watch(browser: KeptBrowser, sleepAfterMs: number | null): Sleeper | null {
    const { facts, ref, over } = browser;
    if (facts === null || sleepAfterMs === null || over.aborted) return null;
    const { clock, runtime } = this.parts;
    const { processes, log } = runtime;
    const sleeper: Sleeper = new Sleeper({
      ...{ ref, afterMs: sleepAfterMs, log, clock, tally: this.#tally },
      isRunning: () => browser.state === 'running',
      look: async () =>
        (await browser.downloads?.isUnderWay()) === true ? 'busy' : lookAtPages(facts.devTools),
      freezer: new BrowserFreezer(facts, processes),
      breaths: this.#breaths,
      reclaim: () => this.#reclaimer.reclaim(facts.cgroups, () => sleeper.isAsleep),
      onChanged: this.onChanged,
    });
    this.#all.set(browser, sleeper);
    const end = (): void => {
      sleeper.stop();
      this.#all.delete(browser);
    };
    over.addEventListener('abort', end, { once: true });
    return sleeper;
  }

  /** Null: it never sleeps. */
  of(browser: KeptBrowser): Sleeper | null {
    return this.#all.get(browser) ?? null;
  }

  /** Does some work with a browser while it is awake. */
  whileAwake<T>(browser: KeptBrowser, work: () => Promise<T>): Promise<T> {
    return this.of(browser)?.whileAwake(work) ?? work();
  }

  /** Nobody falls asleep any more. */
  stop(): void {
    for (const sleeper of this.#all.values()) sleeper.stop();
  }
}
