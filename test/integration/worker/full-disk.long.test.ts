import { envToConfig } from '../../../src/config/config';
import type { SessionRef } from '../../../src/core/ids';
import { systemProcesses } from '../../../src/core/process-identity';
import { browserLocation } from '../../../workers/keeper/host';
import { startStepping } from '../../../workers/stepping';
import type { KeeperClient } from '../../../workers/keeper-client';
import { startWorker, type WorkerApp } from '../../../workers/app';
import { awaitRecord } from '../../support/await-record';
import { EngineFixture } from '../../support/engine-fixture';
import { KeeperFixture } from '../../support/keeper-fixture';
import { canMount, SmallDisk } from '../../support/small-disk';
import { testLog } from '../../support/store-fixture';

const WORKER_ID = 'w-1';

let disk: SmallDisk;
let engine: EngineFixture;
let keeper: KeeperFixture;
let client: KeeperClient;
let worker: WorkerApp;

async function startOne(): Promise<void> {
  ({ client } = await keeper.worker());
  worker = await startWorker({
    config: envToConfig({ HOLDFAST_BROWSER: 'null', HOLDFAST_METRICS_PORT: '0' }),
    redisUrl: engine.server.url,
    keeper: client,
    workerId: WORKER_ID,
    runRoot: (await browserLocation(disk.path)).runRoot,
    onFenced: () => undefined,
    log: testLog,
  });
}

/** As if it had died: its browsers go on. */
async function stopOne(): Promise<void> {
  await worker.close();
  await client.close();
}

async function aLiveSession(): Promise<SessionRef> {
  const ref = await engine.accept();
  await awaitRecord(engine.deps, ref, ({ snapshot }) => snapshot.value === 'live', 10_000);
  return ref;
}

async function release(ref: SessionRef): Promise<void> {
  const outcome = await engine.deps.stepper.apply({
    ref,
    cause: 'test',
    actor: 'test',
    event: (_record, nowMs) => ({ type: 'RELEASE', nowMs, reason: 'released_by_client' }),
  });
  expect(outcome.kind).toBe('committed');
}

async function browsers(): Promise<number> {
  const marker = `dd if=${disk.path}/`;
  return (await systemProcesses.list()).filter(({ commandLine }) => commandLine.startsWith(marker)).length;
}

(canMount() ? describe : describe.skip)('sessions of a worker whose disk is full', () => {
  beforeEach(async () => {
    disk = await SmallDisk.mount(4);
    engine = await EngineFixture.open();
    keeper = await KeeperFixture.open({}, { dir: disk });
    await startStepping(engine.deps);
    await startOne();
  });

  afterEach(async () => {
    disk.relieve();
    await stopOne();
    await keeper.close();
    await engine.close();
  });

  test('are adopted by the next worker, and their browsers are gone when their ends are acknowledged', async () => {
    const refs = [await aLiveSession(), await aLiveSession(), await aLiveSession()];
    disk.fill();
    await stopOne();
    await startOne();
    for (const ref of refs) {
      const { record } = await engine.deps.sessions.load(ref);
      expect(record?.snapshot).toMatchObject({ value: 'live', context: { fenceN: 2 } });
    }
    for (const [ended, ref] of refs.entries()) {
      await release(ref);
      expect(await engine.deps.waiters.closed(ref, 5_000)).not.toBeNull();
      expect(await browsers()).toBe(refs.length - ended - 1);
    }
    expect(keeper.app.keeper.list()).toEqual([]);
  });

  test('leave no browser when they end although an adoption reached only the row and not the keeper', async () => {
    const ref = await aLiveSession();
    const adopted = await engine.deps.stepper.apply({
      ref,
      cause: 'test',
      actor: 'test',
      event: (_record, nowMs) => ({ type: 'ADOPT', nowMs, workerId: WORKER_ID, claimId: 'never-told' }),
    });
    expect(adopted.kind).toBe('committed');
    await release(ref);
    expect(await engine.deps.waiters.closed(ref, 5_000)).not.toBeNull();
    expect(await browsers()).toBe(0);
  });

  test('fail at once with the reason when they are launched', async () => {
    disk.fill();
    const record = await engine.ended(await engine.accept(), 10_000);
    expect(record.snapshot.context).toMatchObject({
      endReason: 'launch_failed',
      error: { message: expect.stringMatching(/no room on the disk.*ENOSPC/) },
    });
    expect(await browsers()).toBe(0);
    disk.relieve();
    await aLiveSession();
  });
});
