import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from '../../src/core/abort';
import { sendSignal, systemProcesses } from '../../src/core/process-identity';
import { Stage } from '../support/supervisor/harness';
import { pollUntil } from '../support/poll-until';

let stage: Stage;
beforeEach(async () => (stage = await Stage.make()));
afterEach(() => stage.dispose());

describe('a process that gives no sign of life', () => {
  test('is replaced: a frozen worker, keeper and API, each once', async () => {
    const supervisor = stage.run();
    await supervisor.until();
    const roles = ['worker', 'keeper', 'api'];
    const frozen = await Promise.all(roles.map(role => stage.started(role, 1)));
    for (const pid of frozen) sendSignal(pid, 'SIGSTOP');
    await Promise.all(roles.map(role => stage.started(role, 2)));
    for (const pid of frozen) expect(await systemProcesses.identify(pid)).toBeNull();
    const blamed = supervisor.logLines('does not respond').map(line => line['childPid']);
    expect(new Set(blamed)).toEqual(new Set(frozen));
    for (const role of roles) expect(await stage.starts(role)).toHaveLength(2);
  });

  test('is replaced when it is a keeper that another supervisor has started', async () => {
    const first = stage.run();
    await first.until();
    const frozen = await stage.started('keeper', 1);
    sendSignal(frozen, 'SIGSTOP');
    first.kill('SIGKILL');
    await first.ended();
    const second = stage.run();
    await second.until();
    await stage.started('keeper', 2);
    expect(await systemProcesses.identify(frozen)).toBeNull();
  });

  test('is not replaced while it starts', async () => {
    for (const role of ['worker', 'keeper', 'api']) await stage.misbehave(role, 'starts-slowly');
    const supervisor = stage.run();
    await supervisor.until();
    for (const role of ['worker', 'keeper', 'api']) expect(await stage.starts(role)).toHaveLength(1);
  });

  test('is replaced when it does not finish its start in time', async () => {
    const supervisor = stage.run();
    sendSignal(await stage.started('keeper', 1), 'SIGSTOP');
    await stage.started('keeper', 2, 7_000);
    await supervisor.until();
  });

  test.each([
    ['was stopped itself', [] as const],
    ['was stopped with all of them', ['worker', 'keeper', 'api'] as const],
  ])('is not replaced by a supervisor that %s', async (_what, others) => {
    const supervisor = stage.run();
    await supervisor.until();
    const stopped = [...(await Promise.all(others.map(role => stage.started(role, 1)))), supervisor.pid];
    for (const pid of [...stopped].reverse()) sendSignal(pid, 'SIGSTOP');
    // This tests the time itself: longer than the limit, then the limit once more.
    await pause(2_000);
    for (const pid of [...stopped].reverse()) sendSignal(pid, 'SIGCONT');
    await pause(1_800);
    expect(supervisor.logLines('does not respond')).toEqual([]);
    for (const role of ['worker', 'keeper', 'api']) expect(await stage.starts(role)).toHaveLength(1);
  });
});

describe('a data folder that cannot be written to', () => {
  test('loses no process: each is started once, and listed as soon as the list can be written', async () => {
    const draft = join(stage.dataDir, 'children.json.new');
    mkdirSync(draft, { recursive: true });
    const supervisor = stage.run();
    await supervisor.until();
    sendSignal(await stage.started('worker', 1), 'SIGKILL');
    const worker = await stage.started('worker', 2);
    expect(await stage.starts('keeper')).toHaveLength(1);
    expect(existsSync(join(stage.dataDir, 'children.json'))).toBe(false);
    rmdirSync(draft);
    const list = await pollUntil('the list', { timeoutMs: 3_000, everyMs: 10 }, () =>
      existsSync(join(stage.dataDir, 'children.json')) ? true : undefined,
    ).then(() => readFileSync(join(stage.dataDir, 'children.json'), 'utf8'));
    expect(JSON.parse(list)).toMatchObject({ children: { worker: { pid: worker } } });
    expect(supervisor.logLines('cannot be written')).toHaveLength(1);
  });

  test('does not keep a new supervisor from finding the keeper', async () => {
    const draft = join(stage.dataDir, 'children.json.new');
    mkdirSync(draft, { recursive: true });
    const first = stage.run();
    await first.until();
    first.kill('SIGKILL');
    await first.ended();
    await stage.run().until();
    expect(await stage.starts('keeper')).toHaveLength(1);
  });
});
