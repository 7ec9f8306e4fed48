import { pause } from '../src/core/abort';
import { sendSignal } from '../src/core/process-identity';
import { LEASE_MS } from '../src/store/lease-store';
import { Installation, type SessionView } from '../test/support/installation';
import { startRedis } from '../test/support/redis';
import { sampleCount, type Benchmark } from './harness';

const SESSIONS_EACH = 2;

/** A reaper acts only after it has been in contact with Redis for longer than a lease. */
const CONTACT_MS = LEASE_MS + 1_000;

/** So that the machines die at different moments of the two seconds between renewals. */
const BETWEEN_DEATHS_MS = 700;

/** A power cut of a machine, seen from an API on another one: how long until its sessions are `failed(worker_lost)`. */
export const deadMachine: Benchmark = {
  name: 'dead-machine',
  title: 'supervisor, worker, keeper and browsers killed → failed(worker_lost)',
  run: async plan => {
    const redis = await startRedis();
    const env = { REDIS_URL: redis.url, HOLDFAST_SLOTS: String(SESSIONS_EACH) };
    const machines: Installation[] = [];
    const api = await Installation.start({ mode: 'api', env });
    try {
      for (let i = 0; i < sampleCount(plan, 6, 2); i += 1) {
        machines.push(await Installation.start({ mode: 'worker', env }));
      }
      // As many sessions as there are slots: each machine has its share.
      const creating = machines.flatMap(() => Array.from({ length: SESSIONS_EACH }, () => api.create()));
      const sessions = await Promise.all(creating);
      await pause(CONTACT_MS);
      const tookMs = await cutOneByOne(api, machines, sessions);
      return {
        series: [{ name: 'power cut → failed(worker_lost), committed', unit: 'ms', values: tookMs }],
        claims: [
          { text: 'slowest', unit: 'ms', value: Math.max(...tookMs), pass: { atMost: 13_000 } },
          { text: 'slowest × the lease', unit: '×', value: Math.max(...tookMs) / LEASE_MS },
        ],
        notes: [
          `${machines.length} machines of ${SESSIONS_EACH} null sessions`,
          `shortest possible: the lease (${LEASE_MS} ms) less one renewal`,
        ],
      };
    } finally {
      await Promise.all(machines.map(cutPower));
      for (const machine of machines) await machine.dir.remove();
      await api.stop();
      await redis.stop();
    }
  },
};

async function cutOneByOne(
  api: Installation,
  machines: readonly Installation[],
  sessions: readonly SessionView[],
): Promise<number[]> {
  const waiting: Promise<number>[] = [];
  for (const machine of machines) {
    const workerId = workerIdOf(machine);
    const itsOwn = sessions.filter(session => session.workerId === workerId);
    const cutAtMs = Date.now();
    await cutPower(machine);
    waiting.push(...itsOwn.map(session => untilLost(api, session, cutAtMs)));
    await pause(BETWEEN_DEATHS_MS);
  }
  return Promise.all(waiting);
}

async function untilLost(api: Installation, { id }: SessionView, cutAtMs: number): Promise<number> {
  const after = await api.until(id, ({ endedAt }) => endedAt !== null, 30_000);
  if (after.endReason !== 'worker_lost') throw new Error(`ended as ${after.endReason ?? 'nothing'}`);
  return Date.parse(after.endedAt ?? '') - cutAtMs;
}

/* Kills all processes of a machine; the supervisor first, because it would start the others again. */
async function cutPower(machine: Installation): Promise<void> {
  for (const role of ['supervisor', 'worker', 'keeper'] as const) {
    // A machine that was killed before has no such process.
    await machine.signal(role, 'SIGKILL').catch(() => undefined);
  }
  for (const pid of await machine.browserProcesses()) sendSignal(pid, 'SIGKILL');
}

function workerIdOf({ output }: Installation): string {
  const [, workerId] = /"worker":"([^"]+)"/.exec(output) ?? [];
  if (workerId === undefined) throw new Error(`the worker has not said who it is:\n${output}`);
  return workerId;
}
