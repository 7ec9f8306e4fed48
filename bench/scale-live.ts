import { pause, pollUntil } from '../src/core/abort';
import type { SessionRef } from '../src/core/ids';
import { LEASE_MS } from '../src/store/lease-store';
import { PLAIN_LIMITS } from '../test/support/engine-fixture';
import { Installation } from '../test/support/installation';
import { percentile, sampleCount, timed, type Benchmark, type Claim, type Series } from './harness';
import { Population } from './population';
import { cpuUsOf } from './process-cpu';

const PER_WORKER = 1_000;
const READS = 300;

/** So many sessions fall due at about one a millisecond. */
const DUE = 1_000;
/** Long enough to make them and to start the processes that end them. */
const DUE_AFTER_MS = 30_000;

const IDLE_MS = 5_000;

/** A promise: the lease, the reaper's look at it, and the ends of all its sessions. */
const LOST_WITHIN_MS = LEASE_MS + 3_000;

/**
 * What live sessions cost that do nothing, ever more of them, with one API and one worker beside their rows: memory and
 * processor time; how late time-outs are, how long a read takes, and how long the sessions of a dead worker.
 */
export const scaleLive: Benchmark = {
  name: 'scale-live',
  title: 'live sessions that do nothing: what they cost, and what becomes slower',
  run: async plan => {
    const total = sampleCount(plan, 100_000, 5_000);
    const population = await Population.open(PER_WORKER);
    const series: Series[] = [];
    const claims: Claim[] = [];
    try {
      const emptyBytes = await population.memoryBytes();
      let alive = 0;
      for (const size of [total / 100, total / 10, total].filter(one => one >= PER_WORKER)) {
        await population.live(size - alive);
        alive = size;
        const bytesEach = ((await population.memoryBytes()) - emptyBytes) / size;
        const found = await measure(population);
        series.push(
          { name: `${size}: read of a session`, unit: 'ms', values: found.readMs },
          { name: `${size}: time-out late by`, unit: 'ms', values: found.lateMs },
        );
        claims.push(
          { text: `${size}: memory of Redis each`, unit: 'B', value: bytesEach, pass: { atMost: 2_000 } },
          { text: `${size}: time-out late by, p99`, ...p99(found.lateMs), pass: { atMost: 100 } },
          { text: `${size}: time-outs that came early`, ...early(found.lateMs), pass: { atMost: 0 } },
          { text: `${size}: read, p99`, ...p99(found.readMs), pass: { atMost: 15 } },
          ...deathClaims(size, found.lostMs),
          ...idleClaims(size, found.idle),
        );
        // One worker's sessions are gone.
        alive -= PER_WORKER;
      }
      return {
        series,
        claims,
        notes: [`${PER_WORKER} sessions to a worker; one API and one worker are processes`],
      };
    } finally {
      await population.close();
    }
  },
};

const p99 = (values: readonly number[]): { unit: 'ms'; value: number } => ({
  unit: 'ms',
  value: percentile(values, 0.99),
});

const early = (lateMs: readonly number[]): { unit: ''; value: number } => ({
  unit: '',
  value: lateMs.filter(ms => ms < 0).length,
});

const deathClaims = (size: number, lostMs: number): Claim[] => [
  {
    text: `${size}: a worker dies → its ${PER_WORKER} sessions have failed`,
    unit: 'ms',
    value: lostMs,
    pass: { atMost: LOST_WITHIN_MS },
  },
];

const idleClaims = (size: number, { redis, api, worker }: Idle): Claim[] => [
  { text: `${size}: processor of Redis while nothing happens`, unit: '%', value: redis },
  { text: `${size}: of the API`, unit: '%', value: api },
  { text: `${size}: of the worker`, unit: '%', value: worker },
];

/** Percent of one processor. */
interface Idle {
  readonly redis: number;
  readonly api: number;
  readonly worker: number;
}

interface Found {
  readonly readMs: number[];
  readonly lateMs: number[];
  readonly lostMs: number;
  readonly idle: Idle;
}

async function measure(population: Population): Promise<Found> {
  const { fixture } = population;
  const due = await population.live(DUE, { ...PLAIN_LIMITS, timeoutMs: DUE_AFTER_MS });
  const env = { REDIS_URL: fixture.server.url, HOLDFAST_BROWSER: 'none', HOLDFAST_SLOTS: '1' };
  const installation = await Installation.start({ env });
  try {
    const lateMs = await latenessOf(population, due);
    const idle = await idleCost(population, installation);
    const readMs = await readTimes(installation, due);
    return { lateMs, idle, readMs, lostMs: await deathOfAWorker(population) };
  } finally {
    await installation.stop();
  }
}

async function latenessOf({ fixture: { deps } }: Population, refs: readonly SessionRef[]): Promise<number[]> {
  const lateMs: number[] = [];
  for (const ref of refs) {
    const { endedAtMs, liveAtMs } = await pollUntil(
      'a session to time out',
      { timeoutMs: 4 * DUE_AFTER_MS, everyMs: 100 },
      async () => {
        const context = (await deps.sessions.load(ref)).record?.snapshot.context;
        return typeof context?.endedAtMs === 'number' ? context : undefined;
      },
    );
    lateMs.push((endedAtMs ?? Number.NaN) - (liveAtMs ?? Number.NaN) - DUE_AFTER_MS);
  }
  return lateMs;
}

async function idleCost(population: Population, installation: Installation): Promise<Idle> {
  const pids = await Promise.all([installation.find('api'), installation.find('worker')]);
  const read = (): Promise<number[]> =>
    Promise.all([population.redisCpuUs(), ...pids.map(({ pid }) => cpuUsOf(pid))]);
  const before = await read();
  await pause(IDLE_MS);
  const after = await read();
  const [redis = Number.NaN, api = Number.NaN, worker = Number.NaN] = after.map(
    (us, i) => (us - (before[i] ?? Number.NaN)) / 1_000 / (IDLE_MS / 100),
  );
  return { redis, api, worker };
}

async function readTimes(installation: Installation, refs: readonly SessionRef[]): Promise<number[]> {
  const values: number[] = [];
  for (let i = 0; i <= READS; i += 1) {
    const id = refs[i % refs.length]?.split('/')[1] ?? '';
    const { tookMs, result } = await timed(() => installation.call('GET', `/v1/sessions/${id}`));
    if (result.status !== 200) throw new Error(`a read answered ${result.status}`);
    if (i > 0) values.push(tookMs);
  }
  return values;
}

/* From the last renewal of its lease until the last of its sessions has failed. */
async function deathOfAWorker(population: Population): Promise<number> {
  const { deps } = population.fixture;
  const before = (await deps.index.counts()).failed;
  const victim = await fullWorker(population);
  await population.kill(victim);
  const killedAtMs = performance.now();
  await pollUntil('the sessions of a dead worker to fail', { timeoutMs: 60_000, everyMs: 20 }, async () =>
    (await deps.index.counts()).failed - before >= PER_WORKER ? true : undefined,
  );
  return performance.now() - killedAtMs;
}

/* One whose sessions are all alive: those of others have timed out. */
async function fullWorker({ workerIds, fixture: { deps } }: Population): Promise<string> {
  for (const workerId of workerIds)
    if ((await deps.leases.owned(workerId)).length === PER_WORKER) return workerId;
  throw new Error(`no worker has ${PER_WORKER} live sessions`);
}
