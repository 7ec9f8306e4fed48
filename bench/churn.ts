import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pause } from '../src/core/abort';
import { Installation, type SessionView } from '../test/support/installation';
import { startRedis, type TestRedis } from '../test/support/redis';
import { CdpClient } from './cdp-client';
import { sampleCount, timed, type Benchmark, type Claim } from './harness';
import { slopeOf } from './slope';

const MINUTES = 60;
const MINUTES_QUICK = 3;

/** A part of the run that is left out: code is compiled, caches and the retained sessions fill up. */
const SETTLING = 1 / 6;

const LOOKS_A_MINUTE = 2;

/** Rows of ended sessions go after that, so that their number is the same throughout. */
const RETENTION_MS = 60_000;

/** Between two sessions of a lane: the run leaves most of the machine free. */
const PAUSE_MS = { browsers: 1_500, processless: 150 };

const ROLES = ['api', 'worker', 'keeper', 'redis'] as const;

/** What must not rise, each as one number a look. */
type Look = ReadonlyMap<string, number>;

/**
 * Sessions that come and go for an hour, with browsers and without: whether memory, descriptors, keys, processes or
 * folders rise by how long the service has been running.
 */
export const churn: Benchmark = {
  name: 'churn',
  title: 'an hour of sessions that come and go: what rises',
  run: async plan => {
    const minutes = sampleCount(plan, MINUTES, MINUTES_QUICK);
    const found = await Promise.all([
      measure('browsers', { HOLDFAST_BROWSER: 'chromium-headless-shell' }, minutes),
      measure('processless', { HOLDFAST_BROWSER: 'none' }, minutes),
    ]);
    return {
      series: found.map(({ name, tookMs }) => ({
        name: `${name}: a session`,
        unit: 'ms' as const,
        values: tookMs,
      })),
      claims: found.flatMap(({ claims }) => claims),
      notes: [
        `${minutes} minutes, of which the first ${Math.round(minutes * SETTLING)} do not count`,
        'a line passes if its 95 % interval reaches down to 0',
      ],
    };
  },
};

interface Found {
  readonly name: string;
  readonly tookMs: readonly number[];
  readonly claims: readonly Claim[];
}

async function measure(
  name: keyof typeof PAUSE_MS,
  env: Readonly<Record<string, string>>,
  minutes: number,
): Promise<Found> {
  const redis = await startRedis();
  const settings = { ...env, REDIS_URL: redis.url, HOLDFAST_RETENTION: String(RETENTION_MS) };
  const installation = await Installation.start({ env: settings });
  const over = new AbortController();
  const tookMs: number[] = [];
  try {
    const lane = comeAndGo(installation, name, over.signal, tookMs);
    lane.catch(() => over.abort()); // it is awaited below
    const looks: (readonly [number, Look])[] = [];
    const beganMs = performance.now();
    for (let n = 0; n < minutes * LOOKS_A_MINUTE && !over.signal.aborted; n += 1) {
      await pause(60_000 / LOOKS_A_MINUTE, over.signal);
      looks.push([(performance.now() - beganMs) / 3_600_000, await lookAt(installation, redis)]);
    }
    over.abort();
    await lane;
    return { name, tookMs, claims: claimsOf(name, looks.slice(Math.ceil(looks.length * SETTLING))) };
  } finally {
    over.abort();
    await installation.stop();
    await redis.stop();
  }
}

async function comeAndGo(
  installation: Installation,
  name: keyof typeof PAUSE_MS,
  over: AbortSignal,
  tookMs: number[],
): Promise<void> {
  while (!over.aborted) {
    const one = await timed(async () => {
      const session = await installation.create({ labels: { run: 'churn' } });
      if (name === 'browsers') await useOnce(session);
      await installation.call('POST', `/v1/sessions/${session.id}/release`);
    });
    tookMs.push(one.tookMs);
    await pause(PAUSE_MS[name], over);
  }
}

async function useOnce({ websocketUrl }: SessionView): Promise<void> {
  const client = await CdpClient.open(websocketUrl ?? '');
  await client.evaluate();
  client.close();
}

async function lookAt(installation: Installation, redis: TestRedis): Promise<Look> {
  const look = new Map<string, number>();
  for (const role of ROLES) {
    const pid = role === 'redis' ? redis.pid : (await installation.find(role)).pid;
    look.set(`memory of ${role}, KiB`, await residentKiB(pid));
    look.set(`descriptors of ${role}`, (await readdir(`/proc/${pid}/fd`)).length);
  }
  look.set('keys', Number(await redis.cli('dbsize')));
  const used = /^used_memory:(\d+)/m.exec(await redis.cli('info', 'memory'))?.[1];
  look.set('data of Redis, KiB', Number(used) / 1_024);
  look.set('processes', (await installation.browserProcesses()).length);
  look.set(
    'files of the data folder',
    (await readdir(join(installation.dir.path), { recursive: true })).length,
  );
  return look;
}

/* VmRSS of proc_pid_status(5). */
async function residentKiB(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'latin1'))?.[1]);
}

function claimsOf(name: string, looks: readonly (readonly [number, Look])[]): Claim[] {
  const [, first = new Map<string, number>()] = looks[0] ?? [];
  return [...first.keys()].map(what => {
    const slope = slopeOf(looks.map(([hour, look]) => [hour, look.get(what) ?? Number.NaN] as const));
    return { text: `${name}: ${what}, an hour`, unit: '', ...slope, pass: { intervalReaches: 0 } };
  });
}
