import { WebSocket } from 'ws';
import { pollUntil } from '../src/core/abort';
import { freePort } from '../test/support/free-port';
import { Installation } from '../test/support/installation';
import { BareChromium } from './bare-chromium';
import { interleave, percentile, ratioOfMedians, sampleCount, timed, type Benchmark } from './harness';

const AT_ONCE = 10;
const READY_TIMEOUT_MS = 60_000;

/** What a start still does when its browser is ready; a pool that has just filled up is not what is measured. */
const SETTLE_MS = 500;

/**
 * How long a caller waits for a session when a browser is ready: one at a time with one that waits, and ten at once with
 * ten. The baseline is Puppeteer starting the same executable in its own process, as often and as parallel.
 */
export const warmCreate: Benchmark = {
  name: 'warm-create',
  title: 'create → live through HTTP with a browser that was started ahead',
  run: async plan => {
    const bare = await BareChromium.find();
    const one = await oneByOne(bare, sampleCount(plan, 100, 3));
    const ten = await tenAtOnce(bare, Math.ceil(sampleCount(plan, 100, 10) / AT_ONCE));
    return {
      series: [
        { name: 'create → live', unit: 'ms', values: one.live },
        { name: 'create → first CDP answer', unit: 'ms', values: one.answer },
        { name: 'puppeteer.launch()', unit: 'ms', values: one.launch },
        { name: `${AT_ONCE} creates at once, each`, unit: 'ms', values: ten.each },
        { name: `${AT_ONCE} creates at once, all`, unit: 'ms', values: ten.all },
        { name: `${AT_ONCE} puppeteer.launch() at once, all`, unit: 'ms', values: ten.launches },
      ],
      claims: [
        {
          text: 'create → live × puppeteer.launch()',
          unit: '×',
          ...ratioOfMedians(one.live, one.launch),
          pass: { atMost: 0.1 },
        },
        { text: 'create → live, p50', unit: 'ms', value: percentile(one.live, 0.5), pass: { atMost: 15 } },
        {
          text: 'create → first CDP answer, p50',
          unit: 'ms',
          value: percentile(one.answer, 0.5),
          pass: { atMost: 30 },
        },
        {
          text: 'create → first CDP answer, p99',
          unit: 'ms',
          value: percentile(one.answer, 0.99),
          pass: { atMost: 80 },
        },
        {
          text: `${AT_ONCE} creates × ${AT_ONCE} puppeteer.launch()`,
          unit: '×',
          ...ratioOfMedians(ten.all, ten.launches),
          pass: { atMost: 0.3 },
        },
        {
          text: `${AT_ONCE} creates at once, each, p99`,
          unit: 'ms',
          value: percentile(ten.each, 0.99),
          pass: { atMost: 150 },
        },
      ],
      notes: [
        `${one.cold + ten.cold} of ${one.live.length + one.answer.length + ten.each.length} measured sessions started cold`,
        'same executable, user and sandbox on both sides',
      ],
    };
  },
};

async function oneByOne(
  bare: BareChromium,
  rounds: number,
): Promise<Record<'live' | 'answer' | 'launch', number[]> & { readonly cold: number }> {
  return withPool(1, async pool => {
    const samples = await interleave(rounds, {
      live: () => pool.measure(() => pool.installation.create()),
      answer: () =>
        pool.measure(async () => firstAnswer((await pool.installation.create()).websocketUrl ?? '')),
      launch: async () => {
        await pool.untilReady(1);
        return launchAtOnce(bare, 1);
      },
    });
    return { ...samples, cold: await pool.coldStarts() };
  });
}

async function tenAtOnce(
  bare: BareChromium,
  rounds: number,
): Promise<Record<'each' | 'all' | 'launches', number[]> & { readonly cold: number }> {
  return withPool(AT_ONCE, async pool => {
    // The first burst teaches the pool that there are such bursts.
    await createAtOnce(pool.installation);
    await pool.release();
    const coldBefore = await pool.coldStarts();
    const each: number[][] = [];
    const { all, launches } = await interleave(rounds, {
      all: async () => {
        await pool.untilReady(AT_ONCE);
        const { tookMs, result } = await timed(() => createAtOnce(pool.installation));
        each.push(result);
        await pool.release();
        return tookMs;
      },
      launches: async () => {
        await pool.untilReady(AT_ONCE);
        return launchAtOnce(bare, AT_ONCE);
      },
    });
    // The first round is not counted.
    return { each: each.slice(1).flat(), all, launches, cold: (await pool.coldStarts()) - coldBefore };
  });
}

function createAtOnce(installation: Installation): Promise<number[]> {
  const create = async (): Promise<number> => (await timed(() => installation.create())).tookMs;
  return Promise.all(Array.from({ length: AT_ONCE }, create));
}

async function launchAtOnce(bare: BareChromium, count: number): Promise<number> {
  const launches = await Promise.all(Array.from({ length: count }, () => bare.prepare('on')));
  const { tookMs, result } = await timed(() => Promise.all(launches.map(launch => launch())));
  await Promise.all(result.map(launched => launched.close()));
  return tookMs;
}

async function firstAnswer(url: string): Promise<void> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () => socket.send('{"id":1,"method":"Browser.getVersion"}'));
    socket.once('message', () => resolve());
  });
  socket.terminate();
}

/** An installation, and what its worker says of its pool. */
class MeasuredPool {
  constructor(
    readonly installation: Installation,
    private readonly metricsPort: number,
  ) {}

  /** How long some work takes with a browser ready. */
  async measure(work: () => Promise<unknown>): Promise<number> {
    await this.untilReady(1);
    const { tookMs } = await timed(work);
    await this.release();
    return tookMs;
  }

  async release(): Promise<void> {
    await this.installation.call('POST', '/v1/sessions/release');
  }

  async untilReady(count: number): Promise<void> {
    await pollUntil(
      `${count} browsers to be ready`,
      { timeoutMs: READY_TIMEOUT_MS, everyMs: 100 },
      async () =>
        (await this.#figure('holdfast_worker_slots{state="warm"}')) >= count &&
        (await this.#figure('holdfast_worker_slots{state="used"}')) === 0
          ? true
          : undefined,
    );
    await new Promise(resolve => setTimeout(resolve, SETTLE_MS));
  }

  /** How many sessions have got a browser that was started for them. */
  async coldStarts(): Promise<number> {
    return this.#figure('holdfast_browser_launches_total{start="cold"}');
  }

  async #figure(series: string): Promise<number> {
    const page = await (await fetch(`http://127.0.0.1:${this.metricsPort}/metrics`)).text();
    const line = page.split('\n').find(candidate => candidate.startsWith(series));
    return Number(line?.slice(series.length) ?? Number.NaN);
  }
}

async function withPool<T>(warmBrowsers: number, work: (pool: MeasuredPool) => Promise<T>): Promise<T> {
  const metricsPort = await freePort();
  const installation = await Installation.start({
    browser: 'chromium',
    env: {
      HOLDFAST_SLOTS: String(2 * warmBrowsers),
      HOLDFAST_WARM_BROWSERS: String(warmBrowsers),
      HOLDFAST_METRICS_PORT: String(metricsPort),
    },
  });
  try {
    return await work(new MeasuredPool(installation, metricsPort));
  } finally {
    await installation.stop();
  }
}
