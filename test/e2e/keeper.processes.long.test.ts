import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pause } from '../../src/core/abort';
import { systemClock } from '../../src/core/clock';
import { createLogger } from '../../src/core/logger';
import { sendSignal, systemProcesses } from '../../src/core/process-identity';
import { KeeperClient } from '../../workers/keeper-client';
import { PLAIN_LAUNCH } from '../../workers/keeper/door/protocol';
import { fence, NOBODY } from '../support/keeper-fixture';
import { makeTempDir, type TempDir } from '../support/temp-dir';
import { pollUntil, within } from '../support/poll-until';

const HOOK = join(__dirname, '../support/typescript-hook.cjs');
const MAIN = join(__dirname, '../../workers/keeper/main.ts');
const START_MS = 20_000;
const log = createLogger('test', 'silent');

let dir: TempDir;
let client: KeeperClient | null;
let keepers: ChildProcess[];

beforeEach(async () => {
  dir = await makeTempDir();
  client = null;
  keepers = [];
});

afterEach(async () => {
  await client?.close();
  for (const keeper of keepers.filter(isRunning)) {
    keeper.kill('SIGTERM');
    await once(keeper, 'exit');
  }
  await dir.remove();
});

/** A keeper as the supervisor starts it, with null browsers; resolves when it reports that it is ready. */
async function startKeeper(): Promise<{ keeper: ChildProcess; socketPath: string }> {
  const keeper = spawnKeeper();
  // SAFETY: the one message a keeper sends; a wrong shape fails the test.
  const [message] = (await within('a ready keeper', START_MS, once(keeper, 'message'))) as [
    { ready: true; socketPath: string },
  ];
  expect(message.ready).toBe(true);
  return { keeper, socketPath: message.socketPath };
}

