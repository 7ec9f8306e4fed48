import { WebSocket } from 'ws';
import { BareChromium } from './bare-chromium';
import { interleave, percentile, ratioOfMedians, sampleCount, type Benchmark } from './harness';
import { launchAtOnce, withPool } from './measured-pool';

/**
 * How long a caller waits for a session when a browser is ready. The baseline is Puppeteer starting the same executable
 * in its own process.
 */
export const warmCreate: Benchmark = {
  name: 'warm-create',
  title: 'create → live through HTTP with a browser that was started ahead, one at a time',
  run: async plan => {
    const bare = await BareChromium.find();
    const rounds = sampleCount(plan, 100, 3);
    const { samples, cold } = await withPool(1, async pool => ({
      samples: await interleave(rounds, {
        live: () => pool.measure(() => pool.installation.create()),
        answer: () =>
          pool.measure(async () => firstAnswer((await pool.installation.create()).websocketUrl ?? '')),
        launch: async () => {
          await pool.untilReady(1);
          return launchAtOnce(bare, 1);
        },
      }),
      cold: await pool.coldStarts(),
    }));
    const { live, answer, launch } = samples;
    return {
      series: [
        { name: 'create → live', unit: 'ms', values: live },
        { name: 'create → first CDP answer', unit: 'ms', values: answer },
        { name: 'puppeteer.launch()', unit: 'ms', values: launch },
      ],
      claims: [
        {
          text: 'create → live × puppeteer.launch()',
          unit: '×',
          ...ratioOfMedians(live, launch),
          pass: { atMost: 0.1 },
        },
        { text: 'create → live, p50', unit: 'ms', value: percentile(live, 0.5), pass: { atMost: 15 } },
        {
          text: 'create → first CDP answer × puppeteer.launch()',
          unit: '×',
          ...ratioOfMedians(answer, launch),
        },
        {
          text: 'create → first CDP answer, p50',
          unit: 'ms',
          value: percentile(answer, 0.5),
          pass: { atMost: 30 },
        },
        {
          text: 'create → first CDP answer, p99',
          unit: 'ms',
          value: percentile(answer, 0.99),
          pass: { atMost: 80 },
        },
      ],
      notes: [
        `${cold} of ${2 * (rounds + 1)} sessions started cold`,
        'same executable, user and sandbox on both sides',
      ],
    };
  },
};

async function firstAnswer(url: string): Promise<void> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () => socket.send('{"id":1,"method":"Browser.getVersion"}'));
    socket.once('message', () => resolve());
  });
  socket.terminate();
}
