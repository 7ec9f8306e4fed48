import { Installation, type SessionView } from '../test/support/installation';
import { BareChromium, type BareBrowser, type Sandbox } from './bare-chromium';
import { loadPage, PAGE } from './load-page';
import { interleave, ratioOfMedians, sampleCount, timed, type Benchmark } from './harness';

/**
 * How long a caller waits for a session when no browser runs yet: `POST /v1/sessions` until the answer says `live`,
 * with the first page open. The baseline is Puppeteer starting the same executable in its own process. Both are also
 * measured with a page loaded, which for Holdfast includes connecting through the gateway.
 */
export const coldCreate: Benchmark = {
  name: 'cold-create',
  title: 'create → live through HTTP, no warm pool, one at a time',
  run: async plan => {
    const bare = await BareChromium.find();
    const installation = await Installation.start({ browser: 'chromium' });
    try {
      const samples = await interleave(sampleCount(plan, 50, 3), {
        live: () => created(installation),
        loaded: () => created(installation, loadPage),
        launch: () => launched(bare, 'on'),
        launchLoaded: () => launched(bare, 'on', loadFirstPage),
        launchNoSandbox: () => launched(bare, 'off'),
      });
      return {
        series: [
          { name: 'create → live', unit: 'ms', values: samples.live },
          { name: 'puppeteer.launch()', unit: 'ms', values: samples.launch },
          { name: 'puppeteer.launch(), sandbox off', unit: 'ms', values: samples.launchNoSandbox },
          { name: 'create → live, connected, page loaded', unit: 'ms', values: samples.loaded },
          { name: 'puppeteer.launch(), page loaded', unit: 'ms', values: samples.launchLoaded },
        ],
        claims: [
          {
            text: 'create → live × puppeteer.launch()',
            unit: '×',
            ...ratioOfMedians(samples.live, samples.launch),
            pass: { atMost: 1 },
          },
          {
            text: '… × puppeteer.launch() with its sandbox off',
            unit: '×',
            ...ratioOfMedians(samples.live, samples.launchNoSandbox),
          },
          {
            text: 'create → live × puppeteer.launch() with page loaded',
            unit: '×',
            ...ratioOfMedians(samples.live, samples.launchLoaded),
          },
          {
            text: 'page loaded: create … × launch …',
            unit: '×',
            ...ratioOfMedians(samples.loaded, samples.launchLoaded),
          },
        ],
        notes: [
          'same executable, user and sandbox on both sides unless said otherwise',
          'a session is live when its first page is open, durable when it is answered',
        ],
      };
    } finally {
      await installation.stop();
    }
  },
};

async function created(
  installation: Installation,
  use: (session: SessionView) => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  const { tookMs } = await timed(async () => use(await installation.create()));
  await installation.call('POST', '/v1/sessions/release');
  return tookMs;
}

async function launched(
  bare: BareChromium,
  sandbox: Sandbox,
  use: (launched: BareBrowser) => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  const launch = await bare.prepare(sandbox);
  const { tookMs, result } = await timed(async () => {
    const running = await launch();
    await use(running);
    return running;
  });
  await result.close();
  return tookMs;
}

async function loadFirstPage({ browser }: BareBrowser): Promise<void> {
  const [page] = await browser.pages();
  await page?.goto(PAGE);
}
