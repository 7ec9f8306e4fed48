import { createLogger } from '../../../src/core/logger';
import { PLAIN_LAUNCH, type LaunchOptions } from '../../../workers/keeper/door/protocol';
import { RunDirectory } from '../../../workers/keeper/process/run-directory';
import type { StartOptions } from '../../../workers/keeper/process/start-options';
import type { WarmBrowser } from '../../../workers/keeper/warm/warm-browser';
import { WARM_MAX_AGE_MS } from '../../../workers/keeper/warm/warm-plan';
import { QUIET_MS, WarmPool, type WarmPoolParts } from '../../../workers/keeper/warm/warm-pool';

const GERMAN: LaunchOptions = { ...PLAIN_LAUNCH, locale: 'de-DE' };

/** A browser that is no process. */
class FakeBrowser {
  readonly lost: Promise<void>;
  readonly process = {};
  isDiscarded = false;
  isDetached = false;
  isOfUse = true;
  lose: () => void = () => undefined;
  readonly rootPid = 1;

  constructor(readonly options: StartOptions) {
    this.lost = new Promise(resolve => (this.lose = resolve));
  }

  handOver(): Promise<object | null> {
    return Promise.resolve(this.isOfUse ? this.process : null);
  }

  discard(): Promise<void> {
    this.isDiscarded = true;
    return Promise.resolve();
  }

  detach(): void {
    this.isDetached = true;
  }
}

/** A pool, and everything that it depends on. */
class Bench {
  readonly pool: WarmPool;
  readonly started: FakeBrowser[] = [];
  room = 4;
  isLaunching = false;
  isMemoryShort = false;
  nowMs = 0;
  /** What the next starts do. */
  start: (browser: FakeBrowser, signal: AbortSignal) => Promise<FakeBrowser> = browser =>
    Promise.resolve(browser);
  tries = 0;

  constructor(settings: Partial<WarmPoolParts> = {}) {
    this.pool = new WarmPool({
      most: 2,
      room: () => this.room,
      isLaunching: () => this.isLaunching,
      freshDirectory: () => RunDirectory.fresh('/nowhere'),
      start: async (_directory, options, signal) => {
        this.tries += 1;
        const browser = await this.start(new FakeBrowser(options), signal);
        this.started.push(browser);
        // SAFETY: the pool uses nothing else of a browser.
        return browser as unknown as WarmBrowser;
      },
      isMemoryShort: () => this.isMemoryShort,
      onChanged: () => undefined,
      clock: { monotonicMs: () => this.nowMs },
      log: createLogger('keeper', 'silent'),
      ...settings,
    });
  }

  /** Lets time pass, and everything happen that happens meanwhile. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      this.nowMs += Math.min(left, 1_000);
      await jest.advanceTimersByTimeAsync(Math.min(left, 1_000));
    }
  }

  /** A burst of launches that find nothing; the pool then wants as many. */
  async expect(options: LaunchOptions, count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) this.pool.reserve(options);
    this.pool.adjust();
    await jest.advanceTimersByTimeAsync(0);
  }

  get ready(): number {
    return this.pool.counts.ready;
  }
}

let bench: Bench;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['performance'] });
  bench = new Bench();
});

afterEach(() => {
  bench.pool.stop();
  jest.useRealTimers();
});

