import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '../../../src/core/logger';
import { sendSignal, systemProcesses } from '../../../src/core/process-identity';
import { fence, KeeperFixture, type TestWorker } from '../../support/keeper-fixture';
import { canMount, SmallDisk } from '../../support/small-disk';
import { pollUntil } from '../../support/poll-until';

let disk: SmallDisk;
let fixture: KeeperFixture;
let worker: TestWorker;
let said: { readonly level: string; readonly msg: string }[] = [];

const complaints = (): string[] =>
  said.filter(({ level }) => level !== 'info' && level !== 'debug').map(({ msg }) => msg);

/** Pids of all processes that name a run directory of this keeper. */
async function browserPids(): Promise<number[]> {
  const entries = await systemProcesses.list();
  const root = join(disk.path, 'run/b-');
  return entries.filter(({ commandLine }) => commandLine.includes(`dd if=${root}`)).map(({ pid }) => pid);
}

async function shims(): Promise<number> {
  const marker = `/shim.sh ${disk.path}/`;
  return (await systemProcesses.list()).filter(({ commandLine }) => commandLine.includes(marker)).length;
}

async function untilBrowserPid(): Promise<number> {
  return pollUntil(
    'the null browser',
    { timeoutMs: 2_000, everyMs: 5 },
    async () => (await browserPids())[0],
  );
}

async function leftOnDisk(): Promise<string[]> {
  const root = join(disk.path, 'run');
  const browsers = (await readdir(root)).filter(name => name.startsWith('b-'));
  return [...browsers, ...(await readdir(join(root, 'records')))];
}

async function recordedClaims(): Promise<string[]> {
  const folder = join(disk.path, 'run/records');
  const files = (await readdir(folder)).filter(name => name.endsWith('.json'));
  const records = await Promise.all(files.map(file => readFile(join(folder, file), 'utf8')));
  // SAFETY: the keeper writes these files; a wrong shape fails the test that reads them.
  return records.map(text => (JSON.parse(text) as { fence: { claimId: string } }).fence.claimId);
}

(canMount() ? describe : describe.skip)('a keeper whose disk is full', () => {
  beforeEach(async () => {
    disk = await SmallDisk.mount(4);
    said = [];
    const log = createLogger('keeper', 'info', {
      // SAFETY: pino writes one JSON object a line.
      write: line => void said.push(JSON.parse(line) as (typeof said)[number]),
    });
    fixture = await KeeperFixture.open({}, { dir: disk, log });
    worker = await fixture.worker();
  });

  afterEach(async () => {
    disk.relieve();
    await fixture.close();
  });

  test('launches nothing, answers the reason at once, and leaves nothing', async () => {
    disk.fill();
    const refusal = { code: 'launch_failed', message: expect.stringMatching(/no room.*ENOSPC/) };
    await expect(worker.launch('t/a', fence(), 2_000)).rejects.toMatchObject(refusal);
    expect(await worker.list()).toEqual([]);
    expect(await leftOnDisk()).toEqual([]);
    disk.relieve();
    await expect(worker.launch('t/a', fence())).resolves.toBeDefined();
  });

  test('ends a browser and leaves nothing of it', async () => {
    const claim = fence();
    await worker.launch('t/a', claim);
    disk.fill();
    expect(await worker.close('t/a', claim)).toBe(true);
    expect(await browserPids()).toEqual([]);
    expect(await leftOnDisk()).toEqual([]);
    expect(await worker.used()).toBe(0);
  });

  test('reports how a browser ended although nothing new can be written', async () => {
    const claim = fence();
    await worker.launch('t/a', claim);
    const pid = await untilBrowserPid();
    disk.fill();
    sendSignal(pid, 'SIGKILL');
    const { gone } = await worker.untilGone('t/a');
    expect(gone).toEqual({ cause: 'browser_crashed', message: 'the browser was killed by SIGKILL' });
    await worker.untilIdle();
    // What is left are the reports for its worker.
    await worker.forget('t/a', claim);
    expect(await leftOnDisk()).toEqual([]);
  });

  test('passes a claim on, and records it when there is room', async () => {
    const [first, second] = [fence(1), fence(2)];
    await worker.launch('t/a', first);
    disk.fill();
    await worker.client.call('claim', { ref: 't/a', from: first, to: second }, { timeoutMs: 1_000 });
    expect(await worker.list()).toMatchObject([{ ref: 't/a', state: 'running', fence: second }]);
    expect(await worker.close('t/a', first)).toBe(false);
    expect(await recordedClaims()).toEqual([first.claimId]);
    disk.relieve();
    await pollUntil('the claim in the record', { timeoutMs: 3_000, everyMs: 20 }, async () =>
      (await recordedClaims())[0] === second.claimId ? true : undefined,
    );
    expect(await worker.close('t/a', second)).toBe(true);
    expect(await leftOnDisk()).toEqual([]);
  });

  test('started again, takes over what runs and reports how the others ended', async () => {
    const [runs, went] = [fence(), fence()];
    await worker.launch('t/went', went);
    const pid = await untilBrowserPid();
    await worker.launch('t/runs', runs);
    await fixture.stopKeeper();
    disk.fill();
    sendSignal(pid, 'SIGKILL');
    await pollUntil('the shim to go', { timeoutMs: 2_000, everyMs: 5 }, async () =>
      (await shims()) === 1 ? true : undefined,
    );
    await fixture.startKeeper();
    const { browsers } = await worker.registration(1);
    expect(browsers.find(({ ref }) => ref === 't/runs')).toMatchObject({ state: 'running', fence: runs });
    expect(browsers.find(({ ref }) => ref === 't/went')?.gone).toEqual({
      cause: 'browser_crashed',
      message: 'the browser was killed by SIGKILL',
    });
    expect(await worker.close('t/runs', runs)).toBe(true);
    await worker.forget('t/went', went);
    expect(await leftOnDisk()).toEqual([]);
  });

  test('logs once that it cannot write, and once that it can again', async () => {
    let claim = fence(1);
    await worker.launch('t/a', claim);
    disk.fill();
    for (let n = 2; n <= 5; n += 1) {
      const to = fence(n);
      await worker.client.call('claim', { ref: 't/a', from: claim, to }, { timeoutMs: 1_000 });
      claim = to;
    }
    expect(complaints()).toEqual(['a record could not be written; it will be tried again']);
    disk.relieve();
    await pollUntil('the news', { timeoutMs: 3_000, everyMs: 20 }, () =>
      said.some(({ msg }) => msg === 'records can be written again') ? true : undefined,
    );
  });
});

describe('what no record names', () => {
  beforeEach(async () => {
    fixture = await KeeperFixture.open();
    worker = await fixture.worker();
  });
  afterEach(() => fixture.close());

  test('a run directory is removed by a close of a browser that has no record', async () => {
    const stray = join(fixture.dir.path, 'run/b-abcdef');
    await mkdir(stray);
    await writeFile(join(stray, 'log'), '');
    expect(await worker.close('t/unknown', fence())).toBe(false);
    expect(await readdir(join(fixture.dir.path, 'run'))).not.toContain('b-abcdef');
  });

  test('a record that cannot be read does not keep other browsers from being adopted', async () => {
    const claim = fence();
    await worker.launch('t/a', claim);
    await fixture.stopKeeper();
    await mkdir(join(fixture.dir.path, 'run/records/b-000000.json'));
    await fixture.startKeeper();
    expect((await worker.registration(1)).browsers).toMatchObject([{ ref: 't/a', state: 'running' }]);
  });
});