function spawnKeeper(): ChildProcess {
  const keeper = spawn(process.execPath, ['-r', HOOK, MAIN], {
    env: {
      ...process.env,
      HOLDFAST_DATA_DIR: dir.path,
      HOLDFAST_BROWSER: 'null',
      HOLDFAST_SLOTS: '4',
      HOLDFAST_LOG_LEVEL: 'silent',
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  keepers.push(keeper);
  return keeper;
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** Registers as a worker that the keeper cannot kill. */
async function register(socketPath: string): Promise<KeeperClient> {
  const made = new KeeperClient({
    socketPath,
    self: NOBODY,
    processes: systemProcesses,
    clock: systemClock,
    log,
  });
  client = made;
  made.connect();
  await untilRegistered(made);
  return made;
}

async function untilRegistered(made: KeeperClient): Promise<void> {
  const registered = (): true | undefined => (made.registered ? true : undefined);
  await pollUntil('a registration', { timeoutMs: START_MS, everyMs: 10 }, registered);
}

async function browsersOnDisk(): Promise<number> {
  return (await readdir(join(dir.path, 'run'))).filter(name => name.startsWith('b-')).length;
}

test('a keeper that is killed loses no browser', async () => {
  const { keeper, socketPath } = await startKeeper();
  const worker = await register(socketPath);
  const claim = fence();
  await worker.call(
    'launch',
    { ref: 't/a', fence: claim, timeoutMs: 5_000, options: PLAIN_LAUNCH },
    { timeoutMs: 5_000 },
  );
  keeper.kill('SIGKILL');
  await once(keeper, 'exit');
  expect(worker.registered).toBe(false);

  await startKeeper();
  await untilRegistered(worker);
  const { browsers, stats } = await worker.call('list', {}, { timeoutMs: 1_000 });
  expect(browsers).toMatchObject([{ ref: 't/a', fence: claim, state: 'running' }]);
  expect(stats).toMatchObject({ used: 1, orphansReaped: 0 });
  await worker.call('close', { ref: 't/a', claimId: claim.claimId }, { timeoutMs: 5_000 });
  expect(await browsersOnDisk()).toBe(0);
});

test.each([0, 5, 10, 15, 20, 30, 50, 80])(
  'a keeper that is killed %i ms into its launches leaves nothing unknown to the next one',
  async delayMs => {
    const { keeper, socketPath } = await startKeeper();
    const worker = await register(socketPath);
    const claims = ['t/a', 't/b', 't/c', 't/d'].map(ref => ({ ref, fence: fence() }));
    const launches = Promise.allSettled(
      claims.map(claim =>
        worker.call('launch', { ...claim, timeoutMs: 5_000, options: PLAIN_LAUNCH }, { timeoutMs: 5_000 }),
      ),
    );
    await pause(delayMs);
    keeper.kill('SIGKILL');
    const outcomes = await launches;
    await startKeeper();
    await untilRegistered(worker);

    const { browsers } = await worker.call('list', {}, { timeoutMs: 1_000 });
    const running = browsers.filter(({ state }) => state === 'running');
    expect(running).toHaveLength(browsers.length);
    expect(await browsersOnDisk()).toBe(running.length);
    // Launches that were answered are kept. The others may be there or not, but never half.
    claims.forEach(({ ref }, i) => {
      if (outcomes[i]?.status === 'fulfilled') expect(running.map(browser => browser.ref)).toContain(ref);
    });
    for (const {
      ref,
      fence: { claimId },
    } of running) {
      await worker.call('close', { ref, claimId }, { timeoutMs: 5_000 });
    }
    expect(await browsersOnDisk()).toBe(0);
  },
);

test('calls under way fail when the keeper dies', async () => {
  const { keeper, socketPath } = await startKeeper();
  const worker = await register(socketPath);
  sendSignal(keeper.pid ?? 0, 'SIGSTOP');
  const pending = worker.call('list', {}, { timeoutMs: 10_000 });
  const failed = expect(pending).rejects.toMatchObject({ code: 'connection_lost' });
  keeper.kill('SIGKILL');
  await failed;
});

test('a keeper that hangs is killed by its worker', async () => {
  const { keeper, socketPath } = await startKeeper();
  await register(socketPath);
  const exited = once(keeper, 'exit', { signal: AbortSignal.timeout(6_000) });
  sendSignal(keeper.pid ?? 0, 'SIGSTOP');
  expect(await exited).toEqual([null, 'SIGKILL']);
});

test('a second keeper for the same data folder refuses to start', async () => {
  await startKeeper();
  const [code] = await once(spawnKeeper(), 'exit', { signal: AbortSignal.timeout(START_MS) });
  expect(code).toBe(3);
});

test('SIGTERM ends every browser and then the keeper; SIGINT is left to the supervisor', async () => {
  const { keeper, socketPath } = await startKeeper();
  const worker = await register(socketPath);
  for (const ref of ['t/a', 't/b', 't/c']) {
    await worker.call(
      'launch',
      { ref, fence: fence(), timeoutMs: 5_000, options: PLAIN_LAUNCH },
      { timeoutMs: 5_000 },
    );
  }
  keeper.kill('SIGINT');
  expect((await worker.call('list', {}, { timeoutMs: 1_000 })).stats.used).toBe(3);
  keeper.kill('SIGTERM');
  expect(await once(keeper, 'exit', { signal: AbortSignal.timeout(8_000) })).toEqual([0, null]);
  expect(await browsersOnDisk()).toBe(0);
});

test('a keeper without supervisor and worker ends its browsers and itself', async () => {
  const { keeper, socketPath } = await startKeeper();
  const worker = await register(socketPath);
  await worker.call(
    'launch',
    { ref: 't/a', fence: fence(), timeoutMs: 5_000, options: PLAIN_LAUNCH },
    { timeoutMs: 5_000 },
  );
  keeper.disconnect();
  await worker.close();
  expect(await once(keeper, 'exit', { signal: AbortSignal.timeout(15_000) })).toEqual([0, null]);
  expect(await browsersOnDisk()).toBe(0);
});
