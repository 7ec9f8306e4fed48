import { Installation } from '../test/support/installation';
import { startRedis } from '../test/support/redis';
import { percentile, ratioOfMedians, sampleCount, type Benchmark } from './harness';
import { openLoop } from './open-loop';

const PER_SECOND = 50;
const EVERY_MS = 1_000 / PER_SECOND;

/** The first calls meet a process that has just started. They warm it up and are not counted. */
const WARM_UP = 100;

/**
 * How long a caller waits for the two most frequent calls: a create until it is accepted, and a read until it is
 * answered, each at 50 a second and both at the same time. The baseline is `/livez` in the same seconds, which asks no
 * other process.
 */
export const apiCalls: Benchmark = {
  name: 'api-calls',
  title: `create accepted and read, ${PER_SECOND} a second each`,
  run: async plan => {
    const count = sampleCount(plan, 2_000, 200) + WARM_UP;
    const redis = await startRedis();
    const api = await Installation.start({ mode: 'api', env: { REDIS_URL: redis.url } });
    try {
      const { id } = (await create(api, { queueTimeout: 3_600_000 })).body;
      const [created, read, bare] = (
        await Promise.all([
          // No worker launches sessions here. Each ends after a second, so that ends are part of the load.
          openLoop(count, EVERY_MS, async () =>
            expectStatus(await create(api, { queueTimeout: 1_000 }), 202),
          ),
          openLoop(count, EVERY_MS, async () =>
            expectStatus(await api.call('GET', `/v1/sessions/${id}`), 200),
          ),
          openLoop(count, EVERY_MS, async () => expectStatus(await api.call('GET', '/livez'), 200)),
        ])
      ).map(values => values.slice(WARM_UP));
      if (created === undefined || read === undefined || bare === undefined) throw new Error('three series');
      return {
        series: [
          { name: 'create → 202', unit: 'ms', values: created },
          { name: 'read', unit: 'ms', values: read },
          { name: '/livez', unit: 'ms', values: bare },
        ],
        claims: [
          { text: 'create → 202, p99', unit: 'ms', value: percentile(created, 0.99), pass: { atMost: 50 } },
          { text: 'read, p99', unit: 'ms', value: percentile(read, 0.99), pass: { atMost: 15 } },
          { text: 'create × /livez', unit: '×', ...ratioOfMedians(created, bare) },
          { text: 'read × /livez', unit: '×', ...ratioOfMedians(read, bare) },
        ],
        notes: [
          'counted from the moment a call was due, not from when it could be sent',
          'one API process without workers; sessions end by their queue time-out meanwhile',
        ],
      };
    } finally {
      await api.stop();
      await redis.stop();
    }
  },
};

const create = async (
  api: Installation,
  body: Readonly<Record<string, unknown>>,
): Promise<{ readonly status: number; readonly body: { readonly id: string } }> =>
  api.call('POST', '/v1/sessions', body, { prefer: 'respond-async' });

function expectStatus({ status }: { readonly status: number }, expected: number): void {
  if (status !== expected) throw new Error(`answered ${status} instead of ${expected}`);
}
