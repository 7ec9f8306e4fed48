import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from '../../../src/core/abort';
import { systemProcesses } from '../../../src/core/process-identity';
import { BrowserFreezer } from '../../../workers/keeper/sleep/browser-freezer';
import { canFreeze, cgroupsOf } from '../../support/cgroups';
import { cheapChromium } from '../../support/keeper-fixture';
import { pollUntil } from '../../support/poll-until';
import { readProc } from '../../support/proc';
import { openPage, SleepFixture, statesBelow, statesOf } from '../../support/sleep-fixture';

let fixture: SleepFixture;

afterEach(async () => {
  await fixture.close();
});

describe('a null browser that may sleep', () => {
  beforeEach(async () => {
    fixture = await SleepFixture.open();
  });

  it('stands still after its time, is counted, and its end leaves nothing behind', async () => {
    const { ref, claim } = await fixture.launch();
    expect(fixture.counts).toMatchObject({ asleep: 0, sleeps: 0 });
    await fixture.untilAsleep();
    const [name = ''] = await fixture.directories();
    const isStill = (): true | undefined =>
      statesOf(join(fixture.runRoot, name)).some(state => 'DT'.includes(state)) ? true : undefined;
    await pollUntil('it to stand still', { timeoutMs: 2_000, everyMs: 5 }, isStill);
    const beganMs = performance.now();
    expect(await fixture.worker.close(ref, claim)).toBe(true);
    expect(performance.now() - beganMs).toBeLessThan(2_000);
    expect(await fixture.directories()).toEqual([]);
    expect(cgroupsOf(fixture.runRoot)).toEqual([]);
    expect(fixture.counts).toMatchObject({ asleep: 0, sleeps: 1, wakes: 0 });
  });
});

describe('a browser that may sleep', () => {
  it('is woken by the first byte of a client, old or new, and answers; no probe ends it', async () => {
    fixture = await SleepFixture.open({
      browser: await cheapChromium(),
      rhythm: { liveness: { everyMs: 100, patienceMs: 1_000, misses: 2 } },
    });
    const sleepy = await fixture.launch();
    const client = await fixture.connect(sleepy);
    const page = await openPage(client);
    for (const expression of ['1 + 1', '2 + 2']) {
      await fixture.untilAsleep();
      // Longer than its liveness probes would take to give it up.
      await pause(3_000);
      expect(await fixture.recordOf(sleepy)).toMatchObject({ state: 'running' });
      const { result } = await client.call<{ result: { value: number } }>(
        'Runtime.evaluate',
        { expression },
        page,
      );
      expect(result.value).toBe(eval(expression));
      expect(fixture.counts.asleep).toBe(0);
    }
    await fixture.untilAsleep();
    const other = await fixture.connect(sleepy);
    await expect(other.call('Browser.getVersion')).resolves.toMatchObject({ product: expect.any(String) });
    expect(fixture.counts).toMatchObject({ asleep: 0, sleeps: 3, wakes: 3 });
    expect(fixture.counts.latest.map(({ n }) => n)).toEqual([1, 2, 3]);
    client.socket.terminate();
    other.socket.terminate();
  });

  it('does not sleep while a command waits for its answer', async () => {
    fixture = await SleepFixture.open({ browser: await cheapChromium() });
    const sleepy = await fixture.launch();
    const client = await fixture.connect(sleepy);
    const page = await openPage(client);
    const later = { expression: 'new Promise(done => setTimeout(() => done(7), 2000))', awaitPromise: true };
    const asked = client.call<{ result: { value: number } }>(
      'Runtime.evaluate',
      { ...later, returnByValue: true },
      page,
    );
    expect((await asked).result.value).toBe(7);
    expect(fixture.counts.sleeps).toBe(0);
    await fixture.untilAsleep();
    client.socket.terminate();
  });
});

