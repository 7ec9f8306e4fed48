import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { NO_LIMITS } from '../../../src/config/browser-limits';
import { sendSignal } from '../../../src/core/process-identity';
import { joinWords } from '../../../workers/keeper/limits/cgroup';
import { canLimit, cgroupsOf, groupsOf } from '../../support/cgroups';
import { fence, KeeperFixture, type TestWorker } from '../../support/keeper-fixture';
import { pollUntil } from '../../support/poll-until';

const LIMITS = { memoryMaxBytes: 2 ** 28, pidsMax: 8, cpuWeight: 50 };

(canLimit() ? describe : describe.skip)('browsers with limits', () => {
  let fixture: KeeperFixture;
  let worker: TestWorker;

  beforeEach(async () => {
    fixture = await KeeperFixture.open({ limits: LIMITS });
    worker = await fixture.worker();
  });

  afterEach(async () => {
    await fixture.close();
    expect(groupsOf(runRoot())).toEqual([]);
  });

  const runRoot = (): string => join(fixture.dir.path, 'run');
  const cgroups = (): string[] => cgroupsOf(runRoot());

  /** What one of the files says, in whichever folder it is. */
  const valueOf = (...files: string[]): string => {
    const paths = cgroups().flatMap(folder => files.map(file => join(folder, file)));
    return readFileSync(paths.find(existsSync) ?? '', 'utf8').trim();
  };

  const members = (): number[] => [
    ...new Set(
      cgroups().flatMap(folder =>
        readFileSync(join(folder, 'cgroup.procs'), 'utf8').trim().split('\n').filter(Boolean).map(Number),
      ),
    ),
  ];

  it('are in cgroups of their own from their first moment on, and without their shim', async () => {
    expect(fixture.app.limits).toMatchObject({ enforced: ['memory', 'pids', 'cpu'], whyNotMore: null });
    const claim = fence();
    await worker.launch('t/a', claim);
    expect(valueOf('memory.max', 'memory.limit_in_bytes')).toBe(String(LIMITS.memoryMaxBytes));
    expect(valueOf('pids.max')).toBe('8');
    expect(['50', '2048']).toContain(valueOf('cpu.weight', 'cpu.shares'));
    const [pid = 0, ...others] = members();
    expect(others).toEqual([]);
    expect(fixture.app.keeper.rootPids()).not.toContain(pid);
    for (const folder of cgroups())
      expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toContain(`/${basename(folder)}\n`);
    await worker.close('t/a', claim);
    expect(cgroups()).toEqual([]);
  });

  it('together weigh as much as one, so that the service can end any number of them', async () => {
    await worker.launch('t/a', fence());
    await worker.launch('t/b', fence());
    const weights = groupsOf(runRoot()).flatMap(group =>
      ['cpu.weight', 'cpu.shares'].map(file => join(group, file)).filter(existsSync),
    );
    expect(weights.map(path => readFileSync(path, 'utf8').trim())).toEqual([
      expect.stringMatching(/^100$|^4096$/),
    ]);
  });

  it('are ended and reported once they are refused a process', async () => {
    await worker.launch('t/a', fence());
    const [program = '', ...words] = joinWords(cgroups());
    const forks = 'for n in 1 2 3 4 5 6 7 8 9; do sleep 100 & done; wait';
    // It is killed with the browser.
    const bomb = promisify(execFile)(program, [...words, '/bin/sh', '-c', forks]).catch(() => undefined);
    const { gone } = await worker.untilGone('t/a');
    expect(gone).toEqual({ cause: 'resource_limit', message: expect.stringContaining('limit of pids') });
    await bomb;
    await worker.untilIdle();
  });

  it('keep them under a later keeper, also one without limits, which removes them', async () => {
    await worker.launch('t/a', fence());
    await fixture.stopKeeper();
    await fixture.startKeeper({ limits: NO_LIMITS });
    await worker.registration(1);
    expect((await worker.list()).map(({ state }) => state)).toEqual(['running']);
    const [pid = 0] = members();
    sendSignal(pid, 'SIGKILL');
    expect((await worker.untilGone('t/a')).gone?.cause).toBe('browser_crashed');
    await worker.untilIdle();
    expect(cgroups()).toEqual([]);
  });

  it('have those limits that can be set, and the keeper says why not the others', async () => {
    await fixture.stopKeeper();
    const app = await fixture.startKeeper({ limits: { ...LIMITS, pidsMax: -1 } });
    expect(app.limits).toMatchObject({
      enforced: ['memory', 'cpu'],
      whyNotMore: expect.stringMatching(/^pids: no cgroup can be made in .*EINVAL/),
    });
  });

  it('leave nothing that the next keeper does not remove, whatever their keeper died of', async () => {
    await worker.launch('t/a', fence());
    const left = cgroups().map(folder => folder.replace(/b-[0-9a-f]+$/, 'b-000000'));
    for (const folder of left) mkdirSync(folder);
    const [program = '', ...words] = joinWords(left);
    const stray = promisify(execFile)(program, [...words, 'sleep', '1000']).catch(() => 'killed');
    await pollUntil('the stray to be in there', { timeoutMs: 5_000, everyMs: 10 }, () =>
      left.every(folder => readFileSync(join(folder, 'cgroup.procs'), 'utf8') !== '') ? true : undefined,
    );
    await fixture.stopKeeper();
    await fixture.startKeeper();
    expect(left.filter(existsSync)).toEqual([]);
    expect(await stray).toBe('killed');
    expect(members()).toHaveLength(1);
  });
});
