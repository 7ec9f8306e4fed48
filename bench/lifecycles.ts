import { Installation } from '../test/support/installation';
import { startRedis } from '../test/support/redis';
import { BareQueue } from './bare-queue';
import { CommandsAlone } from './commands-alone';
import { interleave, ratioOfMedians, sampleCount, type Benchmark } from './harness';

const UNDER_WAY = 50;

/**
 * How many sessions are created and released in a second: create until live, release until nothing is left. Browsers
 * are without processes (`HOLDFAST_BROWSER=none`), so this is the control plane alone. The baseline is BullMQ alone,
 * adding a job and processing it, on the same Redis.
 */
export const lifecycles: Benchmark = {
  name: 'lifecycles',
  title: 'sessions a second, created and released, browsers without processes',
  run: async plan => {
    const windowMs = 2_000;
    const { http, alone, jobs } = await lifecycleRates(sampleCount(plan, 12, 2), windowMs);
    return {
      series: [
        { name: 'lifecycles through HTTP', unit: '/s', values: http },
        { name: 'lifecycles without HTTP', unit: '/s', values: alone },
        { name: 'bare BullMQ, add and process', unit: '/s', values: jobs },
      ],
      claims: [
        { text: 'through HTTP × jobs', unit: '×', ...ratioOfMedians(http, jobs), pass: { atLeast: 0.09 } },
        { text: 'without × jobs', unit: '×', ...ratioOfMedians(alone, jobs), pass: { atLeast: 0.13 } },
      ],
      notes: [
        `${UNDER_WAY} under way at a time, windows of ${windowMs / 1_000} s`,
        'without HTTP: the commands of the API in the process of the benchmark; the API beside it steps, too',
      ],
    };
  },
};

/** Lifecycles through HTTP and without, and jobs of BullMQ alone, each a second, in windows that alternate. */
export async function lifecycleRates(
  rounds: number,
  windowMs: number,
): Promise<Record<'http' | 'alone' | 'jobs', number[]>> {
  const redis = await startRedis();
  const env = { REDIS_URL: redis.url, HOLDFAST_SLOTS: '256', HOLDFAST_BROWSER: 'none' };
  const installation = await Installation.start({ env });
  const bare = await BareQueue.open(redis.socketPath);
  const commands = await CommandsAlone.open(redis.url);
  try {
    return await interleave(rounds, {
      http: () => rate(windowMs, () => throughHttp(installation)),
      alone: () => rate(windowMs, () => commands.lifecycle()),
      jobs: () => bare.rate(windowMs, UNDER_WAY),
    });
  } finally {
    await commands.close();
    await bare.close();
    await installation.stop();
    await redis.stop();
  }
}

async function throughHttp(installation: Installation): Promise<void> {
  const { id } = await installation.create();
  await installation.call('POST', `/v1/sessions/${id}/release`);
}

/* Lifecycles a second. */
async function rate(windowMs: number, lifecycle: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  let done = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - startedMs < windowMs) {
      await lifecycle();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, lane));
  return done / ((performance.now() - startedMs) / 1_000);
}
