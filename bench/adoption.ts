import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { leaveMark, readMark } from '../test/support/clients';
import { Installation, type Role, type SessionView } from '../test/support/installation';
import { sampleCount, timed, type Benchmark } from './harness';

const SESSIONS = 3;

const run = promisify(execFile);

/**
 * How long live sessions are without an owner when their worker or keeper is killed with SIGKILL. Each kill has its own
 * installation, because a process that dies again within ten seconds is started with a delay.
 *
 * A worker has its sessions back when the last of them is adopted, by the time of that commit. A keeper is back when it
 * obeys: a release sent at the moment of the kill is answered once the browser is gone.
 */
export const adoption: Benchmark = {
  name: 'adoption',
  title: `worker or keeper kill -9 under ${SESSIONS} live Chromium sessions`,
  run: async plan => {
    const found: Record<'worker' | 'keeper' | 'bare', number[]> = { worker: [], keeper: [], bare: [] };
    let lost = 0;
    for (let i = 0; i < sampleCount(plan, 8, 1); i += 1) {
      const installation = await Installation.start({ browser: 'chromium' });
      try {
        const marked = await createMarked(installation);
        found.worker.push(await killWorker(installation, marked));
        found.keeper.push(await killKeeper(installation));
        lost += await countLost(installation, marked);
      } finally {
        await installation.stop();
      }
      found.bare.push(await startNode());
    }
    const pass = { atMost: 1_000 };
    return {
      series: [
        { name: 'worker killed → all sessions adopted', unit: 'ms', values: found.worker },
        { name: 'keeper killed → its first order carried out', unit: 'ms', values: found.keeper },
        { name: "Node started with the worker's modules, no more", unit: 'ms', values: found.bare },
      ],
      claims: [
        { text: 'sessions lost', unit: '', value: lost, pass: { atMost: 0 } },
        { text: 'worker killed, held again, slowest', unit: 'ms', value: Math.max(...found.worker), pass },
        { text: 'keeper killed, held again, slowest', unit: 'ms', value: Math.max(...found.keeper), pass },
      ],
      notes: [
        `lost: not live, or without the mark its page was given, after both kills (${SESSIONS} sessions each)`,
      ],
    };
  },
};

interface Marked {
  readonly session: SessionView;
  readonly mark: string;
}

async function createMarked(installation: Installation): Promise<Marked[]> {
  const marked: Marked[] = [];
  for (let i = 0; i < SESSIONS; i += 1) {
    const [session, mark] = [await installation.create(), randomUUID()];
    await leaveMark(session, mark);
    marked.push({ session, mark });
  }
  return marked;
}

async function killWorker(installation: Installation, marked: readonly Marked[]): Promise<number> {
  const killedAtMs = await kill(installation, 'worker');
  const adopted = await Promise.all(
    marked.map(async ({ session }) => {
      await installation.until(session.id, ({ revision }) => revision > session.revision);
      const adopt = (await installation.history(session.id)).find(({ event }) => event === 'adopt');
      return Date.parse(adopt?.at ?? '');
    }),
  );
  return Math.max(...adopted) - killedAtMs;
}

async function killKeeper(installation: Installation): Promise<number> {
  const victim = await installation.create();
  const killedAtMs = await kill(installation, 'keeper');
  const answer = await installation.call('POST', `/v1/sessions/${victim.id}/release`);
  const tookMs = Date.now() - killedAtMs;
  if (answer.body.status !== 'released') throw new Error(`the release answered ${answer.status}`);
  return tookMs;
}

/* The wall-clock time of the kill; Redis TIME is the same clock on one machine. */
async function kill(installation: Installation, role: Role): Promise<number> {
  const killedAtMs = Date.now();
  await installation.signal(role, 'SIGKILL');
  return killedAtMs;
}

async function countLost(installation: Installation, marked: readonly Marked[]): Promise<number> {
  let lost = 0;
  for (const { session, mark } of marked) {
    const after = await installation.read(session.id);
    const found = after.status === 'live' ? await readMark(after).catch(() => null) : null;
    if (found !== mark) lost += 1;
  }
  return lost;
}

/* The start of a process: no recovery by restart can be faster. */
async function startNode(): Promise<number> {
  const { tookMs } = await timed(() => run(process.execPath, ['-e', "require('./dist/workers/app.js')"]));
  return tookMs;
}