(canFreeze() ? describe : describe.skip)('a browser that sleeps for long', () => {
  it('breathes, but for its pages, and leaves nothing behind', async () => {
    fixture = await SleepFixture.open({
      browser: await cheapChromium(),
      rhythm: { breaths: { firstAfterMs: 200, everyMs: 200, forMs: 100 } },
    });
    const { claim, ref, endpoint } = await fixture.launch();
    const client = await fixture.connect({ claim, ref, endpoint });
    const page = await openPage(client);
    await client.call('Runtime.evaluate', { expression: 'setInterval(() => 1, 1)' }, page);
    await fixture.untilAsleep();
    const breath = (n: number): Promise<true> =>
      pollUntil(`breath ${n}`, { timeoutMs: 10_000, everyMs: 5 }, () =>
        (fixture.counts.breaths ?? 0) >= n ? true : undefined,
      );
    await breath(1);
    const cgroup = cgroupsOf(fixture.runRoot).find(folder => existsSync(join(folder, 'pages'))) ?? '';
    const [pages, rest] = turnsOf(cgroup);
    expect(pages).toBeGreaterThan(0);
    await breath(3);
    expect(turnsOf(cgroup)).toEqual([pages, expect.any(Number)]);
    expect(turnsOf(cgroup)[1]).toBeGreaterThan(rest);
    expect(fixture.counts).toMatchObject({ asleep: 1, sleeps: 1, wakes: 0 });
    await client.call('Runtime.evaluate', { expression: '1' }, page);
    expect(turnsOf(cgroup)[0]).toBeGreaterThan(pages);
    await fixture.untilAsleep();
    await breath(4);
    await fixture.worker.close(ref, claim);
    expect(cgroupsOf(fixture.runRoot)).toEqual([]);
  });
});

/* How often processes of pages, and all others of a browser, have got a processor. */
function turnsOf(cgroup: string): [pages: number, rest: number] {
  const turns: [number, number] = [0, 0];
  const lists = [cgroup, join(cgroup, 'pages')].map(at => readFileSync(join(at, 'cgroup.procs'), 'utf8'));
  for (const pid of lists.join('').split('\n').filter(Boolean).map(Number)) {
    const isPage = readProc(pid, 'cmdline').includes('--type=renderer');
    turns[isPage ? 0 : 1] += Number(readProc(pid, 'schedstat').split(' ')[2] ?? 0);
  }
  return turns;
}

describe('processes without a cgroup of their own', () => {
  it('are stopped and let go on by signals', async () => {
    fixture = await SleepFixture.open();
    const shell = spawn('/bin/sh', ['-c', 'sleep 100 & wait'], { detached: true, stdio: 'ignore' });
    const shim = await systemProcesses.identify(shell.pid ?? 0);
    if (shim === null) throw new Error('the shell has not started');
    const children = (): string[] => statesBelow(shim.pid);
    try {
      await pollUntil('its child', { timeoutMs: 2_000, everyMs: 5 }, () =>
        children().find(state => state === 'S'),
      );
      const freezer = new BrowserFreezer({ shim, cgroups: [] }, systemProcesses);
      expect(await freezer.freeze(() => false)).toBe(false);
      expect(children()).toEqual(['S']);
      expect(await freezer.freeze(() => true)).toBe(true);
      await pollUntil('it to stop', { timeoutMs: 2_000, everyMs: 5 }, () =>
        children().find(state => state === 'T'),
      );
      await freezer.thaw();
      await pollUntil('it to go on', { timeoutMs: 2_000, everyMs: 5 }, () =>
        children().find(state => state === 'S'),
      );
    } finally {
      process.kill(-shim.pid, 'SIGKILL');
    }
    await pollUntil('it to be gone', { timeoutMs: 2_000, everyMs: 5 }, async () =>
      (await systemProcesses.identify(shim.pid)) === null ? true : undefined,
    );
    const gone = new BrowserFreezer({ shim, cgroups: [] }, systemProcesses);
    expect(await gone.freeze(() => true)).toBe(false);
    await gone.thaw();
  });
});
