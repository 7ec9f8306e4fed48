import { Installation } from '../test/support/installation';
import { startHttpProxy } from '../test/support/upstream-proxy';
import { interleave, ratioOfMedians, sampleCount, timed, type Benchmark } from './harness';
import { withPool } from './measured-pool';

const KNOWN = { username: 'ann', password: 'secret' };

/** How long a caller waits for a session with a proxy, with a browser that was started ahead and without. */
export const proxiedCreate: Benchmark = {
  name: 'proxied-create',
  title: 'create → live through HTTP with a proxy of the session, warm and cold, one at a time',
  run: async plan => {
    const upstream = await startHttpProxy(KNOWN);
    const cold = await Installation.start({ browser: 'chromium', env: { HOLDFAST_SLOTS: '2' } });
    const proxied = { proxy: { server: upstream.url, ...KNOWN } };
    const rounds = sampleCount(plan, 50, 3);
    try {
      const { samples, coldStarts } = await withPool(1, async pool => ({
        samples: await interleave(rounds, {
          warm: () => pool.measure(() => pool.installation.create(proxied)),
          cold: async () => {
            await pool.untilReady(1);
            const { tookMs } = await timed(() => cold.create(proxied));
            await cold.call('POST', '/v1/sessions/release');
            return tookMs;
          },
        }),
        coldStarts: await pool.coldStarts(),
      }));
      return {
        series: [
          { name: 'create → live, warm', unit: 'ms', values: samples.warm },
          { name: 'create → live, cold', unit: 'ms', values: samples.cold },
        ],
        claims: [{ text: 'warm × cold', unit: '×', ...ratioOfMedians(samples.warm, samples.cold) }],
        // The first one teaches the pool.
        notes: [`${coldStarts - 1} of ${rounds} sessions of the pool started cold`],
      };
    } finally {
      await cold.stop();
      await upstream.close();
    }
  },
};
