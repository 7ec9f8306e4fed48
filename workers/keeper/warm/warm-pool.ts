import { backoffMs } from '../../../src/core/abort';
import type { Clock } from '../../../src/core/clock';
import type { Logger } from '../../../src/core/logger';
import { RecurringFailures } from '../../../src/core/recurring-failures';
import type { WarmEndCause } from '../../../src/core/warm-end-causes';
import type { LaunchOptions, WarmCounts } from '../door/protocol';
import type { BrowserProcess } from '../process/browser-process';
import type { RunDirectory } from '../process/run-directory';
import type { StartOptions } from '../process/start-options';
import { shapeOf, type ShapedOptions } from './launch-shape';
import type { WarmBrowser } from './warm-browser';
import { WarmDemand } from './warm-demand';
import { planWarm, type WarmEntry } from './warm-plan';

/** How often ages and memory are looked at; everything else is acted on at once. */
const LOOK_EVERY_MS = 1_000;

/**
 * How long nothing is started after a hand-over: the session's client makes its first calls then, and more creates may
 * follow.
 */
export const QUIET_MS = 250;

/** The delay after a failed start, or a browser that died. */
const RETRY_FIRST_MS = 1_000;
const RETRY_CAP_MS = 300_000;

/** One key: whatever fails is tried again. */
const STARTING = 'warm browsers';

/** Dependencies of {@link WarmPool}. */
export interface WarmPoolParts {
  /** The most that are kept; 0: none. */
  readonly most: number;
  /** How many slots no session holds. */
  readonly room: () => number;
  /** Whether a launch is under way: then nothing is started beside it. */
  readonly isLaunching: () => boolean;
  readonly freshDirectory: () => RunDirectory;
  /** Starts a browser and opens its first page; rejects after everything is undone. */
  readonly start: (
    directory: RunDirectory,
    options: StartOptions,
    signal: AbortSignal,
  ) => Promise<WarmBrowser>;
  /** No browser is kept that no session has. */
  readonly isMemoryShort: () => boolean;
  /** Called when the counts have changed. */
  readonly onChanged: () => void;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly log: Logger;
}

interface Entry extends WarmEntry {
  readonly directory: RunDirectory;
  readonly cancel: AbortController;
  readonly starting: Promise<WarmBrowser>;
  /** Null while it starts. */
  browser: WarmBrowser | null;
}

/** A browser that is promised to one launch. */
export interface WarmReservation {
  /** To be called once; resolves with null if the browser turns out to be of no use. Never rejects. */
  handOver(): Promise<BrowserProcess | null>;
}

/**
 * The browsers of a keeper that are started ahead. They hold no slot: a launch that needs the room of one gets it at
 * once, so that together with those of sessions there are never more than slots.
 *
 * One at a time is started, and none while a launch is under way or right after one. {@link planWarm} decides how many
 * there are, and of which shapes; this carries it out.
 */
export class WarmPool {
  readonly #parts: WarmPoolParts;
  readonly #demand = new WarmDemand();
  /** What nobody has yet, starting or ready. */
  readonly #entries = new Set<Entry>();
  readonly #reserved = new Set<Entry>();
  readonly #ending = new Map<Entry, Promise<void>>();
  readonly #ended: Record<WarmEndCause, number> = { aged: 0, demand: 0, room: 0, memory: 0, died: 0 };
  readonly #failures: RecurringFailures;
  readonly #looks: NodeJS.Timeout | null;
  #isWanted = false;
  #isStopped = false;
  #failed = 0;
  #retryAtMs = -Infinity;
  #quietUntilMs = -Infinity;
  #quietEnd: NodeJS.Timeout | null = null;

