import { Installation } from '../test/support/installation';
import { BareChromium } from './bare-chromium';
import { interleave, sampleCount, type Benchmark } from './harness';
import { browserOf, untilNoBrowser } from './session-browser';

/** How soon a session whose Chromium is killed is `failed(browser_crashed)`, by the time of the commit. */
export const browserCrash: Benchmark = {
  name: 'browser-crash',
  title: 'Chromium kill -9 → failed(browser_crashed)',
  run: async plan => {
    const bare = await BareChromium.find();
    const installation = await Installation.start({ browser: 'chromium' });
    try {
      const samples = await interleave(sampleCount(plan, 20, 4), {
        failed: () => crashSession(installation),
        disconnected: () => crashBare(bare),
      });
      return {
        series: [
          { name: 'kill → failed, committed', unit: 'ms', values: samples.failed },
          { name: "kill → Puppeteer's `disconnected`", unit: 'ms', values: samples.disconnected },
        ],
        claims: [
          {
            text: 'kill → failed(browser_crashed), slowest',
            unit: 'ms',
            value: Math.max(...samples.failed),
            pass: { atMost: 2_000 },
          },
        ],
      };
    } finally {
      await installation.stop();
    }
  },
};

async function crashSession(installation: Installation): Promise<number> {
  const session = await installation.create();
  const { pid } = await browserOf(installation);
  const killedAtMs = Date.now();
  process.kill(pid, 'SIGKILL');
  const after = await installation.until(session.id, ({ endedAt }) => endedAt !== null);
  if (after.endReason !== 'browser_crashed') throw new Error(`ended as ${after.endReason ?? 'nothing'}`);
  await untilNoBrowser(installation);
  return Date.parse(after.endedAt ?? '') - killedAtMs;
}

async function crashBare(bare: BareChromium): Promise<number> {
  const launch = await bare.prepare('on');
  const { browser, close } = await launch();
  const disconnected = new Promise<void>(resolve => browser.once('disconnected', () => resolve()));
  const startedMs = performance.now();
  browser.process()?.kill('SIGKILL');
  await disconnected;
  const tookMs = performance.now() - startedMs;
  await close();
  return tookMs;
}
