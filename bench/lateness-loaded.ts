import { pollUntil } from '../src/core/abort';
import { EngineFixture } from '../test/support/engine-fixture';
import { Installation } from '../test/support/installation';
import { BareQueue } from './bare-queue';
import { sampleCount, type Benchmark } from './harness';
import { latenessClaims } from './lateness';

/** One session falls due every millisecond. */
const DUE_EVERY_MS = 1;

/** Sessions are accepted and brought to life so many at a time. */
const PARALLEL = 50;

/** What accepting one session may take at most; the deadlines lie behind all of it. */
const SETUP_MS_EACH = 2.2;
const START_MS = 6_000;

/** How long after the last deadline the last session may end. */
const PATIENCE_MS = 60_000;

/**
 * Thousands of sessions that fall due one a millisecond, ended by two API processes alone. Their browsers would not fit
 * on any machine, so the rows are made the way the engine makes them and belong to a worker that is no process: the
 * local timers, the fastest of the three layers, have no part in these figures.
 */
export const latenessLoaded: Benchmark = {
  name: 'lateness-loaded',
  title: '1 000 sessions due a second, by Redis TIME',
  run: async plan => {
    const count = sampleCount(plan, 10_000, 2_000);
    const fixture = await EngineFixture.open();
    const machine = new DeadWorker(fixture);
    const apis: Installation[] = [];
    try {
      const bare = [...(await bareLateness(fixture, count / 2))];
      await machine.hold();
      const startMs = (await fixture.deps.maintenance.nowMs()) + START_MS + count * SETUP_MS_EACH;
      const deadlines = await machine.fill(count, startMs);
      for (let i = 0; i < 2; i += 1) {
        apis.push(await Installation.start({ mode: 'api', env: { REDIS_URL: fixture.server.url } }));
      }
      const spareMs = Math.min(...deadlines.values()) - (await fixture.deps.maintenance.nowMs());
      if (spareMs < 0) throw new Error(`the machine is too slow for this: not ready ${-spareMs} ms after the start`);
      const late = await machine.latenessMs(deadlines);
      for (const api of apis.splice(0)) await api.stop();
      bare.push(...(await bareLateness(fixture, count / 2)));
      return {
        series: [
          { name: 'session timed out, late by', unit: 'ms', values: late },
          { name: 'bare BullMQ delayed job, late by', unit: 'ms', values: bare },
        ],
        claims: latenessClaims(late, bare, 100),
        notes: [
          'rows without browsers; two API processes do all the timing, there are no local timers',
          'the bare jobs fall due at the same rate, half before and half after',
        ],
      };
    } finally {
      for (const api of apis) await api.stop();
      machine.letGo();
      await fixture.close();
    }
  },
};

async function bareLateness(fixture: EngineFixture, count: number): Promise<readonly number[]> {
  const bare = await BareQueue.open(fixture.server.socketPath);
  const startMs = (await fixture.deps.maintenance.nowMs()) + 1_000 + count / 10;
  await bare.delay(Array.from({ length: count }, (_, i) => startMs + i * DUE_EVERY_MS));
  await bare.processed(count);
  await bare.close();
  return bare.latenessMs;
}

const WORKER_ID = 'w-1';

/** Owns sessions, keeps its lease, and says of each ended one that its browser is gone, as a worker would. */
class DeadWorker {
  #renewals: NodeJS.Timeout | null = null;

  constructor(private readonly fixture: EngineFixture) {}
}
