import { BROWSERS, type BrowserName } from '../machines/session/session.words';
import { Installation, type SessionView } from '../test/support/installation';
import { pssMiB } from './browser-trees';
import { interleave, ratioOfMedians, sampleCount, timed, type Benchmark, type Series } from './harness';
import { loadPage } from './load-page';
import { browserOf, untilNoBrowser } from './session-browser';

/**
 * What the browsers that a session can choose cost beside each other: `POST /v1/sessions` until the answer says `live`,
 * the same with a page loaded, and the memory of an idle session. Sessions of both take turns.
 */
export const browsers: Benchmark = {
  name: 'browsers',
  title: 'the headless shell beside the whole Chromium',
  run: async plan => {
    const installation = await Installation.start({ browser: 'chromium' });
    const count = sampleCount(plan, 50, 3);
    try {
      const live = await interleave(
        count,
        lanes(browser => created(installation, browser)),
      );
      const loaded = await interleave(
        count,
        lanes(browser => created(installation, browser, loadPage)),
      );
      const memory = await interleave(
        sampleCount(plan, 10, 2),
        lanes(browser => idleMemory(installation, browser)),
      );
      const of = (samples: Record<BrowserName, number[]>): readonly [number[], number[]] => [
        samples['chromium-headless-shell'],
        samples.chromium,
      ];
      return {
        series: [
          ...seriesOf('create → live', 'ms', live),
          ...seriesOf('create → live, connected, page loaded', 'ms', loaded),
          ...seriesOf('MiB of an idle session (PSS)', '', memory),
        ],
        claims: [
          { text: 'create → live, shell × whole', unit: '×', ...ratioOfMedians(...of(live)) },
          { text: 'page loaded, shell × whole', unit: '×', ...ratioOfMedians(...of(loaded)) },
          { text: 'memory, shell × whole', unit: '×', ...ratioOfMedians(...of(memory)) },
        ],
        notes: ['memory is that of all processes of the browser, each shared page counted in parts (PSS)'],
      };
    } finally {
      await installation.stop();
    }
  },
};

function lanes(lane: (browser: BrowserName) => Promise<number>): Record<BrowserName, () => Promise<number>> {
  return {
    chromium: () => lane('chromium'),
    'chromium-headless-shell': () => lane('chromium-headless-shell'),
  };
}

function seriesOf(name: string, unit: Series['unit'], samples: Record<BrowserName, number[]>): Series[] {
  return BROWSERS.map(browser => ({ name: `${browser}: ${name}`, unit, values: samples[browser] }));
}

async function created(
  installation: Installation,
  browser: BrowserName,
  use: (session: SessionView) => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  const { tookMs } = await timed(async () => use(await installation.create({ browser })));
  await installation.call('POST', '/v1/sessions/release');
  await untilNoBrowser(installation);
  return tookMs;
}

/* A page is loaded, so that no process is still to come. */
async function idleMemory(installation: Installation, browser: BrowserName): Promise<number> {
  await loadPage(await installation.create({ browser }));
  const { pid } = await browserOf(installation);
  const usedMiB = pssMiB(pid);
  await installation.call('POST', '/v1/sessions/release');
  await untilNoBrowser(installation);
  return usedMiB;
}