  constructor(parts: WarmPoolParts) {
    this.#parts = parts;
    this.#failures = new RecurringFailures(
      parts.log,
      'no browser can be started ahead; it will be tried again',
      'browsers are started ahead again',
    );
    this.#looks = parts.most === 0 ? null : setInterval(() => this.adjust(), LOOK_EVERY_MS).unref();
  }

  /** Whether launches are to be expected. Without a worker that takes such browsers there are none. */
  want(isWanted: boolean): void {
    if (isWanted === this.#isWanted) return;
    this.#isWanted = isWanted;
    this.adjust();
  }

  get counts(): WarmCounts {
    return { ready: this.#ready().length, ended: { ...this.#ended } };
  }

  /** The first process of every browser that is ready. */
  rootPids(): number[] {
    return this.#ready().map(({ browser }) => browser.rootPid);
  }

  /** The names of the run directories that may exist for browsers without a session. */
  directories(): string[] {
    const all = [...this.#entries, ...this.#reserved, ...this.#ending.keys()];
    return all.map(({ directory }) => directory.name);
  }

  /** Reserves a browser of the launch's shape: no other launch gets it. Null if there is none. */
  reserve(options: LaunchOptions): WarmReservation | null {
    const shaped = shapeOf(options);
    if (this.#looks === null || shaped === null) return null;
    this.#demand.note(shaped, this.#parts.clock.monotonicMs());
    const [oldest] = this.#ready().filter(({ entry }) => entry.shape === shaped.shape);
    if (oldest === undefined || !this.#isWanted || this.#isStopped) return null;
    const { entry, browser } = oldest;
    this.#entries.delete(entry);
    this.#reserved.add(entry);
    return { handOver: () => this.#handOver(entry, browser, options) };
  }

  /** Compares what is there with what is wanted, and acts on it. To be called when slots or launches have changed. */
  adjust(): void {
    if (this.#looks === null) return;
    const { most, room, isMemoryShort, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    const plan = planWarm({
      nowMs,
      most: this.#isWanted && !this.#isStopped ? most : 0,
      room: room(),
      isMemoryShort: isMemoryShort(),
      wanted: this.#demand.wanted(nowMs),
      entries: [...this.#entries],
    });
    for (const { entry, cause } of plan.end) this.#end(entry, cause);
    if (plan.start !== null && this.#mayStart(nowMs)) void this.#start(plan.start, nowMs);
  }

  /** Ends all of them; resolves when nothing of them is left. */
  async endAll(): Promise<void> {
    this.#isWanted = false;
    for (const entry of [...this.#entries]) this.#end(entry, 'demand');
    await Promise.all(this.#ending.values());
  }

  /** Starts none any more. Those that are ready stay as they are, for the next keeper to remove. */
  stop(): void {
    this.#isStopped = true;
    if (this.#looks !== null) clearInterval(this.#looks);
    if (this.#quietEnd !== null) clearTimeout(this.#quietEnd);
    for (const { browser, cancel } of this.#entries) {
      cancel.abort();
      browser?.detach();
    }
  }

  /* The oldest first. */
  #ready(): { readonly entry: Entry; readonly browser: WarmBrowser }[] {
    return [...this.#entries].flatMap(entry => {
      const { browser } = entry;
      return browser === null ? [] : [{ entry, browser }];
    });
  }

  /* What is being ended still takes its room. */
  #mayStart(nowMs: number): boolean {
    const { room, isLaunching } = this.#parts;
    const isStarting = [...this.#entries].some(({ browser }) => browser === null);
    const hasRoom = this.#entries.size + this.#ending.size < room();
    const mayNow = nowMs >= Math.max(this.#quietUntilMs, this.#retryAtMs);
    return !isStarting && hasRoom && !isLaunching() && mayNow;
  }

  async #start({ shape, options }: ShapedOptions, nowMs: number): Promise<void> {
    const { freshDirectory, start, onChanged } = this.#parts;
    const [directory, cancel] = [freshDirectory(), new AbortController()];
    const starting = start(directory, options, cancel.signal);
    const entry: Entry = { shape, startedAtMs: nowMs, directory, cancel, starting, browser: null };
    this.#entries.add(entry);
    try {
      entry.browser = await starting;
    } catch (error) {
      // If it was ended meanwhile, it did not fail.
      if (this.#entries.delete(entry) && !this.#isStopped) this.#fail(error);
      return;
    }
    if (!this.#entries.has(entry)) return;
    this.#failures.worked(STARTING);
    void entry.browser.lost.then(() => this.#onLost(entry));
    onChanged();
    this.adjust();
  }

  async #handOver(
    entry: Entry,
    browser: WarmBrowser,
    options: LaunchOptions,
  ): Promise<BrowserProcess | null> {
    const process = await browser.handOver(options).catch((error: unknown) => {
      this.#parts.log.error({ err: error }, 'a browser that was started ahead could not be handed over');
      return null;
    });
    this.#reserved.delete(entry);
    if (process === null) this.#onDead(entry);
    else {
      this.#failed = 0;
      this.#keepQuiet();
    }
    return process;
  }

  #keepQuiet(): void {
    if (this.#isStopped) return;
    this.#quietUntilMs = this.#parts.clock.monotonicMs() + QUIET_MS;
    if (this.#quietEnd !== null) clearTimeout(this.#quietEnd);
    // A timer may fire within a millisecond before its time.
    this.#quietEnd = setTimeout(() => this.adjust(), QUIET_MS + 1).unref();
  }

  #onLost(entry: Entry): void {
    if (this.#isStopped || !this.#entries.delete(entry)) return;
    this.#onDead(entry);
    this.#parts.onChanged();
  }

  #onDead(entry: Entry): void {
    this.#fail(new Error('a browser that was started ahead did not live until its session'));
    this.#end(entry, 'died');
  }

  #fail(error: unknown): void {
    this.#failures.failed(STARTING, error);
    this.#failed += 1;
    this.#retryAtMs = this.#parts.clock.monotonicMs() + backoffMs(this.#failed, RETRY_FIRST_MS, RETRY_CAP_MS);
  }

  #end(entry: Entry, cause: WarmEndCause): void {
    this.#entries.delete(entry);
    this.#ended[cause] += 1;
    if (cause === 'aged') this.#failed = 0;
    entry.cancel.abort();
    const ending = entry.starting
      .then(
        browser => browser.discard(),
        () => undefined, // it has removed itself
      )
      .finally(() => {
        this.#ending.delete(entry);
        this.adjust();
      });
    this.#ending.set(entry, ending);
  }
}
