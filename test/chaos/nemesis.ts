import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pause } from '../../src/core/abort';
import { sendSignal } from '../../src/core/process-identity';
import { callApi } from '../support/api';
import type { Installation, Role } from '../support/installation';
import type { Random } from './random';

const run = promisify(execFile);

const WARM_PATIENCE_MS = 300;

/** A fault that was made in the installation, for the log. */
export interface Fault {
  readonly atMs: number;
  readonly what: string;
  /** How many browsers were warm just before; null if the API did not say. */
  readonly warm: number | null;
}

type Hurt = (installation: Installation, random: Random) => Promise<string>;

const kill =
  (role: Role): Hurt =>
  async installation => {
    const { pid } = await installation.signal(role, 'SIGKILL');
    return `killed ${role} ${pid}`;
  };

/* Another process may kill the frozen one meanwhile; then there is no process to continue. */
const freeze =
  (role: Role, minMs: number, maxMs: number): Hurt =>
  async (installation, random) => {
    const forMs = random.between(minMs, maxMs);
    const { pid } = await installation.signal(role, 'SIGSTOP');
    await pause(forMs);
    sendSignal(pid, 'SIGCONT');
    return `froze ${role} ${pid} for ${forMs} ms`;
  };

const killBrowser: Hurt = async (installation, random) => {
  const browsers = await installation.browsers();
  const victim = browsers[random.between(0, browsers.length - 1)];
  if (victim === undefined) return 'found no browser to kill';
  sendSignal(victim, 'SIGKILL');
  return `killed browser ${victim}`;
};

const killSupervisor: Hurt = async installation => {
  const { pid } = await installation.signal('supervisor', 'SIGKILL');
  await installation.restart();
  return `killed supervisor ${pid} and started another`;
};

const redisCommand =
  (what: string, ...command: string[]): Hurt =>
  async installation => {
    const env = { ...process.env, REDISCLI_AUTH: installation.redisPassword };
    await run('redis-cli', ['-s', installation.redisSocketPath, ...command], { timeout: 5_000, env });
    return what;
  };

const DELETE_QUEUES = `
  for _, queue in ipairs({ 'launch', 'sessions', 'timers' }) do
    for _, key in ipairs(redis.call('KEYS', '{hf}:' .. queue .. ':*')) do redis.call('DEL', key) end
  end`;

/** All faults, each with its weight. */
const FAULTS: readonly (readonly [weight: number, hurt: Hurt])[] = [
  [4, kill('worker')],
  [4, kill('keeper')],
  [4, kill('api')],
  [4, kill('redis')],
  [2, killSupervisor],
  [6, killBrowser],
  [4, freeze('worker', 500, 5_000)],
  [2, freeze('keeper', 500, 2_500)],
  [2, freeze('api', 200, 1_500)],
  [4, freeze('redis', 200, 2_500)],
  [2, redisCommand('cut every connection to Redis', 'CLIENT', 'KILL', 'TYPE', 'normal')],
  [1, redisCommand('had Redis forget its scripts', 'SCRIPT', 'FLUSH')],
  [1, redisCommand('deleted every queue', 'EVAL', DELETE_QUEUES, '0')],
];

/** How the faults of a run follow each other. */
export interface Rage {
  readonly forMs: number;
  /** On a busy machine each fault takes longer; so many are made even if they take longer than `forMs`. */
  readonly leastFaults: number;
  readonly minPauseMs: number;
  readonly maxPauseMs: number;
}

/** Makes one fault after the other; answers the faults. */
export async function rage(
  installation: Installation,
  random: Random,
  { forMs, leastFaults, minPauseMs, maxPauseMs }: Rage,
): Promise<Fault[]> {
  const endsAtMs = Date.now() + forMs;
  const faults: Fault[] = [];
  for (;;) {
    const pauseMs = random.between(minPauseMs, maxPauseMs);
    if (Date.now() + pauseMs > endsAtMs && faults.length >= leastFaults) return faults;
    await pause(pauseMs);
    const hurt = random.pick(FAULTS);
    const atMs = Date.now();
    // The target may be missing because of an earlier fault. Then nothing was done.
    const warm = await warmBrowsersOf(installation);
    const what = await hurt(installation, random).catch((error: unknown) => `missed: ${String(error)}`);
    faults.push({ atMs, what, warm });
  }
}

/** How many browsers are warm; null if the API does not say, because it is frozen or on its way back. */
export async function warmBrowsersOf({ url }: Installation): Promise<number | null> {
  try {
    const signal = AbortSignal.timeout(WARM_PATIENCE_MS);
    const { body } = await callApi(url, 'GET', '/v1/capacity', { signal });
    return typeof body['warm'] === 'number' ? body['warm'] : null;
  } catch {
    return null;
  }
}
