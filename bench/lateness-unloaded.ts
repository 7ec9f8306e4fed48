import { Redis } from 'ioredis';
import { Installation } from '../test/support/installation';
import { startRedis } from '../test/support/redis';
import { BareQueue } from './bare-queue';
import { latenessOf, latenessClaims } from './lateness';
import { sampleCount, type Benchmark } from './harness';
import { redisNowMs } from './redis-time';

const BATCH = 10;
const TIMEOUT_MS = 1_000;

/** How late a time-out is on a machine with nothing else to do: every layer of timers runs, as in production. */
export const latenessUnloaded: Benchmark = {
  name: 'lateness-unloaded',
  title: 'endedAt − expiresAt by Redis TIME, nothing else going on',
  run: async plan => {
    const redis = await startRedis();
    const env = { REDIS_URL: redis.url, HOLDFAST_SLOTS: String(BATCH * 2) };
    const installation = await Installation.start({ env });
    const bare = await BareQueue.open(redis.socketPath);
    const clock = new Redis(redis.socketPath);
    try {
      const late: number[] = [];
      const batches = Math.ceil(sampleCount(plan, 200, 20) / BATCH);
      for (let batch = 0; batch < batches; batch += 1) {
        // Both wait at the same time: at each moment one session and one bare job fall due.
        const ids: string[] = [];
        for (let i = 0; i < BATCH; i += 1) {
          ids.push((await installation.create({ timeout: TIMEOUT_MS })).id);
          await bare.delay([(await redisNowMs(clock)) + TIMEOUT_MS]);
        }
        for (const id of ids)
          late.push(latenessOf(await installation.until(id, ({ endedAt }) => endedAt !== null)));
        await bare.processed((batch + 1) * BATCH);
      }
      return {
        series: [
          { name: 'session timed out, late by', unit: 'ms', values: late },
          { name: 'bare BullMQ delayed job, late by', unit: 'ms', values: bare.latenessMs },
        ],
        claims: latenessClaims(late, bare.latenessMs, 30),
        notes: ['null sessions, ended by delayed jobs, with a sweep as fallback'],
      };
    } finally {
      clock.disconnect();
      await bare.close();
      await installation.stop();
      await redis.stop();
    }
  },
};
