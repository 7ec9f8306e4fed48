import { pollUntil } from '../src/core/abort';
import { isAlive, systemProcesses, type ProcessIdentity } from '../src/core/process-identity';
import { Installation } from '../test/support/installation';
import { BareChromium } from './bare-chromium';
import { interleave, p50, ratioOfMedians, sampleCount, type Benchmark } from './harness';
import { browserOf, untilNoBrowser } from './session-browser';

/**
 * How soon the browser of a released session is gone, and when the caller gets the answer: it waits for the browser's
 * whole process tree and its folder, unless the caller asks not to wait. The baseline is `browser.close()` on a browser
 * that Puppeteer started.
 */
export const release: Benchmark = {
  name: 'release',
  title: 'release → Chromium gone, and the answer to the release',
  run: async plan => {
    const bare = await BareChromium.find();
    const installation = await Installation.start({ browser: 'chromium' });
    const answered: number[] = [];
    const committed: number[] = [];
    try {
      const samples = await interleave(sampleCount(plan, 40, 3), {
        gone: async () => {
          const { goneMs, answeredMs } = await releaseOne(installation, {});
          answered.push(answeredMs);
          return goneMs;
        },
        async: async () => {
          const { goneMs, answeredMs } = await releaseOne(installation, { prefer: 'respond-async' });
          committed.push(answeredMs);
          return goneMs;
        },
        close: () => closeBare(bare),
      });
      const gone = [...samples.gone, ...samples.async];
      return {
        series: [
          { name: 'release → Chromium gone', unit: 'ms', values: gone },
          { name: 'puppeteer browser.close() → Chromium gone', unit: 'ms', values: samples.close },
          { name: 'release answered, nothing of it left', unit: 'ms', values: answered.slice(1) },
          { name: 'release answered, respond-async', unit: 'ms', values: committed.slice(1) },
        ],
        claims: [
          { text: 'release → Chromium gone, p50', unit: 'ms', value: p50(gone), pass: { atMost: 150 } },
          { text: '… × browser.close()', unit: '×', ...ratioOfMedians(gone, samples.close) },
        ],
        notes: ['gone: the browser process is dead, checked every millisecond'],
      };
    } finally {
      await installation.stop();
    }
  },
};

async function releaseOne(
  installation: Installation,
  headers: Record<string, string>,
): Promise<{ goneMs: number; answeredMs: number }> {
  const session = await installation.create();
  const browser = await browserOf(installation);
  const startedMs = performance.now();
  const [goneMs, answeredMs] = await Promise.all([
    untilDead(browser, startedMs),
    installation
      .call('POST', `/v1/sessions/${session.id}/release`, undefined, headers)
      .then(() => performance.now() - startedMs),
  ]);
  await untilNoBrowser(installation);
  return { goneMs, answeredMs };
}

async function closeBare(bare: BareChromium): Promise<number> {
  const launch = await bare.prepare('on');
  const { browser, close } = await launch();
  const identity = await systemProcesses.identify(browser.process()?.pid ?? 0);
  if (identity === null) throw new Error('the browser is gone already');
  const startedMs = performance.now();
  const [goneMs] = await Promise.all([untilDead(identity, startedMs), close()]);
  return goneMs;
}

async function untilDead(identity: ProcessIdentity, startedMs: number): Promise<number> {
  return pollUntil('the browser to be gone', { timeoutMs: 10_000, everyMs: 1 }, async () =>
    (await isAlive(systemProcesses, identity)) ? undefined : performance.now() - startedMs,
  );
}