describe('a pool', () => {
  it('has nothing until a worker takes launches, and nothing again when it does not any more', async () => {
    await bench.pass(5_000);
    expect(bench.tries).toBe(0);
    bench.pool.want(true);
    await bench.pass(1);
    expect(bench.ready).toBe(1);
    bench.pool.want(false);
    await bench.pass(1);
    expect(bench.ready).toBe(0);
    expect(bench.started.every(({ isDiscarded }) => isDiscarded)).toBe(true);
    expect(bench.pool.directories()).toEqual([]);
  });

  it('gives a browser to one launch alone, and starts the next when that is over', async () => {
    bench.pool.want(true);
    await bench.pass(1);
    const reservation = bench.pool.reserve(PLAIN_LAUNCH);
    expect(bench.pool.reserve(PLAIN_LAUNCH)).toBeNull();
    bench.isLaunching = true;
    bench.pool.adjust();
    await expect(reservation?.handOver()).resolves.toBe(bench.started[0]?.process);
    expect(bench.started).toHaveLength(1);
    bench.isLaunching = false;
    bench.pool.adjust();
    await bench.pass(QUIET_MS + 1);
    // Two were asked for in a short time.
    expect(bench.started).toHaveLength(3);
    expect(bench.started[0]?.isDiscarded).toBe(false);
  });

  it('starts nothing while the client of a browser makes its first calls, counted from the last hand-over', async () => {
    bench.pool.want(true);
    await bench.expect(PLAIN_LAUNCH, 2);
    await bench.pass(1);
    expect(bench.ready).toBe(2);
    await bench.pool.reserve(PLAIN_LAUNCH)?.handOver();
    await bench.pass(QUIET_MS - 1);
    await bench.pool.reserve(PLAIN_LAUNCH)?.handOver();
    bench.pool.adjust();
    await bench.pass(QUIET_MS - 1);
    bench.pool.adjust();
    expect(bench.tries).toBe(2);
    await bench.pass(2);
    expect(bench.ready).toBe(2);
  });

  it('has none for a launch of another shape, which it learns from', async () => {
    bench.pool.want(true);
    await bench.pass(1);
    expect(bench.pool.reserve(GERMAN)).toBeNull();
    bench.pool.adjust();
    await bench.pass(1);
    expect(bench.started.map(({ options }) => options.locale)).toEqual([null, 'de-DE']);
    expect(bench.pool.reserve(GERMAN)).not.toBeNull();
  });

  it('starts one at a time', async () => {
    let open: () => void = () => undefined;
    bench.start = browser => new Promise(resolve => (open = () => resolve(browser)));
    bench.pool.want(true);
    await bench.expect(PLAIN_LAUNCH, 2);
    await bench.pass(5_000);
    expect(bench.tries).toBe(1);
    open();
    await bench.pass(1);
    expect(bench.tries).toBe(2);
    open();
    await bench.pass(5_000);
    expect([bench.ready, bench.tries]).toEqual([2, 2]);
  });

  it('gives up room at once when a session needs it, also of one that is starting', async () => {
    bench.start = async (browser, signal) => {
      await new Promise<void>((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new Error('cancelled'))),
      );
      return browser;
    };
    bench.pool.want(true);
    expect(bench.pool.directories()).toHaveLength(1);
    bench.room = 0;
    bench.pool.adjust();
    await bench.pass(1);
    expect(bench.pool.directories()).toEqual([]);
    expect(bench.pool.counts.ended.room).toBe(1);
  });

  it('waits longer after each failure, and says it once', async () => {
    const log = createLogger('keeper', 'silent');
    const warn = jest.spyOn(log, 'warn');
    bench = new Bench({ log });
    bench.start = () => Promise.reject(new Error('the disk is full'));
    bench.pool.want(true);
    await bench.pass(60_000);
    // At 0, 1, 3, 7, 15 and 31 s.
    expect(bench.tries).toBe(6);
    expect(warn).toHaveBeenCalledTimes(1);
    bench.start = browser => Promise.resolve(browser);
    await bench.pass(10_000);
    expect(bench.ready).toBe(1);
  });

  it('does not start browsers in a loop that die as soon as they are ready', async () => {
    bench.start = browser => {
      setTimeout(() => browser.lose(), 10);
      return Promise.resolve(browser);
    };
    bench.pool.want(true);
    await bench.pass(60_000);
    expect(bench.tries).toBe(6);
    expect(bench.pool.counts).toMatchObject({ ready: 0, ended: { died: 6 } });
    expect(bench.started.every(({ isDiscarded }) => isDiscarded)).toBe(true);
  });

  it('removes a browser that does not answer when it is to be handed over', async () => {
    bench.pool.want(true);
    await bench.pass(1);
    const [browser] = bench.started;
    if (browser === undefined) throw new Error('none was started');
    browser.isOfUse = false;
    await expect(bench.pool.reserve(PLAIN_LAUNCH)?.handOver()).resolves.toBeNull();
    await bench.pass(1);
    expect(browser.isDiscarded).toBe(true);
    expect(bench.pool.counts.ended.died).toBe(1);
  });

  it('keeps the run directory of a browser that is being handed over among its own', async () => {
    bench.pool.want(true);
    await bench.pass(1);
    const before = bench.pool.directories();
    const reservation = bench.pool.reserve(PLAIN_LAUNCH);
    expect(bench.pool.directories()).toEqual(before);
    await reservation?.handOver();
    expect(bench.pool.directories()).toEqual([]);
  });

  it('gives memory back when it is short, until there is enough again', async () => {
    bench.pool.want(true);
    await bench.pass(1);
    bench.isMemoryShort = true;
    await bench.pass(1_000);
    expect(bench.pool.counts).toMatchObject({ ready: 0, ended: { memory: 1 } });
    await bench.pass(10_000);
    expect(bench.ready).toBe(0);
    bench.isMemoryShort = false;
    await bench.pass(2_000);
    expect(bench.ready).toBe(1);
  });

  it('replaces a browser that is too old', async () => {
    bench.pool.want(true);
    await bench.pass(WARM_MAX_AGE_MS + 2_000);
    expect(bench.started).toHaveLength(2);
    expect(bench.started.map(({ isDiscarded }) => isDiscarded)).toEqual([true, false]);
  });

  it('leaves nothing when all are ended, and starts none until it is wanted again', async () => {
    bench.pool.want(true);
    await bench.pass(1);
    await bench.pool.endAll();
    await bench.pass(10_000);
    expect(bench.started.map(({ isDiscarded }) => isDiscarded)).toEqual([true]);
    bench.pool.want(true);
    await bench.pass(1);
    expect(bench.ready).toBe(1);
  });

  it('leaves those that are ready to the next keeper when it is stopped', async () => {
    bench.pool.want(true);
    await bench.pass(1);
    bench.pool.stop();
    await bench.pass(10_000);
    expect(bench.started.map(({ isDiscarded, isDetached }) => [isDiscarded, isDetached])).toEqual([
      [false, true],
    ]);
    expect(bench.pool.reserve(PLAIN_LAUNCH)).toBeNull();
  });

  it('does nothing with a size of 0', async () => {
    bench = new Bench({ most: 0 });
    bench.pool.want(true);
    bench.pool.reserve(PLAIN_LAUNCH);
    await bench.pass(10_000);
    expect(bench.tries).toBe(0);
  });
});
