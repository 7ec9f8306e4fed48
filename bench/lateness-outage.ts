import { pause } from '../src/core/abort';
import { Installation } from '../test/support/installation';
import { startRedis } from '../test/support/redis';
import { BareQueue } from './bare-queue';
import { percentile, sampleCount, type Benchmark } from './harness';
import { latenessOf } from './lateness';

const SESSIONS = 20;
const OUTAGE_MS = 5_000;

/** The first deadline is this long after the last create, and the outage begins before it. */
const FIRST_DUE_MS = 2_000;

/** The interval between deadlines; all of them pass while Redis is away. */
const DUE_EVERY_MS = 200;

/**
 * Redis is killed and is back five seconds later. Every deadline has passed meanwhile. Measures how long after its
 * return the sessions are ended. Redis writes an append-only file at once, so it comes back with all its data.
 */
export const latenessOutage: Benchmark = {
  name: 'lateness-outage',
  title: `Redis away for ${OUTAGE_MS / 1_000} s over ${SESSIONS} deadlines: endedAt − Redis back`,
  run: async plan => {
    const late: number[] = [];
    const bareLate: number[] = [];
    let early = 0;
    for (let i = 0; i < sampleCount(plan, 3, 1); i += 1) {
      const round = await outage();
      late.push(...round.late);
      bareLate.push(...round.bareLate);
      early += round.early;
    }
    return {
      series: [
        { name: 'session timed out, after Redis was back', unit: 'ms', values: late },
        { name: 'bare BullMQ delayed job, after Redis was back', unit: 'ms', values: bareLate },
      ],
      claims: [
        { text: 'p99', unit: 'ms', value: percentile(late, 0.99), pass: { atMost: 3_000 } },
        { text: 'p99 × bare BullMQ', unit: '×', value: percentile(late, 0.99) / percentile(bareLate, 0.99) },
        { text: 'early', unit: '', value: early, pass: { atMost: 0 } },
      ],
      notes: ['back: the first PING that Redis answered; null sessions with a real worker and API'],
    };
  },
};

async function outage(): Promise<{ late: number[]; bareLate: number[]; early: number }> {
  const redis = await startRedis({ appendonly: true, appendfsync: 'always' });
  const env = { REDIS_URL: redis.url, HOLDFAST_SLOTS: String(SESSIONS) };
  const installation = await Installation.start({ env });
  const bare = await BareQueue.open(redis.socketPath);
  try {
    const dueMs = Array.from({ length: SESSIONS }, (_, i) => Date.now() + FIRST_DUE_MS + i * DUE_EVERY_MS);
    await bare.delay(dueMs);
    const sessions = await Promise.all(
      dueMs.map(due => installation.create({ timeout: Math.max(1_000, due - Date.now()) })),
    );
    await redis.kill('SIGKILL');
    const downAtMs = Date.now();
    await pause(OUTAGE_MS);
    await redis.restart();
    const backAtMs = Date.now();
    const ended = await Promise.all(
      sessions.map(({ id }) => installation.until(id, ({ endedAt }) => endedAt !== null, 30_000)),
    );
    await bare.processed(SESSIONS);
    if (ended.some(({ expiresAt }) => Date.parse(expiresAt ?? '') < downAtMs)) {
      throw new Error('a deadline passed before Redis went');
    }
    return {
      late: ended.map(({ endedAt }) => Date.parse(endedAt ?? '') - backAtMs),
      bareLate: bare.doneAtMs.map(atMs => atMs - backAtMs),
      early: ended.filter(session => latenessOf(session) < 0).length,
    };
  } finally {
    await bare.close();
    await installation.stop();
    await redis.stop();
  }
}
