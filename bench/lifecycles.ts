import { Installation } from '../test/support/installation';
import { startRedis } from '../test/support/redis';
import { BareQueue } from './bare-queue';
import { interleave, ratioOfMedians, sampleCount, type Benchmark } from './harness';

const WINDOW_MS = 1_000;
const UNDER_WAY = 8;

/**
 * How many sessions with a null browser are created and released in a second, through HTTP: create until live, release
 * until nothing is left. The baseline is BullMQ alone, adding a job and processing it, on the same Redis.
 */
export const lifecycles: Benchmark = {
  name: 'lifecycles',
  title: 'sessions a second, null browser, create and release through HTTP',
  run: async plan => {
    const redis = await startRedis();
    const env = { REDIS_URL: redis.url, HOLDFAST_SLOTS: '64' };
    const installation = await Installation.start({ env });
    const bare = await BareQueue.open(redis.socketPath);
    try {
      const samples = await interleave(sampleCount(plan, 12, 1), {
        lifecycles: () => lifecycleRate(installation),
        jobs: () => bare.rate(WINDOW_MS, UNDER_WAY),
      });
      return {
        series: [
          { name: 'lifecycles', unit: '/s', values: samples.lifecycles },
          { name: 'bare BullMQ, add and process', unit: '/s', values: samples.jobs },
        ],
        claims: [
          { text: 'lifecycles × jobs', unit: '×', ...ratioOfMedians(samples.lifecycles, samples.jobs) },
        ],
        notes: [
          `${UNDER_WAY} under way at a time, windows of ${WINDOW_MS / 1_000} s`,
          'a null browser is two processes, started and ended for every lifecycle',
        ],
      };
    } finally {
      await bare.close();
      await installation.stop();
      await redis.stop();
    }
  },
};

async function lifecycleRate(installation: Installation): Promise<number> {
  const startedMs = performance.now();
  let done = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - startedMs < WINDOW_MS) {
      const { id } = await installation.create();
      await installation.call('POST', `/v1/sessions/${id}/release`);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, lane));
  return done / ((performance.now() - startedMs) / 1_000);
}
